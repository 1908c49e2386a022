import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { personOf } from './person.ts';

/** Ends the session that asks. */
export const signOut = operation({
  name: 'people.sign-out',
  method: 'SignOut',
  summary: 'Ends the session that asks.',
  role: 'viewer',
  beforeSecondFactor: true,
  input: z.object({}),
  output: z.object({}),
  audit: () => 'signed out',
  rest: { verb: 'DELETE', path: '/session' },
  omitted: { cli: 'the console has no session' },

  async run(_, world, actor) {
    const person = personOf(actor, world);
    if (!person.ok) return person;
    const ended = world.people.sessions.end(person.value.sessionId, person.value.user.userId);
    return ended.ok ? ok({}) : ended;
  },
});
