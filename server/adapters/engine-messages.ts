// Generated from dataplane/engine/src/messages.rs, which is the only definition: do not edit.
// To write it anew: cd dataplane && QUICETHER_WRITE_TYPES=1 cargo test -p quicether-engine types

/** Version of these messages. */
export const PROTOCOL = 1;

/** Longest line either side accepts, in bytes: a snapshot of 10,000 peers fits. */
export const MAX_LINE_LEN = 16777216;

/**
 * One line from the daemon. Answers carry the same `id`.
 */
export type Request = {
/**
 * Chosen by the daemon, returned with the answer.
 */
id: number, } & ({ "call": "hello", "params": {
/**
 * [`PROTOCOL`] of the daemon.
 */
protocol: number, } } | { "call": "apply", "params": DesiredState } | { "call": "renew_lease" } | { "call": "snapshot" } | { "call": "ping", "params": {
/**
 * The peer.
 */
node_id: string,
/**
 * Given up after this.
 */
timeout_ms: number, } } | { "call": "shutdown" });

/**
 * What the daemon asks.
 */
export type Call = { "call": "hello", "params": {
/**
 * [`PROTOCOL`] of the daemon.
 */
protocol: number, } } | { "call": "apply", "params": DesiredState } | { "call": "renew_lease" } | { "call": "snapshot" } | { "call": "ping", "params": {
/**
 * The peer.
 */
node_id: string,
/**
 * Given up after this.
 */
timeout_ms: number, } } | { "call": "shutdown" };

/**
 * One line from the engine.
 */
export type Message = { "type": "answer",
/**
 * Of the request.
 */
id: number,
/**
 * What came of it.
 */
answer: Answer, } | { "type": "failure",
/**
 * Of the request; 0 when it could not be read.
 */
id: number,
/**
 * Stable code: `bad_request`, `unknown_call`, `protocol`, `permission`, `tun_taken`,
 * `address_in_use`, `bad_state`, `unknown_peer`, `timeout`, `busy` (another daemon steers
 * the engine, or too many connections), `internal`.
 */
code: string,
/**
 * One sentence for a person: place, value, remedy.
 */
message: string, } | { "type": "event",
/**
 * What.
 */
event: Event,
/**
 * Events dropped before this one because the daemon did not read.
 */
dropped_events: number, };

/**
 * Results of calls.
 */
export type Answer = { "kind": "hello",
/**
 * [`PROTOCOL`] of the engine.
 */
protocol: number,
/**
 * Release of the engine.
 */
version: string,
/**
 * NodeId of this box, `qe1...`.
 */
node_id: string,
/**
 * Process id.
 */
pid: number,
/**
 * Random for each start of the engine, hexadecimal: tells a restarted engine.
 */
instance: string,
/**
 * Generation of the desired state in force; 0 when there is none yet.
 */
generation: number, } | { "kind": "applied",
/**
 * The one now in force.
 */
generation: number, } | { "kind": "snapshot" } & Snapshot | { "kind": "ping",
/**
 * Round trip, in microseconds.
 */
rtt_us: number, } | { "kind": "done" };

/**
 * What happened, told once, without being asked.
 */
export type Event = { "kind": "peer_up",
/**
 * The peer.
 */
node_id: string,
/**
 * Its address and port.
 */
address: string, } | { "kind": "peer_down",
/**
 * The peer.
 */
node_id: string,
/**
 * One sentence.
 */
reason: string,
/**
 * Bytes inside the tunnel, to it.
 */
sent_bytes: number,
/**
 * Bytes inside the tunnel, from it.
 */
received_bytes: number,
/**
 * How long it carried, in milliseconds.
 */
duration_ms: number, } | { "kind": "peer_pending",
/**
 * Who.
 */
node_id: string,
/**
 * From where.
 */
address: string, } | { "kind": "peer_moved",
/**
 * The peer.
 */
node_id: string,
/**
 * Its new address and port.
 */
address: string, } | { "kind": "dial_failed",
/**
 * Address and port.
 */
address: string,
/**
 * The peer that was wanted there, when it is known.
 */
node_id: string | null,
/**
 * One sentence.
 */
reason: string, } | { "kind": "repaired",
/**
 * What, in words.
 */
what: string, } | { "kind": "lease_expired" };

/**
 * Everything the engine should be doing, whole. What is not in it is taken down.
 */
export type DesiredState = {
/**
 * Counts up; a state with a number not above the one in force is refused.
 */
generation: number,
/**
 * Name of this box, shown to peers while they are pending. At most 64 bytes are sent.
 */
name: string,
/**
 * The interface.
 */
tun: Tun,
/**
 * Local addresses and ports of the UDP sockets: `0.0.0.0:9000`, `[::]:9000`.
 */
listen: Array<string>,
/**
 * Whether an untagged handshake is answered (pairing, `--listen` without a network).
 */
answer_strangers: boolean,
/**
 * Accepted peers.
 */
peers: Array<Peer>,
/**
 * Addresses to connect to without knowing who is there; whoever is becomes pending.
 */
dial: Array<string>,
/**
 * Prefixes behind this box that peers may reach, besides its own overlay addresses.
 */
local_prefixes: Array<string>,
/**
 * Whether this box forwards between the interface and its other networks.
 */
forward: boolean,
/**
 * Connections beyond this are refused.
 */
max_connections: number,
/**
 * Processors to keep the packet threads on; empty: anywhere.
 */
cpu_affinity: Array<number>, };

/**
 * The interface.
 */
