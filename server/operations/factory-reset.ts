import * as z from 'zod';
import { fail, ok } from '../core/result.ts';
import { findSystem } from './not-an-appliance.ts';
import { operation } from './operation.ts';

/** Wipes settings, people and the key of the box; the running release stays. */
export const factoryReset = operation({
  name: 'system.reset',
  method: 'FactoryReset',
  summary:
    'Wipes settings, people and the key of the box. Asks for its name and for the code that is shown on its screen.',
  role: 'owner',
  needsPassword: true,
  input: z.object({
    site_name: z.string().min(1).max(128),
    code: z.string().min(1).max(20).optional().describe('from the screen of the box; left out: one is shown there'),
  }),
  output: z.object({}),
  audit: ({ code }) => (code === undefined ? 'asked for a factory reset' : 'reset the box to how it came'),
  rest: { verb: 'POST', path: '/system/reset' },
  omitted: {},

  async run({ site_name, code }, world) {
    const system = findSystem(world, 'quicether stop, then remove its state directory');
    if (!system.ok) return system;
    if (site_name.trim() !== world.intent.name) {
      return fail('system.site-name', `this box is not called ${JSON.stringify(site_name)}`, {
        remedy: 'type its name as the page and quicether status show it',
      });
    }
    const done = await system.value.port.reset(code);
    return done.ok ? ok({}) : done;
  },
});
