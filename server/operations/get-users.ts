import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { RoleName } from './person.ts';

/** Who may sign in. */
export const getUsers = operation({
  name: 'user.list',
  method: 'GetUsers',
  summary: 'Who may sign in, as what, and when each was last here.',
  role: 'admin',
  input: z.object({}),
  output: z.object({
    users: z.array(
      z.object({
        user_id: z.string(),
        user_name: z.string(),
        role: RoleName,
        second_factor: z.boolean(),
        last_seen_ms: z.number().nullable(),
        created_ms: z.number(),
      }),
    ),
  }),
  audit: null,
  rest: { verb: 'GET', path: '/users' },
  omitted: {},

  async run(_, { people }) {
    const users = people.users.list();
    if (!users.ok) return users;
    return ok({
      users: users.value.map((user) => ({
        user_id: user.userId,
        user_name: user.userName,
        role: user.role,
        second_factor: user.secondFactor !== null,
        last_seen_ms: user.lastSeenMs,
        created_ms: user.createdMs,
      })),
    });
  },
});
