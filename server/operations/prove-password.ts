import * as z from 'zod';
import { ok } from '../core/result.ts';
import { needsCode } from '../people/failures.ts';
import { operation } from './operation.ts';
import { personOf, TypedCode, TypedPassword } from './person.ts';

/** Opens what asks for the password again, for a few minutes. */
export const provePassword = operation({
  name: 'people.prove-password',
  method: 'ProvePassword',
  summary:
    'Gives the password again (and a code, with a second factor), which some things ask for; holds for 5 minutes.',
  role: 'viewer',
  beforeSecondFactor: true,
  input: z.object({ password: TypedPassword, code: TypedCode.optional(), rotate: z.boolean().default(false) }),
  /** `session` is the new secret when `rotate` asked for one; the old one ends in a moment. */
  output: z.object({ until_ms: z.number(), session: z.string().nullable() }),
  audit: () => 'gave the password again',
  rest: { verb: 'POST', path: '/me/password-proof' },
  omitted: { cli: 'the console lets in by Unix user' },

  async run({ password, code, rotate }, world, actor) {
    const person = personOf(actor, world);
    if (!person.ok) return person;
    const { user, sessionId } = person.value;
    if (user.secondFactor && code === undefined) return needsCode();
    const confirmed = await world.people.passwords.confirm(user, password, { sessionId, source: actor.source });
    if (!confirmed.ok) return confirmed;
    if (code !== undefined && user.secondFactor) {
      const verified = await world.people.factors.verify(user, code, actor.source);
      if (!verified.ok) return verified;
    }
    const proven = world.people.sessions.prove(sessionId, rotate);
    return proven.ok ? ok({ until_ms: proven.value.untilMs, session: proven.value.secret }) : proven;
  },
});
