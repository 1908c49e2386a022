import * as z from 'zod';
import { ok } from '../core/result.ts';
import { IDLE_MS } from '../people/session-rules.ts';
import { operation } from './operation.ts';
import { nameForAudit, RoleName, TypedPassword, TypedUserName } from './person.ts';

const NO_CONSOLE = 'the console lets in by Unix user';

/** Begins a session, or asks for the second factor. */
export const signIn = operation({
  name: 'people.sign-in',
  method: 'SignIn',
  summary: 'Begins a session by name and password; with a second factor, gives a ticket for SignInCode instead.',
  role: 'anyone',
  input: z.object({ user_name: TypedUserName, password: TypedPassword }),
  output: z.object({
    session: z.string().nullable(),
    session_ms: z.number(),
    ticket: z.string().nullable(),
    needs_code: z.boolean(),
    user_name: z.string(),
    role: RoleName,
  }),
  audit: ({ user_name }, world) => `sign-in as ${nameForAudit(user_name, world)}`,
  auditDone: ({ session, user_name }) =>
    session === null ? { note: 'the code is still to come' } : { who: user_name },
  rest: { verb: 'POST', path: '/session' },
  omitted: { cli: NO_CONSOLE },

  async run({ user_name, password }, { people }, actor) {
    const signedIn = await people.signIn.signIn(user_name, password, actor);
    if (!signedIn.ok) return signedIn;
    const { user, session, ticket } = signedIn.value;
    return ok({
      session: session?.secret ?? null,
      session_ms: IDLE_MS,
      ticket,
      needs_code: ticket !== null,
      user_name: user.userName,
      role: user.role,
    });
  },
});
