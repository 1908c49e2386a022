import * as z from 'zod';
import { type ChainedEvent, OUTCOMES } from '../audit/event.ts';

export const AuditView = z.object({
  seq: z.number(),
  ts_ms: z.number(),
  event: z.string(),
  who: z.string(),
  source: z.string(),
  surface: z.string(),
  outcome: z.enum(OUTCOMES),
  detail: z.string(),
});

export function viewEvent({ seq, tsMs, event, who, source, surface, outcome, detail }: ChainedEvent) {
  return { seq, ts_ms: tsMs, event, who, source, surface, outcome, detail } satisfies z.output<typeof AuditView>;
}
