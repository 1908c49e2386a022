import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { codeAt, decideCode, enrolmentUri, readCode, stepAt } from './one-time-code.ts';
import type { Digest } from './ports.ts';
import { base32 } from './secrets.ts';

const digest: Digest = {
  sha256: () => new Uint8Array(),
  hmacSha1: (key, message) => createHmac('sha1', key).update(message).digest(),
  equal: (a, b) => Buffer.from(a).equals(Buffer.from(b)),
};
const secret = Buffer.from('12345678901234567890');

// RFC 6238, appendix B, the rows of SHA-1.
test.each([
  [59, '94287082'],
  [1_111_111_109, '07081804'],
  [1_111_111_111, '14050471'],
  [1_234_567_890, '89005924'],
  [2_000_000_000, '69279037'],
  [20_000_000_000, '65353130'],
])('at second %i the code of the RFC is made', (second, code) => {
  expect(codeAt(digest, secret, stepAt(second * 1_000), 8)).toBe(code);
});

describe('a typed code', () => {
  const nowMs = 1_234_567_890_000;
  const now = stepAt(nowMs);
  const decide = (step: number, lastStep = -1) =>
    decideCode(digest, { secret, lastStep }, codeAt(digest, secret, step), nowMs);

  test('is right in its own step and one to either side, for clocks that differ', () => {
    for (const step of [now - 1, now, now + 1]) expect(decide(step)).toEqual({ kind: 'right', step });
    for (const step of [now - 2, now + 2]) expect(decide(step)).toEqual({ kind: 'wrong' });
  });

  test('is right once: of the step that was taken, and of an earlier one, it is not taken again', () => {
    expect(decide(now, now)).toEqual({ kind: 'used' });
    expect(decide(now - 1, now)).toEqual({ kind: 'used' });
    expect(decide(now + 1, now)).toEqual({ kind: 'right', step: now + 1 });
  });

  test('is right after the clock was set back from a wrong future', () => {
    expect(decide(now, now + 1_000)).toEqual({ kind: 'right', step: now });
    expect(decide(now, now + 1)).toEqual({ kind: 'used' });
  });

  test.each(['', '12345', '1234567', 'abcdef', '１２３４５６'])('%j is no code of an app', (typed) => {
    expect(readCode(typed)).toBeUndefined();
    expect(decideCode(digest, { secret, lastStep: -1 }, typed, nowMs)).toEqual({ kind: 'wrong' });
  });

  test('may be typed in groups', () => expect(readCode(' 123 456 ')).toBe('123456'));
});

// RFC 4648, section 10, without padding.
test.each([
  ['', ''],
  ['f', 'MY'],
  ['fo', 'MZXQ'],
  ['foo', 'MZXW6'],
  ['foob', 'MZXW6YQ'],
  ['fooba', 'MZXW6YTB'],
  ['foobar', 'MZXW6YTBOI'],
])('base32 of %j is %j', (text, encoded) => expect(base32(Buffer.from(text))).toBe(encoded));

test('the address for the app keeps hostile names in their places', () => {
  const uri = new URL(enrolmentUri('A&B: "x"/?secret=', 'anna@firm', secret));
  expect(uri.searchParams.getAll('secret')).toEqual([base32(secret)]);
  expect(uri.searchParams.get('issuer')).toBe('QuicEther A&B  "x"/?secret=');
  expect(decodeURIComponent(uri.pathname)).toContain('anna@firm');
});
