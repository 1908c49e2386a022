import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';

/** Undoes a change on trial without waiting for its time to run out. */
export const revertTrial = operation({
  name: 'trial.revert',
  method: 'RevertTrial',
  summary: 'Takes a change that is on trial back at once.',
  role: 'admin',
  input: z.object({ trial_id: z.string().min(1).max(64) }),
  output: z.object({}),
  audit: () => 'took the change on trial back',
  rest: { verb: 'POST', path: '/trial/{trial_id}/revert' },
  omitted: {},

  async run({ trial_id }, { trials }, actor) {
    const reverted = await trials.revert(trial_id, actor);
    return reverted.ok ? ok({}) : reverted;
  },
});
