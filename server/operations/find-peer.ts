import type { Snapshot } from '../adapters/engine-messages.ts';
import { type NodeId, parseNodeId } from '../core/node-id.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { World } from './world.ts';

/** Shortest end of a NodeId that is taken for one; what people see has 6 characters. */
const MIN_SUFFIX_LENGTH = 4;

interface Known {
  readonly nodeId: string;
  readonly names: readonly string[];
}

/** The one peer that a NodeId, a name or the last characters of a NodeId mean; without a snapshot only those we named. */
export function findPeer(text: string, snapshot: Snapshot | undefined, world: World): Result<NodeId> {
  if (text.startsWith('qe1')) return parseNodeId(text);
  const known = knownPeers(snapshot, world);
  const suffix = text.replace(/^(…|\.\.\.)/, '');
  const byName = known.filter((peer) =>
    peer.names.some((name) => name !== '' && name.toLowerCase() === text.toLowerCase()),
  );
  const found =
    byName.length > 0 || suffix.length < MIN_SUFFIX_LENGTH
      ? byName
      : known.filter((peer) => peer.nodeId.endsWith(suffix));
  const [first, second] = found;
  if (first && second) {
    const ids = found.map((peer) => peer.nodeId).join(' and ');
    return fail('peer.ambiguous', `"${text}" means more than one peer: ${ids}`, { remedy: 'give the NodeId' });
  }
  if (first) return ok(first.nodeId as NodeId);
  return fail('peer.unknown', `no peer is called "${text}"`, { remedy: 'quicether peers lists them' });
}

// Names come from peers themselves too, so a name never decides between two boxes: it is ambiguous then.
function knownPeers(snapshot: Snapshot | undefined, { intent, steering }: World): Known[] {
  const names = new Map<string, string[]>();
  const add = (nodeId: string, name: string | undefined): void => {
    names.set(nodeId, [...(names.get(nodeId) ?? []), ...(name === undefined ? [] : [name])]);
  };
  for (const peer of intent.peers) add(peer.id, peer.name);
  for (const peer of steering.accepted) add(peer.nodeId, peer.name);
  for (const peer of [...(snapshot?.peers ?? []), ...(snapshot?.pending ?? [])]) add(peer.node_id, peer.name);
  return [...names].map(([nodeId, all]) => ({ nodeId, names: all }));
}
