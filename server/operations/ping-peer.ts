import * as z from 'zod';
import { ok } from '../core/result.ts';
import { findPeer } from './find-peer.ts';
import { operation } from './operation.ts';

/** Round trip to a peer's engine through the tunnel. */
export const pingPeer = operation({
  name: 'peer.ping',
  method: 'Ping',
  summary: "Round trip through the tunnel to a peer's engine.",
  role: 'operator',
  input: z.object({ peer: z.string().min(1).max(128), timeout_ms: z.int().min(10).max(60_000).default(5_000) }),
  output: z.object({ node_id: z.string(), rtt_ms: z.number() }),
  audit: null,
  rest: { verb: 'POST', path: '/peers/{peer}/ping' },
  omitted: { page: 'every office is probed there all the time, through the tunnel and back' },

  async run({ peer, timeout_ms }, world) {
    const snapshot = await world.steering.snapshot();
    if (!snapshot.ok) return snapshot;
    const found = findPeer(peer, snapshot.value, world);
    if (!found.ok) return found;
    const rttUs = await world.steering.ping(found.value, timeout_ms);
    return rttUs.ok ? ok({ node_id: found.value, rtt_ms: rttUs.value / 1000 }) : rttUs;
  },
});
