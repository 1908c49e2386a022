import * as z from 'zod';
import { ok } from '../core/result.ts';
import { AuditView, viewEvent } from './audit-view.ts';
import { operation } from './operation.ts';

const Word = z.string().min(1).max(128);

/** What happened on this box, newest first, filtered; waits for more when asked to. */
export const getAudit = operation({
  name: 'audit.get',
  method: 'GetAudit',
  summary: 'Who did what, newest first; with `after` and `wait_ms` it is followed.',
  role: 'operator',
  input: z.object({
    limit: z.int().min(1).max(200).default(50),
    before: z.int().min(1).optional(),
    after: z.int().min(0).optional(),
    wait_ms: z.int().min(0).max(25_000).default(0),
    who: Word.optional(),
    event: Word.optional(),
    text: Word.optional(),
  }),
  output: z.object({ events: z.array(AuditView), next_before: z.number().nullable() }),
  audit: null,
  rest: { verb: 'GET', path: '/audit' },
  omitted: {},

  async run({ limit, wait_ms, ...filter }, world) {
    const deadlineMs = world.clock.monotonicMs() + wait_ms;
    // What comes may not be what is looked for: then it waits on, from there.
    for (let seen = filter.after ?? 0; ; ) {
      const page = await world.audit.query(filter, limit);
      if (!page.ok) return page;
      const leftMs = deadlineMs - world.clock.monotonicMs();
      if (page.value.events.length > 0 || leftMs <= 0) {
        return ok({ events: page.value.events.map(viewEvent), next_before: page.value.nextBefore ?? null });
      }
      seen = Math.max(seen, world.audit.lastSeq);
      await world.audit.wait(seen, leftMs);
    }
  },
});
