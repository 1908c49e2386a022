//! What daemon and engine say to each other: one JSON object a line over the engine socket.
//!
//! This file is the only definition. The TypeScript types are generated from it into
//! `server/adapters/engine-messages.ts`; a test fails when they differ. Evolution is additive:
//! unknown fields are ignored, a new call is answered with `unknown_call` by an older engine.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Version of these messages. The engine refuses another major one in [`Call::Hello`].
pub const PROTOCOL: u32 = 1;

/// Longest line either side accepts, in bytes: a snapshot of 10,000 peers fits.
pub const MAX_LINE_LEN: usize = 16 << 20;

/// One line from the daemon. Answers carry the same `id`.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export_to = "engine-messages.ts")]
pub struct Request {
    /// Chosen by the daemon, returned with the answer.
    #[ts(type = "number")]
    pub id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub call: Call,
}

/// What the daemon asks.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "call", content = "params", rename_all = "snake_case")]
#[ts(export_to = "engine-messages.ts")]
pub enum Call {
    /// First call on a connection; answered by [`Answer::Hello`].
    Hello {
        /// [`PROTOCOL`] of the daemon.
        protocol: u32,
    },
    /// Makes the whole desired state so, or changes nothing and says why. Renews the lease.
    Apply(Box<DesiredState>),
    /// The daemon is alive: another 15 minutes of accepting new connections and flows.
    RenewLease,
    /// What is; answered by [`Answer::Snapshot`].
    Snapshot,
    /// Round trip through the tunnel to a peer, its engine answering; [`Answer::Ping`].
    Ping {
        /// The peer.
        node_id: String,
        /// Given up after this.
        timeout_ms: u32,
    },
    /// Says goodbye to the peers, removes interface, addresses, routes and rules, and ends.
    Shutdown,
}

/// One line from the engine.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export_to = "engine-messages.ts")]
pub enum Message {
    /// A call succeeded.
    Answer {
        /// Of the request.
        #[ts(type = "number")]
        id: u64,
        /// What came of it.
        answer: Answer,
    },
    /// A call failed and changed nothing.
    Failure {
        /// Of the request; 0 when it could not be read.
        #[ts(type = "number")]
        id: u64,
        /// Stable code: `bad_request`, `unknown_call`, `protocol`, `permission`, `tun_taken`,
        /// `address_in_use`, `bad_state`, `unknown_peer`, `timeout`, `busy` (another daemon steers
        /// the engine, or too many connections), `internal`.
        code: String,
        /// One sentence for a person: place, value, remedy.
        message: String,
    },
    /// Something happened. Bounded: what a slow daemon does not read is dropped and counted.
    Event {
        /// What.
        event: Event,
        /// Events dropped before this one because the daemon did not read.
        #[ts(type = "number")]
        dropped_events: u64,
    },
}

/// Results of calls.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export_to = "engine-messages.ts")]
pub enum Answer {
    /// To [`Call::Hello`].
    Hello {
        /// [`PROTOCOL`] of the engine.
        protocol: u32,
        /// Release of the engine.
        version: String,
        /// NodeId of this box, `qe1...`.
        node_id: String,
        /// Process id.
        pid: u32,
        /// Random for each start of the engine, hexadecimal: tells a restarted engine.
        instance: String,
        /// Generation of the desired state in force; 0 when there is none yet.
        #[ts(type = "number")]
        generation: u64,
    },
    /// To [`Call::Apply`].
    Applied {
        /// The one now in force.
        #[ts(type = "number")]
        generation: u64,
    },
    /// To [`Call::Snapshot`].
    Snapshot(Box<Snapshot>),
    /// To [`Call::Ping`].
    Ping {
        /// Round trip, in microseconds.
        #[ts(type = "number")]
        rtt_us: u64,
    },
    /// To the others.
    Done,
}

