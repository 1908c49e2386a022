import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { encodeTar } from './tar.ts';

test('the system reads what we pack', () => {
  const entries = [
    { path: 'd/empty.txt', text: '' },
    { path: 'd/one.txt', text: 'é\n' },
    { path: 'd/block.txt', text: 'x'.repeat(512) },
    { path: 'd/more.txt', text: 'y'.repeat(100_000) },
  ];
  const archive = encodeTar(entries, new Date(Date.UTC(2026, 10, 22)));
  const listed = execFileSync('tar', ['tvf', '-'], {
    input: archive,
    encoding: 'utf8',
    env: { TZ: 'UTC', LC_ALL: 'C' },
  });
  expect(listed.match(/-rw------- .* 2026-11-22 00:00 d\/\w+\.txt/g)).toHaveLength(4);
  for (const { path, text } of entries) {
    expect(execFileSync('tar', ['xOf', '-', path], { input: archive, encoding: 'utf8' })).toBe(text);
  }
});

test('a path that does not fit is a bug that is seen', () => {
  expect(() => encodeTar([{ path: 'x'.repeat(101), text: '' }], new Date(0))).toThrow(/too long/);
});
