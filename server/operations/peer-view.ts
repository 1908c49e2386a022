import * as z from 'zod';
import type { PathStatus, PeerStatus, Snapshot } from '../adapters/engine-messages.ts';
import type { Failure } from '../core/result.ts';
import { SUSPECT_MS } from '../lines/line-state.ts';
import type { World } from './world.ts';

/** One pair of lines, as status shows it. */
export const PathView = z.object({
  if: z.string(),
  rtt_ms: z.number(),
  state: z.enum(['up', 'suspect']),
  peer: z.string(),
  local: z.string(),
  remote: z.string(),
  loss_ratio: z.number(),
  mtu: z.number(),
});

export const PeerView = z.object({
  node_id: z.string(),
  name: z.string(),
  address: z.string().nullable(),
  rtt_ms: z.number().nullable(),
  status: z.enum(['connected', 'waiting', 'connecting', 'pending']),
  problem: z.string().nullable(),
  remedy: z.string().nullable(),
  overlay_addresses: z.array(z.string()),
  connected_sec: z.number(),
  sent_bytes: z.number(),
  received_bytes: z.number(),
});
export type PeerView = z.output<typeof PeerView>;

export function viewPath(peer: string, path: PathStatus): z.output<typeof PathView> {
  return {
    if: path.interface,
    rtt_ms: milliseconds(path.rtt_us),
    state: path.silent_ms > SUSPECT_MS ? 'suspect' : 'up',
    peer,
    local: path.local,
    remote: path.remote,
    loss_ratio: path.sent_packets > 0 ? path.lost_packets / path.sent_packets : 0,
    mtu: path.mtu,
  };
}

/** Accepted peers as they are, then those that wait to be accepted, each with its next step. */
export function viewPeers(snapshot: Snapshot, world: World): PeerView[] {
  const routes = Map.groupBy(snapshot.routes, (route) => route.node_id);
  const here = {
    self: world.intent.id,
    names: namesHere(world),
    problems: new Map(world.steering.problems.map(({ peer, failure }) => [peer as string | undefined, failure])),
  };
  const accepted = snapshot.peers.map((peer) => viewPeer(peer, here, routes.get(peer.node_id) ?? []));
  const pending = snapshot.pending.map(
    (peer): PeerView => ({
      node_id: peer.node_id,
      name: peer.name,
      address: peer.address,
      rtt_ms: null,
      status: 'pending',
      problem: peer.accepted_there
        ? 'it has accepted this box and waits to be accepted here'
        : 'neither side has accepted the other yet',
      remedy: `quicether peers accept ${peer.node_id}`,
      overlay_addresses: peer.claimed_addresses,
      connected_sec: 0,
      sent_bytes: 0,
      received_bytes: 0,
    }),
  );
  return [...accepted, ...pending];
}

const STATUS = { up: 'connected', waiting_for_peer: 'waiting', down: 'connecting' } as const;

interface Here {
  readonly self: string;
  readonly names: ReadonlyMap<string, string>;
  readonly problems: ReadonlyMap<string | undefined, Failure>;
}

function viewPeer(peer: PeerStatus, here: Here, routes: Snapshot['routes']): PeerView {
  const best = peer.paths.toSorted((a, b) => a.rtt_us - b.rtt_us)[0];
  const planned = here.problems.get(peer.node_id);
  const isWaiting = peer.state === 'waiting_for_peer';
  const problem = peer.problem ?? (isWaiting ? 'it has not accepted this box yet' : null) ?? planned?.message ?? null;
  return {
    node_id: peer.node_id,
    // What it is called here counts; its own word only where nobody gave it a name.
    name: here.names.get(peer.node_id) ?? peer.name,
    address: best?.remote ?? null,
    rtt_ms: best ? milliseconds(best.rtt_us) : null,
    status: STATUS[peer.state],
    problem: problem ?? routes.find((route) => route.problem)?.problem ?? null,
    remedy: isWaiting ? `on the other box: quicether peers accept ${here.self}` : (planned?.remedy ?? null),
    overlay_addresses: overlayAddressesOf(routes),
    connected_sec: Math.floor(peer.connected_ms / 1000),
    sent_bytes: peer.sent_bytes,
    received_bytes: peer.received_bytes,
  };
}

/** What people here call the boxes. */
export function namesHere({ intent, steering }: World): Map<string, string> {
  const named = [...steering.accepted.map(({ nodeId: id, name }) => ({ id, name })), ...intent.peers];
  return new Map(named.flatMap(({ id, name }) => (name ? [[id, name] as const] : [])));
}

/** Addresses of the box itself among the routes to it. */
export function overlayAddressesOf(routes: Snapshot['routes']): string[] {
  return routes
    .filter(({ destination }) => isHost(destination))
    .map(({ destination }) => destination.replace(/\/.*/, ''));
}

function isHost(destination: string): boolean {
  return destination.endsWith(destination.includes(':') ? '/128' : '/32');
}

function milliseconds(microseconds: number): number {
  return Math.round(microseconds) / 1000;
}
