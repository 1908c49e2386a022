import * as z from 'zod';
import type { PageModule } from '../front.ts';

const TrialForm = z.object({ trial_id: z.string().min(1).max(128), decision: z.enum(['keep', 'undo']) });

/** Keeping or undoing the change that is on trial; the banner on every page asks. */
export const confirmPages: PageModule = (app, front) => {
  app.post('/trial', async (c) => {
    const form = await front.form(c, TrialForm);
    if (!form.ok) return front.failed(c, { code: 'web.bad-form', message: 'this is not the form of the banner' });
    const { trial_id, decision } = form.value;
    const isKept = decision === 'keep';
    const decided = await front.ask(c, isKept ? 'ConfirmTrial' : 'RevertTrial', { trial_id });
    if (!decided.ok) {
      return front.redirectBack(c, '/system', {
        state: 'failed',
        title: isKept ? 'The change was not kept' : 'Nothing was undone',
        detail: [decided.error.message, decided.error.remedy].filter(Boolean).join('. '),
      });
    }
    return front.redirectBack(c, '/system', {
      state: 'working',
      title: isKept ? 'The change is kept' : 'The change is undone',
      detail: isKept ? 'It stays, also after a restart.' : 'Everything is as it was before.',
    });
  });
};
