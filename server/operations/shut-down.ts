import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';

/** Ends the daemon and, unless it is kept, the tunnel: interface, addresses and routes go. */
export const shutDown = operation({
  name: 'daemon.shutdown',
  method: 'Shutdown',
  summary: 'Ends the daemon and, unless it is kept, the tunnel with its interface, addresses and routes.',
  role: 'admin',
  input: z.object({ keep_tunnel: z.boolean().default(false) }),
  output: z.object({ stopping: z.literal(true) }),
  audit: ({ keep_tunnel }) => (keep_tunnel ? 'stopped the daemon, tunnel kept' : 'stopped the daemon and the tunnel'),
  omitted: {
    rest: 'what asks over the network could not bring the box back',
    page: 'a page could not bring the box back: restarting is offered',
  },

  async run({ keep_tunnel }, world) {
    world.shutDown({ keepTunnel: keep_tunnel });
    return ok({ stopping: true as const });
  },
});
