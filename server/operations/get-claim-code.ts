import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';

/** What proves to the first page that somebody stands before the box. */
export const getClaimCode = operation({
  name: 'people.claim-code',
  method: 'GetClaimCode',
  summary: 'The code that makes the first owner; null when the box has one.',
  role: 'owner',
  onlyLocal: true,
  input: z.object({}),
  output: z.object({ code: z.string().nullable() }),
  audit: () => 'looked at the claim code',
  omitted: {
    rest: 'it proves that somebody is at the box itself',
    page: 'it proves that somebody is at the box itself',
  },

  async run(_, { people }) {
    const code = people.signIn.claimCode();
    return code.ok ? ok({ code: code.value }) : code;
  },
});
