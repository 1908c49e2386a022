import * as z from 'zod';
import { fail, ok } from '../core/result.ts';
import { findPeer } from './find-peer.ts';
import { operation } from './operation.ts';

/** Takes back that a box was accepted; its connection ends at once. */
export const removePeer = operation({
  name: 'peer.remove',
  method: 'RemovePeer',
  summary: 'Takes back that a box was accepted; nothing flows to or from it any more.',
  role: 'admin',
  input: z.object({ peer: z.string().min(1).max(128) }),
  output: z.object({ node_id: z.string() }),
  audit: ({ peer }) => `removed ${peer}`,
  rest: { verb: 'DELETE', path: '/peers/{peer}' },
  omitted: {},

  async run({ peer }, world) {
    // Without the engine too: it is told when it is back.
    const snapshot = await world.steering.snapshot();
    const found = findPeer(peer, snapshot.ok ? snapshot.value : undefined, world);
    if (!found.ok) return found;
    if (world.intent.peers.some((one) => one.id === found.value)) {
      return fail('peer.configured', `${found.value} is named in the configuration`, {
        remedy: 'remove it there (or the --peer flag) and restart the daemon',
      });
    }
    if (!world.steering.accepted.some((one) => one.nodeId === found.value)) {
      return fail('peer.unknown', `${found.value} was not accepted`, { remedy: 'quicether peers lists them' });
    }
    const removed = await world.steering.remove(found.value);
    return removed.ok ? ok({ node_id: found.value }) : removed;
  },
});