/// What happened, told once, without being asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export_to = "engine-messages.ts")]
pub enum Event {
    /// An accepted peer carries traffic from now on.
    PeerUp {
        /// The peer.
        node_id: String,
        /// Its address and port.
        address: String,
    },
    /// A peer that carried traffic no longer does.
    PeerDown {
        /// The peer.
        node_id: String,
        /// One sentence.
        reason: String,
        /// Bytes inside the tunnel, to it.
        #[ts(type = "number")]
        sent_bytes: u64,
        /// Bytes inside the tunnel, from it.
        #[ts(type = "number")]
        received_bytes: u64,
        /// How long it carried, in milliseconds.
        #[ts(type = "number")]
        duration_ms: u64,
    },
    /// Somebody proved a key that is in no desired state.
    PeerPending {
        /// Who.
        node_id: String,
        /// From where.
        address: String,
    },
    /// A peer's address changed and the association went on.
    PeerMoved {
        /// The peer.
        node_id: String,
        /// Its new address and port.
        address: String,
    },
    /// Dialling an address failed; the daemon may resolve its name again.
    DialFailed {
        /// Address and port.
        address: String,
        /// The peer that was wanted there, when it is known.
        node_id: Option<String>,
        /// One sentence.
        reason: String,
    },
    /// Something of ours in the kernel was missing and was put back.
    Repaired {
        /// What, in words.
        what: String,
    },
    /// The lease ran out; nothing new is accepted until the daemon is back.
    LeaseExpired,
}

/// Everything the engine should be doing, whole. What is not in it is taken down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine-messages.ts")]
pub struct DesiredState {
    /// Counts up; a state with a number not above the one in force is refused.
    #[ts(type = "number")]
    pub generation: u64,
    /// Name of this box, shown to peers while they are pending. At most 64 bytes are sent.
    pub name: String,
    /// The interface.
    pub tun: Tun,
    /// Local addresses and ports of the UDP sockets: `0.0.0.0:9000`, `[::]:9000`.
    pub listen: Vec<String>,
    /// Whether an untagged handshake is answered (pairing, `--listen` without a network).
    pub answer_strangers: bool,
    /// Accepted peers.
    pub peers: Vec<Peer>,
    /// Addresses to connect to without knowing who is there; whoever is becomes pending.
    pub dial: Vec<String>,
    /// Prefixes behind this box that peers may reach, besides its own overlay addresses.
    pub local_prefixes: Vec<String>,
    /// Whether this box forwards between the interface and its other networks.
    pub forward: bool,
    /// Connections beyond this are refused.
    pub max_connections: u32,
    /// Processors to keep the packet threads on; empty: anywhere.
    pub cpu_affinity: Vec<u32>,
}

/// The interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine-messages.ts")]
pub struct Tun {
    /// `quicether0`.
    pub name: String,
    /// Inner MTU in bytes.
    pub mtu: u16,
    /// Addresses with prefix length, host bits kept: `100.64.1.2/32`.
    pub addresses: Vec<String>,
}

/// A peer that this box accepts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine-messages.ts")]
pub struct Peer {
    /// `qe1...`.
    pub node_id: String,
    /// Where to dial it, resolved; empty: wait for it.
    pub addresses: Vec<String>,
    /// What lies at or behind it, its overlay addresses first: routes to it, and the only
    /// sources accepted from it.
    pub prefixes: Vec<String>,
}

/// What is, once a second or when asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine-messages.ts")]
pub struct Snapshot {
    /// Generation in force.
    #[ts(type = "number")]
    pub generation: u64,
    /// Since the engine started.
    #[ts(type = "number")]
    pub uptime_ms: u64,
    /// Until nothing new is accepted; 0: run out.
    #[ts(type = "number")]
    pub lease_remaining_ms: u64,
    /// Interface name, empty when there is none.
    pub tun_name: String,
    /// Addresses of the sockets as bound.
    pub listen: Vec<String>,
    /// Accepted peers, in the order of the desired state.
    pub peers: Vec<PeerStatus>,
    /// Connected but not accepted, here or there.
    pub pending: Vec<PendingPeer>,
    /// Every route to a peer.
    pub routes: Vec<RouteStatus>,
    /// Since the engine started.
    pub counters: Counters,
}

/// How things stand with an accepted peer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine-messages.ts")]
pub struct PeerStatus {
    /// Who.
    pub node_id: String,
    /// What it calls itself; text from a peer.
    pub name: String,
    /// How far it is.
    pub state: PeerState,
    /// Why it is not connected, in one sentence, when that is known.
    pub problem: Option<String>,
    /// Overlay addresses that it says it has; text from a peer.
    pub claimed_addresses: Vec<String>,
    /// Since it carries traffic; 0 when it does not.
    #[ts(type = "number")]
    pub connected_ms: u64,
    /// Inside bytes sent to it since the engine started.
    #[ts(type = "number")]
    pub sent_bytes: u64,
    /// Inside bytes received from it.
    #[ts(type = "number")]
    pub received_bytes: u64,
    /// Inside packets sent to it (segments, not trains).
    #[ts(type = "number")]
    pub sent_packets: u64,
    /// Inside packets received from it.
    #[ts(type = "number")]
    pub received_packets: u64,
    /// Waiting in its fair queue.
    #[ts(type = "number")]
    pub queue_bytes: u64,
    /// Inside packets its fair queue dropped.
    #[ts(type = "number")]
    pub queue_drops: u64,
    /// Inside packets its fair queue marked (ECN) instead of dropping.
    #[ts(type = "number")]
    pub queue_marks: u64,
    /// Pairs of lines in use.
    pub paths: Vec<PathStatus>,
}

