import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';

/** Keeps a change on trial; only who made it can say that it did not cut him off. */
export const confirmTrial = operation({
  name: 'trial.confirm',
  method: 'ConfirmTrial',
  summary: 'Keeps a change that is on trial; only the person who made it can.',
  role: 'admin',
  input: z.object({ trial_id: z.string().min(1).max(64) }),
  output: z.object({}),
  audit: () => 'confirmed the change on trial',
  rest: { verb: 'POST', path: '/trial/{trial_id}/confirm' },
  omitted: {},

  async run({ trial_id }, { trials }, actor) {
    const confirmed = trials.confirm(trial_id, actor);
    return confirmed.ok ? ok({}) : confirmed;
  },
});
