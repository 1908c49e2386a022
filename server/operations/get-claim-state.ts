import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';

/** What the first page needs before anybody has signed in. */
export const getClaimState = operation({
  name: 'people.claim-state',
  method: 'GetClaimState',
  summary: 'Whether this box has an owner yet, and its name.',
  role: 'anyone',
  input: z.object({}),
  output: z.object({ claimed: z.boolean(), box_name: z.string() }),
  audit: null,
  rest: { verb: 'GET', path: '/claim' },
  omitted: { cli: '`user claim-code` says it there' },

  async run(_, { people, intent }) {
    const claimed = people.signIn.isClaimed();
    return claimed.ok ? ok({ claimed: claimed.value, box_name: intent.name }) : claimed;
  },
});
