import * as z from 'zod';
import { operation } from './operation.ts';
import { personOf } from './person.ts';

/** The first step to a second factor. */
export const beginSecondFactor = operation({
  name: 'people.begin-second-factor',
  method: 'BeginSecondFactor',
  summary: 'A secret for an authenticator app, as text and as the address that its QR code has.',
  role: 'viewer',
  needsPassword: true,
  beforeSecondFactor: true,
  input: z.object({}),
  output: z.object({ secret: z.string(), uri: z.string() }),
  audit: () => 'began to set up a second factor',
  rest: { verb: 'POST', path: '/me/second-factor' },
  omitted: { cli: 'the console has no second factor' },

  async run(_, world, actor) {
    const person = personOf(actor, world);
    return person.ok ? world.people.factors.begin(person.value.user) : person;
  },
});
