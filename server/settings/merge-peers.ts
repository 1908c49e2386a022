import { formatHostPort } from '../core/host-port.ts';
import { formatPrefix } from '../core/prefix.ts';
import type { Failure } from '../core/result.ts';
import { flagFailure, type GivenPeer } from './draft.ts';
import { formatOrigin } from './origin.ts';
import { peerLabel } from './peers.ts';
import type { FlagDraft } from './text-drafts.ts';

/**
 * The peers of file and flags together.
 *
 * A flag for a NodeId that the file has changes its address; the same peer twice in one source
 * is an error that names both places. Routes of flags go to the peer that they name.
 */
export function mergePeers(
  given: readonly GivenPeer[],
  routes: FlagDraft['routes'],
): { peers: GivenPeer[]; failures: Failure[] } {
  const peers: GivenPeer[] = [];
  const failures: Failure[] = [];
  const indexes = new Map<string, number>();
  for (const one of given) {
    const id = one.peer.nodeId;
    const index = id === undefined ? undefined : indexes.get(id);
    const before = index === undefined ? undefined : peers[index];
    if (index === undefined || !before) {
      if (id !== undefined) indexes.set(id, peers.length);
      peers.push(one);
    } else if (before.origin.kind === 'file' && one.origin.kind === 'flag') {
      peers[index] = { ...one, peer: { ...before.peer, ...one.peer, prefixes: before.peer.prefixes } };
    } else failures.push(duplicate(one, before, 'node_id', String(id)));
  }
  failures.push(...sameAddress(peers), ...sameName(peers));
  for (const { flag, route } of routes) {
    const index = indexes.get(route.nodeId);
    const before = index === undefined ? undefined : peers[index];
    if (index !== undefined && before) {
      peers[index] = { ...before, peer: { ...before.peer, prefixes: [...before.peer.prefixes, route.prefix] } };
    } else {
      const message = `${formatPrefix(route.prefix)} leads to ${route.nodeId}, which is no peer; add --peer ${route.nodeId}@HOST:PORT`;
      failures.push(flagFailure(flag.name, message));
    }
  }
  return { peers, failures };
}

function sameAddress(peers: readonly GivenPeer[]): Failure[] {
  return firstWins(peers, 'address', ({ peer }) => peer.address && formatHostPort(peer.address));
}

function sameName(peers: readonly GivenPeer[]): Failure[] {
  return firstWins(peers, 'name', ({ peer }) => peer.name);
}

function firstWins(
  peers: readonly GivenPeer[],
  part: string,
  textOf: (peer: GivenPeer) => string | undefined,
): Failure[] {
  const seen = new Map<string, GivenPeer>();
  return peers.flatMap((one) => {
    const value = textOf(one);
    if (value === undefined) return [];
    const before = seen.get(value);
    if (before) return [duplicate(one, before, part, value)];
    seen.set(value, one);
    return [];
  });
}

function duplicate(again: GivenPeer, first: GivenPeer, part: string, value: string): Failure {
  const where = again.partPlace([part]);
  return {
    code: 'settings.duplicate',
    message: `${where ? `peers.${part}` : formatOrigin(again.origin)}: "${value}" is ${peerLabel(first.peer)} already, from ${formatOrigin(first.origin)}`,
    ...(where ? { where } : {}),
  };
}
