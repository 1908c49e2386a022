import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { Id } from './person.ts';

/** Takes somebody's way in. */
export const removeUser = operation({
  name: 'user.remove',
  method: 'RemoveUser',
  summary: 'Takes away that somebody may sign in, with all sessions, and the tokens made by that person.',
  role: 'owner',
  needsPassword: true,
  input: z.object({ user_id: Id }),
  output: z.object({}),
  audit: ({ user_id }, { people }) => `removed the user ${people.users.nameOf(user_id)}`,
  rest: { verb: 'DELETE', path: '/users/{user_id}' },
  omitted: {},

  async run({ user_id }, { people }) {
    const removed = people.users.remove(user_id);
    return removed.ok ? ok({}) : removed;
  },
});
