import * as z from 'zod';
import { ok } from '../core/result.ts';
import { findSystem, UPDATE_REMEDY } from './not-an-appliance.ts';
import { operation } from './operation.ts';

/** Has an uploaded bundle verified and written to the idle slot; the running release is not touched. */
export const installUpdate = operation({
  name: 'update.install',
  method: 'InstallUpdate',
  summary:
    'Has an uploaded bundle verified and written beside the running release; answers once it is accepted, GetSystem tells the rest.',
  role: 'admin',
  needsPassword: true,
  input: z.object({ upload_id: z.string().max(64) }),
  output: z.object({}),
  audit: () => 'had an update installed',
  rest: { verb: 'POST', path: '/updates/{upload_id}/install' },
  omitted: {},

  async run({ upload_id }, world, { name: who, source, surface }) {
    const system = findSystem(world, UPDATE_REMEDY);
    if (!system.ok) return system;
    const accepted = await system.value.updates.install(upload_id, (result) => {
      const detail = result.ok
        ? `release ${result.value.version} is installed; the next start tries it`
        : `${result.error.code}: ${result.error.message}`;
      const outcome = result.ok ? 'done' : 'failed';
      world.audit.append({ event: 'update.installed', who, source, surface, outcome, detail });
    });
    return accepted.ok ? ok({}) : accepted;
  },
});
