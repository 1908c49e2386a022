import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRng } from '../core/rng.ts';
import { decidePassword } from './password-policy.ts';
import { foldReadableCode, makeReadableCode, makeSecret } from './secrets.ts';
import { parseUserName } from './user-name.ts';

const NAMES = ['anna', 'Bradford Office'];

describe('a password', () => {
  test.each([
    'correct horse staple nine',
    'vier Wörter die nicht passen',
    'пароль из многих слов',
    'password of my own making',
    'anna has seven blue bicycles',
    '密码很长很长很长很长很长很',
  ])('%j may be set, whatever it is made of', (typed) => {
    expect(decidePassword(typed, NAMES)).toMatchObject({ ok: true });
  });

  test.each([
    ['', 'at least 12'],
    ['elevenchars', 'at least 12'],
    ['x'.repeat(257), 'at most 256'],
    ['with a\ttab inside', 'control'],
    ['Password2026!', 'tried first'],
    ['P4ssw0rd1234', 'tried first'],
    ['Welcome123456', 'tried first'],
    ['qwertyuiop123', 'tried first'],
    ['letmein-please-1', 'tried first'],
    ['aaaaaaaaaaaaaaa', 'over and over'],
    ['abcabcabcabcabc', 'over and over'],
    ['123456789012', 'over and over'],
    ['abcdefghijklm', 'over and over'],
    ['annaanna-annaanna', 'name of the user'],
    ['BRADFORD OFFICE 1', 'name of the user'],
  ])('%j may not: %s', (typed, why) => {
    const decided = decidePassword(typed, NAMES);
    expect(decided).toMatchObject({ ok: false, error: { code: 'people.weak-password' } });
    if (!decided.ok) expect(decided.error.message).toContain(why);
  });

  test('is the same however the keyboard composes its letters', () => {
    expect(decidePassword('zwölf Wörter und eins', [])).toEqual(
      decidePassword('zwölf Wörter und eins'.normalize('NFD'), []),
    );
  });

  test('is never repeated in what is said about it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, maxLength: 300 }), (typed) => {
        const decided = decidePassword(typed, NAMES);
        if (!decided.ok && /[^a-z0-9 ]/i.test(typed)) expect(JSON.stringify(decided)).not.toContain(typed);
      }),
    );
  });
});

describe('a user name', () => {
  test.each([
    ['Anna', 'anna'],
    [' james.smith ', 'james.smith'],
    ['j+s@firm.co.uk', 'j+s@firm.co.uk'],
  ])('%j is kept as %s', (typed, name) => expect(parseUserName(typed)).toEqual({ ok: true, value: name }));

  test.each([
    '',
    '-rf',
    '1st',
    'two words',
    '<script>',
    'аnna',
    'anna\u202e',
    'a\nb',
    "o'brien",
    'root',
    'somebody',
    'a'.repeat(65),
    '../x',
  ])('%j is refused, and quoted only as plain text', (typed) => {
    const parsed = parseUserName(typed);
    expect(parsed).toMatchObject({ ok: false, error: { code: 'people.user-name' } });
    if (!parsed.ok) expect(parsed.error.message).toMatch(/^[\x20-\x7e]*$/);
  });
});

describe('a code to read off and type', () => {
  const code = makeReadableCode(seededRng(1), 12);

  test('has 60 bits in groups of four, without letters that look alike', () => {
    expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$/);
    const all = new Set(Array.from({ length: 500 }, (_, i) => makeReadableCode(seededRng(i), 12)).join(''));
    // All 32 and the dash: 5 bits in each of 12 places.
    expect(all.size).toBe(33);
  });

  test('is read however it is typed', () => {
    expect(foldReadableCode(` ${code.toLowerCase().replaceAll('-', ' ')} `)).toBe(foldReadableCode(code));
    expect(foldReadableCode('oIl0')).toBe('0110');
  });
});

test('a secret for machines has 256 bits', () => {
  expect(makeSecret(seededRng(3))).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(makeSecret(seededRng(3), 'qet_')).toHaveLength(47);
});
