import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { Id, RoleName } from './person.ts';

/** Changes what somebody may. */
export const setUserRole = operation({
  name: 'user.role',
  method: 'SetUserRole',
  summary: 'Changes what somebody may; his sessions end, and he signs in again with the new role.',
  role: 'owner',
  needsPassword: true,
  input: z.object({
    user_id: Id,
    role: RoleName,
    was: RoleName.optional().describe('refused when it is no longer that'),
  }),
  output: z.object({}),
  audit: ({ user_id, role }, { people }) => `made ${people.users.nameOf(user_id)} ${role}`,
  rest: { verb: 'PUT', path: '/users/{user_id}/role' },
  omitted: {},

  async run({ user_id, role, was }, { people }) {
    const changed = people.users.setRole(user_id, role, was);
    return changed.ok ? ok({}) : changed;
  },
});
