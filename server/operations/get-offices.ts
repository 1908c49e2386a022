import * as z from 'zod';
import { ok } from '../core/result.ts';
import { OfficeView, viewOffices } from './office-view.ts';
import { operation } from './operation.ts';

const Pending = z.object({
  node_id: z.string(),
  name: z.string(),
  address: z.string(),
  accepted_there: z.boolean(),
  since_ms: z.number(),
});

/** "Is it working?" for every office, and who waits to be let in. */
export const getOffices = operation({
  name: 'office.list',
  method: 'GetOffices',
  summary: 'Whether each office works, by a probe through the tunnel and back, and which boxes wait to be accepted.',
  role: 'viewer',
  input: z.object({}),
  output: z.object({
    offices: z.array(OfficeView),
    pending: z.array(Pending),
    checked_ms: z.number().nullable(),
  }),
  audit: null,
  rest: { verb: 'GET', path: '/offices' },
  omitted: { cli: 'quicether status and quicether peers tell it there' },

  async run(_, world) {
    const observed = await world.steering.snapshot();
    const snapshot = observed.ok ? observed.value : undefined;
    const nowMs = world.clock.nowMs();
    const pending = (snapshot?.pending ?? []).map(({ node_id, name, address, accepted_there, since_ms }) => ({
      node_id,
      name,
      address,
      accepted_there,
      since_ms: nowMs - since_ms,
    }));
    return ok({ offices: viewOffices(snapshot, world), pending, checked_ms: world.health.checkedMs ?? null });
  },
});
