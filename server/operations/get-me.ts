import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { RoleName } from './person.ts';

/** Who the daemon takes the caller for. */
export const getMe = operation({
  name: 'people.me',
  method: 'GetMe',
  summary: 'Who asks: name, role, session, and whether the password was given just now.',
  role: 'viewer',
  beforeSecondFactor: true,
  input: z.object({}),
  output: z.object({
    kind: z.enum(['local', 'person', 'token', 'anonymous']),
    user_name: z.string(),
    role: RoleName.nullable(),
    session_id: z.string().nullable(),
    second_factor: z.boolean(),
    /** The box asks for a second factor and this person has none: nothing else is answered until he has. */
    must_enrol: z.boolean(),
    recovery_codes: z.number().nullable(),
    password_until_ms: z.number().nullable(),
  }),
  audit: null,
  rest: { verb: 'GET', path: '/me' },
  omitted: { cli: 'the console knows who typed' },

  async run(_, { people }, actor) {
    const user = actor.userId === undefined ? undefined : people.users.byId(actor.userId);
    if (user && !user.ok) return user;
    const left = user ? people.factors.recoveryCodesLeft(user.value.userId) : ok(0);
    if (!left.ok) return left;
    const hasFactor = user ? user.value.secondFactor !== null : false;
    return ok({
      kind: actor.kind,
      user_name: actor.name,
      role: actor.role,
      session_id: actor.sessionId ?? null,
      second_factor: hasFactor,
      must_enrol: actor.lacksSecondFactor === true,
      recovery_codes: hasFactor ? left.value : null,
      password_until_ms: actor.passwordUntilMs ?? null,
    });
  },
});
