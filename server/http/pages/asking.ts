import type { Failure, Result } from '../../core/result.ts';
import { ok } from '../../core/result.ts';
import { fieldOf } from '../form.ts';
import type { Ask, FormFields, Front, WebContext } from '../front.ts';
import { sentenceOf } from '../sentence.ts';

/** Asks in the name of whoever sent this request. */
export function askFor(front: Front, c: WebContext): Ask {
  return (method, params) => front.ask(c, method, params);
}

/** The answer, or `otherwise` when there is none: for what a page shows beside its matter. */
export async function orElse<T, U>(asked: Promise<Result<T>>, otherwise: U): Promise<T | U> {
  const answer = await asked;
  return answer.ok ? answer.value : otherwise;
}

/** Which field of a form a failure is about; the fields that prove who it is are named after `prefix`. */
export function mistakesOf(
  failure: Failure,
  fields: Readonly<Record<string, string>>,
  prefix = '',
): Readonly<Record<string, string>> | undefined {
  const field = fields[failure.code] ?? proofField(failure.code, prefix);
  return field === undefined ? undefined : { [field]: sentenceOf(failure) };
}

const PROOF: Readonly<Record<string, string>> = {
  'people.wrong-password': 'password',
  'people.throttled': 'password',
  'people.wrong-code': 'code',
  'people.needs-code': 'code',
};

function proofField(code: string, prefix: string): string | undefined {
  const field = PROOF[code];
  return field === undefined ? undefined : `${prefix}${field}`;
}

/**
 * Gives the password that came with a form to the daemon, before what the form asks for.
 *
 * A form without one is taken as it is: the daemon knows whether the password was given just now,
 * and says so when it was not.
 */
export async function proveWith(front: Front, c: WebContext, form: FormFields): Promise<Result<undefined>> {
  const password = fieldOf(form, 'password');
  if (password === undefined || password === '') return ok(undefined);
  const code = fieldOf(form, 'code')?.trim();
  const proven = await front.ask(c, 'ProvePassword', { password, ...(code ? { code } : {}) });
  return proven.ok ? ok(undefined) : proven;
}
