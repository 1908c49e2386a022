import * as z from 'zod';
import { ok } from '../core/result.ts';
import type { Actor } from './actor.ts';
import { operation } from './operation.ts';

/** Where somebody is signed in. */
export const getSessions = operation({
  name: 'session.list',
  method: 'GetSessions',
  summary: "Live sessions: one's own, or everybody's for an owner.",
  role: 'viewer',
  input: z.object({}),
  output: z.object({
    sessions: z.array(
      z.object({
        session_id: z.string(),
        user_name: z.string(),
        source: z.string(),
        surface: z.string(),
        started_ms: z.number(),
        seen_ms: z.number(),
        current: z.boolean(),
      }),
    ),
  }),
  audit: null,
  rest: { verb: 'GET', path: '/sessions' },
  omitted: {},

  async run(_, { people }, actor) {
    const found = people.sessions.list(whose(actor));
    if (!found.ok) return found;
    return ok({
      sessions: found.value.map(({ session, userName }) => ({
        session_id: session.sessionId,
        user_name: userName,
        source: session.source,
        surface: session.surface,
        started_ms: session.startedMs,
        seen_ms: session.seenMs,
        current: session.sessionId === actor.sessionId,
      })),
    });
  },
});

/** Whose sessions somebody sees and ends: undefined for everybody's; without a user nobody's. */
export function whose(actor: Actor): string | undefined {
  return actor.role === 'owner' ? undefined : (actor.userId ?? '');
}
