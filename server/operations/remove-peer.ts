import * as z from 'zod';
import { formatHostPort, type HostPort, parseHostPort } from '../core/host-port.ts';
import { fail, ok } from '../core/result.ts';
import { findPeer } from './find-peer.ts';
import { operation } from './operation.ts';

/** Takes back that a box was accepted; its connection ends at once. */
export const removePeer = operation({
  name: 'peer.remove',
  method: 'RemovePeer',
  summary: 'Takes back that a box was accepted, or an address that was added; nothing flows there any more.',
  role: 'admin',
  input: z.object({ peer: z.string().min(1).max(300) }),
  output: z.object({ node_id: z.string().nullable() }),
  audit: ({ peer }) => `removed ${peer}`,
  rest: { verb: 'DELETE', path: '/peers/{peer}' },
  omitted: {},

  async run({ peer }, world) {
    const place = parseHostPort(peer, { defaultPort: 9_000 });
    const isSought = (address: HostPort): boolean =>
      place.ok && formatHostPort(address) === formatHostPort(place.value);
    const sought = world.steering.sought.find(({ address }) => isSought(address));
    if (sought) {
      const given = await world.steering.unseek(sought.address);
      return given.ok ? ok({ node_id: null }) : given;
    }
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
