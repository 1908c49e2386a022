import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { nameForAudit, TypedUserName } from './person.ts';

/** The way back in for who lost his password. */
export const resetPassword = operation({
  name: 'user.reset-password',
  method: 'ResetPassword',
  summary: 'Makes a new password for somebody who lost his, and ends all his sessions.',
  role: 'owner',
  onlyLocal: true,
  input: z.object({ user_name: TypedUserName, drop_second_factor: z.boolean().default(false) }),
  output: z.object({ password: z.string() }),
  audit: ({ user_name, drop_second_factor }, world) =>
    `reset the password of ${nameForAudit(user_name, world)}${drop_second_factor ? ', second factor dropped' : ''}`,
  omitted: {
    rest: 'who lost a password proves who he is by standing at the console',
    page: 'who lost a password proves who he is by standing at the console',
  },

  async run({ user_name, drop_second_factor }, { people }) {
    const reset = await people.users.resetPassword(user_name, drop_second_factor);
    return reset.ok ? ok({ password: reset.value }) : reset;
  },
});
