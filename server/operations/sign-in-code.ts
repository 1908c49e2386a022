import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { RoleName, TypedCode } from './person.ts';

/** The second step of signing in. */
export const signInCode = operation({
  name: 'people.sign-in-code',
  method: 'SignInCode',
  summary: 'Begins a session by the ticket of SignIn and a code of the app, or a recovery code.',
  role: 'anyone',
  input: z.object({ ticket: z.string().min(1).max(128), code: TypedCode }),
  output: z.object({ session: z.string(), session_ms: z.number(), user_name: z.string(), role: RoleName }),
  audit: ({ ticket }, { people }) =>
    `sign-in with a code as ${people.signIn.nameOfTicket(ticket) ?? 'nobody in particular'}`,
  auditDone: ({ user_name }) => ({ who: user_name }),
  rest: { verb: 'POST', path: '/session/code' },
  omitted: { cli: 'the console lets in by Unix user' },

  async run({ ticket, code }, { people }, actor) {
    const signedIn = await people.signIn.signInCode(ticket, code, actor);
    if (!signedIn.ok) return signedIn;
    const { user, session } = signedIn.value;
    return ok({ session: session.secret, session_ms: session.idleMs, user_name: user.userName, role: user.role });
  },
});
