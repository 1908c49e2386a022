import type { DesiredState, Peer } from '../adapters/engine-messages.ts';
import { formatHostPort, type HostPort } from '../core/host-port.ts';
import { bitsOf } from '../core/ip.ts';
import type { NodeId } from '../core/node-id.ts';
import { formatInterfaceAddress, formatPrefix } from '../core/prefix.ts';
import type { DeriveAddresses, Intent, PeerIntent, PlanProblem } from './intent.ts';
import { ownAddresses, planOverlay } from './overlay.ts';

/** Addresses of one peer that are handed to the engine; a name may resolve to many. */
const MAX_PEER_ADDRESSES = 16;

/** What is known besides the administrator's intent. */
export interface Knowledge {
  /** Peers accepted by hand. */
  readonly accepted: readonly PeerIntent[];
  /** Overlay addresses that connected peers say they have. */
  readonly claims: ReadonlyMap<NodeId, readonly string[]>;
  /** Addresses of a name, as last resolved. */
  readonly resolve: (name: string) => readonly string[];
}

export interface Plan {
  /** Everything for the engine but its number. */
  readonly state: Omit<DesiredState, 'generation'>;
  readonly problems: readonly PlanProblem[];
}

/** The whole desired state that follows from intent and knowledge; same input, same output. */
export function planDesiredState(intent: Intent, knowledge: Knowledge, derive: DeriveAddresses): Plan {
  const peers = mergePeers(intent, knowledge.accepted);
  const overlay = planOverlay(intent, peers, knowledge.claims, derive);
  const problems = [...overlay.problems];
  const taken = new Map(intent.localPrefixes.map((prefix) => [formatPrefix(prefix), 'this box']));
  const resolved = (places: readonly HostPort[]): string[] => [
    ...new Set(places.flatMap((place) => addressesOf(place, knowledge.resolve))),
  ];
  const accepted = peers.map((peer): Peer => {
    const own = (overlay.addresses.get(peer.id) ?? []).map((ip) => ({ network: ip, length: bitsOf(ip.family) }));
    const behind = peer.prefixes.filter((prefix) => {
      const text = formatPrefix(prefix);
      const owner = taken.get(text);
      if (owner) problems.push(prefixTaken(peer, text, owner));
      else taken.set(text, shown(peer));
      return !owner;
    });
    return {
      node_id: peer.id,
      addresses: resolved(peer.addresses).slice(0, MAX_PEER_ADDRESSES),
      prefixes: [...own, ...behind].map(formatPrefix),
    };
  });
  const dialled = new Set(peers.flatMap((peer) => peer.addresses.map(formatHostPort)));
  return {
    state: {
      name: intent.name,
      tun: {
        name: intent.tunName,
        mtu: intent.mtu,
        addresses: ownAddresses(intent, derive).map(formatInterfaceAddress),
      },
      listen: intent.listen.map(formatHostPort),
      answer_strangers: intent.answerStrangers,
      peers: accepted,
      dial: resolved(intent.dial.filter((place) => !dialled.has(formatHostPort(place)))),
      local_prefixes: intent.localPrefixes.map(formatPrefix),
      forward: intent.forward,
      max_connections: intent.maxConnections,
      cpu_affinity: [...intent.cpuAffinity],
    },
    problems,
  };
}

/** Names that have to be resolved for an intent. */
export function namesIn(intent: Intent, accepted: readonly PeerIntent[]): Set<string> {
  const places = [...intent.dial, ...[...intent.peers, ...accepted].flatMap((peer) => peer.addresses)];
  return new Set(places.filter((place) => place.isName).map((place) => place.host));
}

/** Configured peers, then accepted ones; one that is both has the addresses and prefixes of both. */
export function mergePeers(intent: Intent, accepted: readonly PeerIntent[]): PeerIntent[] {
  const merged = new Map<NodeId, PeerIntent>();
  for (const peer of [...intent.peers, ...accepted]) {
    if (peer.id === intent.id) continue;
    const earlier = merged.get(peer.id);
    merged.set(peer.id, earlier ? combine(earlier, peer) : peer);
  }
  return [...merged.values()];
}

function combine(a: PeerIntent, b: PeerIntent): PeerIntent {
  const places = new Map([...a.addresses, ...b.addresses].map((place) => [formatHostPort(place), place]));
  const prefixes = new Map([...a.prefixes, ...b.prefixes].map((prefix) => [formatPrefix(prefix), prefix]));
  return { id: a.id, name: a.name ?? b.name, addresses: [...places.values()], prefixes: [...prefixes.values()] };
}

function addressesOf(place: HostPort, resolve: Knowledge['resolve']): string[] {
  if (!place.isName) return [formatHostPort(place)];
  return resolve(place.host).map((host) => formatHostPort({ host, port: place.port }));
}

function shown(peer: PeerIntent): string {
  return peer.name ? `${peer.name} (…${peer.id.slice(-6)})` : `…${peer.id.slice(-6)}`;
}

function prefixTaken(peer: PeerIntent, prefix: string, owner: string): PlanProblem {
  const message = `${shown(peer)} and ${owner} both have ${prefix}; ${owner} keeps it`;
  return {
    peer: peer.id,
    failure: { code: 'routing.overlap', message, remedy: 'give the prefix to one of them only' },
  };
}
