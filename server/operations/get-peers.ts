import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { PeerView, viewPeers } from './peer-view.ts';

/** The other boxes: connected, expected, and those that wait to be accepted. */
export const getPeers = operation({
  name: 'peer.list',
  method: 'GetPeers',
  summary: 'The other boxes: connected, expected, and those that wait to be accepted.',
  role: 'viewer',
  input: z.object({}),
  output: z.object({ peers: z.array(PeerView) }),
  audit: null,
  rest: { verb: 'GET', path: '/peers' },
  omitted: { page: 'the offices there say whether each works, which is more than that it is connected' },

  async run(_, world) {
    const snapshot = await world.steering.snapshot();
    return snapshot.ok ? ok({ peers: viewPeers(snapshot.value, world) }) : snapshot;
  },
});
