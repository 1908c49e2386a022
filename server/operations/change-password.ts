import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { personOf, TypedPassword } from './person.ts';

/** A new password for who knows the old one. */
export const changePassword = operation({
  name: 'people.change-password',
  method: 'ChangePassword',
  summary: 'Sets a new password for who asks, who gives the old one too; ends his other sessions.',
  role: 'viewer',
  input: z.object({ password: TypedPassword, new_password: TypedPassword }),
  output: z.object({}),
  audit: () => 'changed the password',
  rest: { verb: 'PUT', path: '/me/password' },
  omitted: { cli: 'the console has `user reset-password`' },

  async run({ password, new_password }, world, actor) {
    const person = personOf(actor, world);
    if (!person.ok) return person;
    const { user, sessionId } = person.value;
    const at = { sessionId, source: actor.source };
    const changed = await world.people.users.changePassword(user, { password, newPassword: new_password }, at);
    return changed.ok ? ok({}) : changed;
  },
});
