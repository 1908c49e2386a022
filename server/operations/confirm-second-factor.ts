import * as z from 'zod';
import { ok } from '../core/result.ts';
import { operation } from './operation.ts';
import { personOf, TypedCode } from './person.ts';

/** The step that turns a second factor on. */
export const confirmSecondFactor = operation({
  name: 'people.confirm-second-factor',
  method: 'ConfirmSecondFactor',
  summary: 'Turns the second factor on by a first code of the app, and gives the recovery codes, once.',
  role: 'viewer',
  beforeSecondFactor: true,
  input: z.object({ code: TypedCode }),
  output: z.object({ recovery_codes: z.array(z.string()) }),
  audit: () => 'turned the second factor on',
  rest: { verb: 'POST', path: '/me/second-factor/confirm' },
  omitted: { cli: 'the console has no second factor' },

  async run({ code }, world, actor) {
    const person = personOf(actor, world);
    if (!person.ok) return person;
    const codes = world.people.factors.confirm(person.value.user, code, person.value.sessionId);
    return codes.ok ? ok({ recovery_codes: [...codes.value] }) : codes;
  },
});
