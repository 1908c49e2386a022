import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { Id } from './person.ts';

/** Ends a program's key. */
export const removeToken = operation({
  name: 'token.remove',
  method: 'RemoveToken',
  summary: 'Ends a token at once.',
  role: 'admin',
  input: z.object({ token_id: Id }),
  output: z.object({}),
  audit: ({ token_id }, { people }) => `removed the token ${people.tokens.nameOf(token_id)}`,
  rest: { verb: 'DELETE', path: '/tokens/{token_id}' },
  omitted: {},

  async run({ token_id }, { people }, actor) {
    const removed = people.tokens.remove(token_id, { role: actor.role ?? 'viewer', userId: actor.userId });
    return removed.ok ? ok({}) : removed;
  },
});
