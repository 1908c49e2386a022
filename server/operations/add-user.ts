import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { newNameForAudit, RoleName, TypedPassword, TypedUserName } from './person.ts';

/** Lets somebody sign in. */
export const addUser = operation({
  name: 'user.add',
  method: 'AddUser',
  summary: 'Lets somebody sign in, with a role and a first password.',
  role: 'owner',
  needsPassword: true,
  input: z.object({ user_name: TypedUserName, role: RoleName, password: TypedPassword }),
  output: z.object({ user_id: z.string() }),
  audit: ({ user_name, role }) => `added the user ${newNameForAudit(user_name)} as ${role}`,
  rest: { verb: 'POST', path: '/users' },
  omitted: {},

  async run({ user_name, role, password }, { people }) {
    const added = await people.users.add(user_name, role, password);
    return added.ok ? ok({ user_id: added.value.userId }) : added;
  },
});
