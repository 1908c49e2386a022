import * as z from 'zod';
import { ok } from '../core/result.ts';
import { findSystem } from './not-an-appliance.ts';
import { operation } from './operation.ts';

/** Restarts the box, in order. */
export const reboot = operation({
  name: 'system.reboot',
  method: 'Reboot',
  summary: 'Restarts the box; an installed update is tried by this.',
  role: 'admin',
  input: z.object({}),
  output: z.object({}),
  audit: () => 'restarted the box',
  rest: { verb: 'POST', path: '/system/reboot' },
  omitted: {},

  async run(_, world) {
    const system = findSystem(world, 'restart it with the means of this system: systemctl reboot');
    if (!system.ok) return system;
    const done = await system.value.port.reboot();
    return done.ok ? ok({}) : done;
  },
});
