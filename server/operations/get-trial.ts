import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { TrialView, viewTrial } from './trial-view.ts';

/** The change that waits to be confirmed. */
export const getTrial = operation({
  name: 'trial.get',
  method: 'GetTrial',
  summary: 'The change that is undone by itself unless it is confirmed, when there is one.',
  role: 'viewer',
  input: z.object({}),
  output: z.object({ trial: TrialView.nullable() }),
  audit: null,
  rest: { verb: 'GET', path: '/trial' },
  omitted: {},

  async run(_, { trials }, actor) {
    const { current } = trials;
    return ok({ trial: current ? viewTrial(current, actor) : null });
  },
});
