import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';

/** Lines of the audit as they stand in the file, so that their hashes can be checked elsewhere. */
export const exportAudit = operation({
  name: 'audit.export',
  method: 'ExportAudit',
  summary: 'Lines of the audit exactly as they are kept, oldest first.',
  role: 'operator',
  input: z.object({ after: z.int().min(0).default(0), limit: z.int().min(1).max(5_000).default(1_000) }),
  output: z.object({ lines: z.array(z.string()), next: z.number().nullable() }),
  audit: null,
  rest: { verb: 'GET', path: '/audit/export' },
  omitted: {},

  async run({ after, limit }, world) {
    const page = await world.audit.lines(after, limit);
    return page.ok ? ok({ lines: [...page.value.lines], next: page.value.next ?? null }) : page;
  },
});
