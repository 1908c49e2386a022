import * as z from 'zod';
import type { Actor } from './actor.ts';
import { isBy, type Trial } from './trial-desk.ts';

export const TrialView = z.object({
  trial_id: z.string(),
  what: z.string(),
  who: z.string(),
  started_ms: z.number(),
  until_ms: z.number(),
  mine: z.boolean().describe('whoever asks made it and may confirm it'),
});

export function viewTrial(trial: Trial, actor: Actor): z.output<typeof TrialView> {
  const { trialId, what, by, startedMs, untilMs } = trial;
  return { trial_id: trialId, what, who: by.name, started_ms: startedMs, until_ms: untilMs, mine: isBy(trial, actor) };
}
