import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';

/** Reads the whole audit and says whether anything was changed, removed or put in another order. */
export const verifyAudit = operation({
  name: 'audit.verify',
  method: 'VerifyAudit',
  summary: 'Whether the audit is whole: every event that is kept, in its order, unchanged.',
  role: 'operator',
  input: z.object({}),
  output: z.object({
    intact: z.boolean(),
    events: z.number(),
    first_seq: z.number(),
    last_seq: z.number(),
    head: z.string().describe('hash of the last line'),
    problem: z.string().nullable(),
  }),
  audit: null,
  rest: { verb: 'POST', path: '/audit/verify' },
  omitted: {},

  async run(_, world) {
    const chain = await world.audit.verify();
    if (!chain.ok) return chain;
    const { isIntact, events, firstSeq, lastSeq, head, problem } = chain.value;
    return ok({ intact: isIntact, events, first_seq: firstSeq, last_seq: lastSeq, head, problem: problem ?? null });
  },
});
