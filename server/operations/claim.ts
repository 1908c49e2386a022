import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { RoleName, TypedCode, TypedPassword, TypedUserName } from './person.ts';

/** Makes the first owner of a new box and signs him in. */
export const claim = operation({
  name: 'people.claim',
  method: 'Claim',
  summary: 'Makes the first owner of a new box, by the code that its console shows, and signs him in.',
  role: 'anyone',
  input: z.object({ code: TypedCode, user_name: TypedUserName, password: TypedPassword }),
  output: z.object({ session: z.string(), session_ms: z.number(), user_name: z.string(), role: RoleName }),
  audit: () => 'claimed the box',
  auditDone: ({ user_name }) => ({ who: user_name }),
  rest: { verb: 'POST', path: '/claim' },
  omitted: { cli: 'the console needs no code: quicether user add NAME --role owner' },

  async run({ code, user_name, password }, { people }, actor) {
    const claimed = await people.signIn.claim({ code, userName: user_name, password }, actor);
    if (!claimed.ok) return claimed;
    const { user, session } = claimed.value;
    return ok({ session: session.secret, session_ms: session.idleMs, user_name: user.userName, role: user.role });
  },
});
