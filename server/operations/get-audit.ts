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
    for (let after = filter.after; ; ) {
      const seen = world.audit.lastSeq;
      const page = await world.audit.query({ ...filter, after }, limit);
      if (!page.ok) return page;
      const { events, nextBefore } = page.value;
      const leftMs = deadlineMs - world.clock.monotonicMs();
      if (events.length > 0 || nextBefore !== undefined || leftMs <= 0) {
        return ok({ events: events.map(viewEvent), next_before: nextBefore ?? null });
      }
      await world.audit.wait(seen, leftMs);
      // Nothing came, or nobody else may wait: whoever asks again begins again.
      if (world.audit.lastSeq === seen) return ok({ events: [], next_before: null });
      // What came may not be what is looked for; what was looked through is not looked through again.
      after = Math.max(seen, after ?? 0);
    }
  },
});
