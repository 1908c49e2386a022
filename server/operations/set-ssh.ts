import * as z from 'zod';
import { ok } from '../core/result.ts';
import { findSystem } from './not-an-appliance.ts';
import { operation } from './operation.ts';

/** Turns SSH on or off; `admin` gets in with one of the keys and finds the command line. */
export const setSsh = operation({
  name: 'system.ssh',
  method: 'SetSsh',
  summary: 'Turns SSH for the user admin on or off; keys that are given replace the ones that were there.',
  role: 'owner',
  needsPassword: true,
  input: z.object({ on: z.boolean(), authorized_keys: z.array(z.string().min(1).max(4_096)).max(32).optional() }),
  output: z.object({}),
  audit: ({ on, authorized_keys }) =>
    `turned SSH ${on ? 'on' : 'off'}${authorized_keys ? `, with ${authorized_keys.length} keys` : ''}`,
  rest: { verb: 'PUT', path: '/system/ssh' },
  omitted: {},

  async run({ on, authorized_keys }, world) {
    const system = findSystem(world, 'set up SSH with the means of this system');
    if (!system.ok) return system;
    const done = await system.value.port.setSsh(on, authorized_keys);
    return done.ok ? ok({}) : done;
  },
});
