import { describe, expect, test } from 'vitest';
import { bytes, duration, milliseconds, table } from './table.ts';
import { visible } from './terminal-text.ts';

describe('text from elsewhere', () => {
  test.each([
    ['an escape that clears the screen', '\u001b[2Jgone', '\\u{1b}[2Jgone'],
    ['a line that pretends to be another row', 'York\nqe1fake up', 'York\\u{a}qe1fake up'],
    ['text turned around', 'a\u202Eb', 'a\\u{202e}b'],
    ['an invisible letter', 'Yo\u200Brk', 'Yo\\u{200b}rk'],
    ['a C1 escape', '\u009b31m', '\\u{9b}31m'],
    ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
    ['half a character', 'a\ud800b', 'a\\u{d800}b'],
    ['a name in another script', 'Zürich 東京', 'Zürich 東京'],
  ])('%s', (_, text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  test('is cut when it is long', () => {
    expect([...visible('x'.repeat(10_000))]).toHaveLength(64);
  });
});

test('a table lines its columns up and escapes its cells', () => {
  expect(
    table(
      ['A', 'NAME'],
      [
        ['1', 'York'],
        ['22', '\u001b'],
      ],
    ),
  ).toBe('A   NAME\n1   York\n22  \\u{1b}');
});

test('figures read as people say them', () => {
  expect([0, 59, 61, 3_600, 90_061].map(duration)).toEqual(['0s', '59s', '1m 1s', '1h', '1d 1h']);
  expect([999, 1_500, 2_000_000].map(bytes)).toEqual(['999 B', '1.5 kB', '2.0 MB']);
  expect([null, 0.2, 25].map(milliseconds)).toEqual(['-', '0.20 ms', '25.0 ms']);
});
