import * as z from 'zod';
import { ok } from '../core/result.ts';
import { whose } from './get-sessions.ts';
import { operation } from './operation.ts';
import { Id } from './person.ts';

/** Signs a browser out from elsewhere. */
export const endSession = operation({
  name: 'session.end',
  method: 'EndSession',
  summary: "Ends a session at once: one's own, or anybody's for an owner.",
  role: 'viewer',
  input: z.object({ session_id: Id }),
  output: z.object({}),
  audit: ({ session_id }, { people }) => `ended the session ${session_id}${people.sessions.describeOwner(session_id)}`,
  rest: { verb: 'DELETE', path: '/sessions/{session_id}' },
  omitted: {},

  async run({ session_id }, { people }, actor) {
    const ended = people.sessions.end(session_id, whose(actor));
    return ended.ok ? ok({}) : ended;
  },
});
