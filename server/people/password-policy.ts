import { fail, ok, type Result } from '../core/result.ts';
import { GUESSED_STEMS } from './guessed-passwords.ts';

export const MIN_PASSWORD_LENGTH = 12;
/** Enough for any sentence; a bound because hashing looks at all of it. */
export const MAX_PASSWORD_LENGTH = 256;
/** What must be left when names that anybody knows are taken out. */
const MIN_OWN_LENGTH = 8;

/** What is hashed and compared: the same however a keyboard composes the letters (NIST SP 800-63B, 5.1.1.2). */
export function normalizePassword(typed: string): string {
  return typed.normalize('NFC');
}

/**
 * Whether a password may be set. Long, and not what everybody tries first; how it is composed is
 * nobody's business.
 */
export function decidePassword(typed: string, names: readonly string[]): Result<string> {
  const password = normalizePassword(typed);
  const length = [...password].length;
  if (length < MIN_PASSWORD_LENGTH) {
    return weak(`a password has at least ${MIN_PASSWORD_LENGTH} characters; this one has ${length}`);
  }
  if (length > MAX_PASSWORD_LENGTH) {
    return fail('people.weak-password', `a password has at most ${MAX_PASSWORD_LENGTH} characters`);
  }
  if (/\p{Cc}/u.test(password)) {
    return fail('people.weak-password', 'a password has no control characters, such as tabs and line ends');
  }
  const folded = fold(password);
  if (isPattern(folded)) return weak('that password is one pattern over and over');
  if (GUESSED_STEMS.has(stem(folded)) || GUESSED_STEMS.has(stem(unleet(stem(folded))))) {
    return weak('that password is one of those that are tried first');
  }
  for (const name of names) {
    if (name.length < 3 || !folded.includes(fold(name))) continue;
    if (folded.replaceAll(fold(name), '').length < MIN_OWN_LENGTH) {
      return weak('that password is little more than the name of the user or of the box');
    }
  }
  return ok(password);
}

function weak(message: string): Result<never> {
  return fail('people.weak-password', message, { remedy: 'take four or five words that do not belong together' });
}

function fold(text: string): string {
  return text.toLowerCase();
}

/** Without what people put at the ends to satisfy a rule: `Password2026!` is `password`. */
function stem(text: string): string {
  return text
    .replace(/[^a-z]+$/g, '')
    .replace(/^[^a-z]+/g, '')
    .replace(/[\s._-]/g, '');
}

const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
};

function unleet(text: string): string {
  return text.replace(/[013457@$]/g, (character) => LEET[character] ?? character);
}

/** One short piece over and over, or a run along the alphabet or the digits. */
function isPattern(text: string): boolean {
  if (/^(.{1,4})\1+.{0,3}$/su.test(text)) return true;
  const codes = [...text].map((character) => character.codePointAt(0) ?? 0);
  const steps = codes.slice(1).map((code, at) => code - (codes[at] ?? 0));
  const runs = steps.filter((step) => step === steps[0] && Math.abs(step) <= 1).length;
  // 1234567890123: one break in a run is still a run.
  return steps.length > 0 && runs >= steps.length - 2;
}
