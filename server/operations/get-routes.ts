import * as z from 'zod';
import { ok } from '../core/result.ts';
import { effectiveRoutes } from '../routing/effective-routes.ts';
import { operation } from './operation.ts';

/** Where packets for which prefix go. */
export const getRoutes = operation({
  name: 'route.list',
  method: 'GetRoutes',
  summary: 'Where packets for which prefix go.',
  role: 'viewer',
  input: z.object({}),
  output: z.object({
    routes: z.array(
      z.object({
        destination: z.string(),
        next_hop: z.string(),
        type: z.enum(['Local', 'Node', 'Gateway', 'Default']),
        installed: z.boolean(),
        problem: z.string().nullable(),
      }),
    ),
  }),
  audit: null,
  rest: { verb: 'GET', path: '/routes' },
  omitted: { page: 'each office shows its networks there; the table of all routes is for a terminal' },

  async run(_, { intent, steering }) {
    const snapshot = await steering.snapshot();
    if (!snapshot.ok) return snapshot;
    return ok({ routes: effectiveRoutes(intent, steering.ownAddresses, snapshot.value) });
  },
});
