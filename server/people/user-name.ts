import { fail, ok, type Result } from '../core/result.ts';

export const MAX_USER_NAME_LENGTH = 64;
const FORM = /^[a-z][a-z0-9._@+-]{0,63}$/;
/** Names that the audit gives to those who are no people of this box. */
const TAKEN = ['root', 'daemon', 'system', 'somebody', 'console', 'quicether', 'quicether-web', 'token', 'uid'];

/**
 * Reads a user name; capitals are lowered.
 *
 * Only plain letters: two names that look alike, or that turn into markup or another line somewhere,
 * cannot be given.
 */
export function parseUserName(typed: string): Result<string> {
  const name = typed.trim().toLowerCase();
  if (TAKEN.includes(name)) {
    return fail('people.user-name', `the user name "${name}" is the box's own`, { remedy: 'choose another' });
  }
  if (FORM.test(name)) return ok(name);
  return fail('people.user-name', `the user name ${quoted(typed)} cannot be used`, {
    remedy: 'begin with a letter; letters a to z, digits and . _ @ + - may follow, 64 at most',
  });
}

function quoted(typed: string): string {
  const plain = [...typed.slice(0, 2 * MAX_USER_NAME_LENGTH)].slice(0, MAX_USER_NAME_LENGTH).join('');
  return JSON.stringify(plain).replace(/[^\x20-\x7e]/g, '?');
}