/// How far a peer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export_to = "engine-messages.ts")]
pub enum PeerState {
    /// No connection; dialling, or waiting to be dialled.
    #[default]
    Down,
    /// Connected, and accepted here, but not (yet) there.
    WaitingForPeer,
    /// Carries traffic.
    Up,
}

/// One pair of lines between two boxes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine-messages.ts")]
pub struct PathStatus {
    /// Interface the packets leave by, empty when not known.
    pub interface: String,
    /// Local address and port.
    pub local: String,
    /// Remote address and port.
    pub remote: String,
    /// Smoothed round trip in microseconds.
    #[ts(type = "number")]
    pub rtt_us: u64,
    /// Lowest round trip seen.
    #[ts(type = "number")]
    pub min_rtt_us: u64,
    /// Outer packets sent.
    #[ts(type = "number")]
    pub sent_packets: u64,
    /// Outer packets found lost.
    #[ts(type = "number")]
    pub lost_packets: u64,
    /// Outer bytes allowed in flight.
    #[ts(type = "number")]
    pub window_bytes: u64,
    /// Outer datagram size that the path is known to carry, in bytes of UDP payload.
    pub mtu: u16,
    /// Nothing heard for this long, in milliseconds.
    #[ts(type = "number")]
    pub silent_ms: u64,
}

/// Somebody who proved a key that this box has not accepted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine-messages.ts")]
pub struct PendingPeer {
    /// Who.
    pub node_id: String,
    /// What it calls itself; text from a stranger.
    pub name: String,
    /// Its address and port.
    pub address: String,
    /// Overlay addresses that it says it has.
    pub claimed_addresses: Vec<String>,
    /// Whether it has accepted this box already.
    pub accepted_there: bool,
    /// Connected for this long, in milliseconds.
    #[ts(type = "number")]
    pub since_ms: u64,
}

/// A route to a peer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine-messages.ts")]
pub struct RouteStatus {
    /// Prefix.
    pub destination: String,
    /// The peer it leads to.
    pub node_id: String,
    /// Whether the kernel has it.
    pub installed: bool,
    /// Why not, in one sentence.
    pub problem: Option<String>,
}

/// Sums since the engine started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export_to = "engine-messages.ts")]
pub struct Counters {
    /// Handshakes that ended in a connection.
    #[ts(type = "number")]
    pub handshakes: u64,
    /// Handshakes that failed.
    #[ts(type = "number")]
    pub failed_handshakes: u64,
    /// Failed because the key was not the one of the NodeId that was dialled.
    #[ts(type = "number")]
    pub wrong_key: u64,
    /// Datagrams dropped before anything was parsed: no tag, or a wrong one.
    #[ts(type = "number")]
    pub silenced: u64,
    /// Tagged first packets seen before.
    #[ts(type = "number")]
    pub replayed: u64,
    /// Datagrams of a QUIC version that is not ours.
    #[ts(type = "number")]
    pub wrong_version: u64,
    /// Connections refused because of a limit.
    #[ts(type = "number")]
    pub refused: u64,
    /// Inside packets dropped: no route.
    #[ts(type = "number")]
    pub no_route: u64,
    /// Inside packets dropped: peer not connected.
    #[ts(type = "number")]
    pub peer_down: u64,
    /// Inside packets dropped: source or destination not allowed.
    #[ts(type = "number")]
    pub denied: u64,
    /// Inside packets dropped: not valid IP.
    #[ts(type = "number")]
    pub malformed: u64,
    /// Cells from peers that could not be read.
    #[ts(type = "number")]
    pub bad_cells: u64,
    /// Inside packets that the interface did not take.
    #[ts(type = "number")]
    pub tun_write_errors: u64,
    /// Holes in a flow given up.
    #[ts(type = "number")]
    pub holes: u64,
    /// ICMP errors sent to the inside.
    #[ts(type = "number")]
    pub icmp_sent: u64,
    /// Events dropped because the daemon did not read.
    #[ts(type = "number")]
    pub dropped_events: u64,
}
