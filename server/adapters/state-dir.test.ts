import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ok } from '../core/result.ts';
import { openStateDir } from './state-dir.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-state-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('is made ours alone, with the folders above it', () => {
  const path = join(folder, 'a/b');
  expect(openStateDir(path)).toEqual(ok(undefined));
  expect(modeOf(path)).toBe(0o700);
});

test('an empty folder that others can enter is closed to them', () => {
  const path = join(folder, 'empty');
  mkdirSync(path);
  chmodSync(path, 0o755);
  expect(openStateDir(path)).toEqual(ok(undefined));
  expect(modeOf(path)).toBe(0o700);
});

test('one with something in it is refused and left as it is', () => {
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'passwd'), 'precious');
  expect(openStateDir(folder)).toMatchObject({
    ok: false,
    error: { code: 'permission.state', remedy: expect.stringContaining(`chmod 700 ${folder}`) },
  });
  expect(modeOf(folder)).toBe(0o755);
});

test('a file in its place is an error with the path', () => {
  const path = join(folder, 'file');
  writeFileSync(path, '');
  expect(openStateDir(path)).toMatchObject({ ok: false, error: { message: expect.stringContaining(path) } });
});
