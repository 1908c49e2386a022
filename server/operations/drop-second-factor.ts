import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { personOf } from './person.ts';

/** Goes back to the password alone. */
export const dropSecondFactor = operation({
  name: 'people.drop-second-factor',
  method: 'DropSecondFactor',
  summary: 'Turns the second factor of who asks off; its recovery codes go with it.',
  role: 'viewer',
  needsPassword: true,
  input: z.object({}),
  output: z.object({}),
  audit: () => 'turned the second factor off',
  rest: { verb: 'DELETE', path: '/me/second-factor' },
  omitted: { cli: '`user reset-password --drop-second-factor` does it for who lost the telephone' },

  async run(_, world, actor) {
    const person = personOf(actor, world);
    if (!person.ok) return person;
    const dropped = world.people.factors.drop(person.value.user.userId);
    return dropped.ok ? ok({}) : dropped;
  },
});