export type Tun = {
/**
 * `quicether0`.
 */
name: string,
/**
 * Inner MTU in bytes.
 */
mtu: number,
/**
 * Addresses with prefix length, host bits kept: `100.64.1.2/32`.
 */
addresses: Array<string>, };

/**
 * A peer that this box accepts.
 */
export type Peer = {
/**
 * `qe1...`.
 */
node_id: string,
/**
 * Where to dial it, resolved; empty: wait for it.
 */
addresses: Array<string>,
/**
 * What lies at or behind it, its overlay addresses first: routes to it, and the only
 * sources accepted from it.
 */
prefixes: Array<string>, };

/**
 * What is, once a second or when asked.
 */
export type Snapshot = {
/**
 * Generation in force.
 */
generation: number,
/**
 * Since the engine started.
 */
uptime_ms: number,
/**
 * Until nothing new is accepted; 0: run out.
 */
lease_remaining_ms: number,
/**
 * Interface name, empty when there is none.
 */
tun_name: string,
/**
 * Addresses of the sockets as bound.
 */
listen: Array<string>,
/**
 * Accepted peers, in the order of the desired state.
 */
peers: Array<PeerStatus>,
/**
 * Connected but not accepted, here or there.
 */
pending: Array<PendingPeer>,
/**
 * Every route to a peer.
 */
routes: Array<RouteStatus>,
/**
 * Since the engine started.
 */
counters: Counters, };

/**
 * How things stand with an accepted peer.
 */
export type PeerStatus = {
/**
 * Who.
 */
node_id: string,
/**
 * What it calls itself; text from a peer.
 */
name: string,
/**
 * How far it is.
 */
state: PeerState,
/**
 * Why it is not connected, in one sentence, when that is known.
 */
problem: string | null,
/**
 * Overlay addresses that it says it has; text from a peer.
 */
claimed_addresses: Array<string>,
/**
 * Since it carries traffic; 0 when it does not.
 */
connected_ms: number,
/**
 * Inside bytes sent to it since the engine started.
 */
sent_bytes: number,
/**
 * Inside bytes received from it.
 */
received_bytes: number,
/**
 * Inside packets sent to it (segments, not trains).
 */
sent_packets: number,
/**
 * Inside packets received from it.
 */
received_packets: number,
/**
 * Waiting in its fair queue.
 */
queue_bytes: number,
/**
 * Inside packets its fair queue dropped.
 */
queue_drops: number,
/**
 * Inside packets its fair queue marked (ECN) instead of dropping.
 */
queue_marks: number,
/**
 * Pairs of lines in use.
 */
paths: Array<PathStatus>, };

/**
 * How far a peer is.
 */
export type PeerState = "down" | "waiting_for_peer" | "up";

/**
 * One pair of lines between two boxes.
 */
export type PathStatus = {
/**
 * Interface the packets leave by, empty when not known.
 */
interface: string,
/**
 * Local address and port.
 */
local: string,
/**
 * Remote address and port.
 */
remote: string,
/**
 * Smoothed round trip in microseconds.
 */
rtt_us: number,
/**
 * Lowest round trip seen.
 */
min_rtt_us: number,
/**
 * Outer packets sent.
 */
sent_packets: number,
/**
 * Outer packets found lost.
 */
lost_packets: number,
/**
 * Outer bytes allowed in flight.
 */
window_bytes: number,
/**
 * Outer datagram size that the path is known to carry, in bytes of UDP payload.
 */
mtu: number,
/**
 * Nothing heard for this long, in milliseconds.
 */
silent_ms: number, };

/**
 * Somebody who proved a key that this box has not accepted.
 */
export type PendingPeer = {
/**
 * Who.
 */
node_id: string,
/**
 * What it calls itself; text from a stranger.
 */
name: string,
/**
 * Its address and port.
 */
address: string,
/**
 * Overlay addresses that it says it has.
 */
claimed_addresses: Array<string>,
/**
 * Whether it has accepted this box already.
 */
accepted_there: boolean,
/**
 * Connected for this long, in milliseconds.
 */
since_ms: number, };

/**
 * A route to a peer.
 */
export type RouteStatus = {
/**
 * Prefix.
 */
destination: string,
/**
 * The peer it leads to.
 */
node_id: string,
/**
 * Whether the kernel has it.
 */
installed: boolean,
/**
 * Why not, in one sentence.
 */
problem: string | null, };

/**
 * Sums since the engine started.
 */
export type Counters = {
/**
 * Handshakes that ended in a connection.
 */
handshakes: number,
/**
 * Handshakes that failed.
 */
failed_handshakes: number,
/**
 * Failed because the key was not the one of the NodeId that was dialled.
 */
wrong_key: number,
/**
 * Datagrams dropped before anything was parsed: no tag, or a wrong one.
 */
silenced: number,
/**
 * Tagged first packets seen before.
 */
replayed: number,
/**
 * Datagrams of a QUIC version that is not ours.
 */
wrong_version: number,
/**
 * Connections refused because of a limit.
 */
refused: number,
/**
 * Inside packets dropped: no route.
 */
no_route: number,
/**
 * Inside packets dropped: peer not connected.
 */
peer_down: number,
/**
 * Inside packets dropped: source or destination not allowed.
 */
denied: number,
/**
 * Inside packets dropped: not valid IP.
 */
malformed: number,
/**
 * Cells from peers that could not be read.
 */
bad_cells: number,
/**
 * Inside packets that the interface did not take.
 */
tun_write_errors: number,
/**
 * Holes in a flow given up.
 */
holes: number,
/**
 * ICMP errors sent to the inside.
 */
icmp_sent: number,
/**
 * Events dropped because the daemon did not read.
 */
dropped_events: number, };
