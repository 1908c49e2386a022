import * as z from 'zod';
import { fail, ok } from '../core/result.ts';
import { operation } from './operation.ts';

/** Ends the daemon so that it is started again; the tunnel goes on meanwhile. */
export const restartDaemon = operation({
  name: 'daemon.restart',
  method: 'RestartDaemon',
  summary: 'Has the daemon started again, with its configuration read anew; the tunnel goes on.',
  role: 'admin',
  input: z.object({}),
  output: z.object({}),
  audit: () => 'restarted the daemon, tunnel kept',
  rest: { verb: 'POST', path: '/system/restart' },
  omitted: {},

  async run(_, { restart }) {
    if (!restart) {
      return fail('system.not-supervised', 'nobody would start this daemon again: systemd does not run it', {
        remedy: 'quicether stop --keep-tunnel, then quicether start',
      });
    }
    restart();
    return ok({});
  },
});
