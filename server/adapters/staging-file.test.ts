import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ok } from '../core/result.ts';
import { openStagingFile } from './staging-file.ts';

let folder = '';
let path = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-staging-'));
  path = join(folder, 'update', 'bundle.gwu');
});
afterEach(() => rmSync(folder, { recursive: true }));

const part = (text: string) => Buffer.from(text);

test('parts end up one behind the other, for nobody else to read', async () => {
  const staging = openStagingFile(path, 0);
  expect(await staging.begin(6)).toEqual(ok(undefined));
  await Promise.all([staging.append(part('ab')), staging.append(part('cd')), staging.append(part('ef'))]);
  expect(await staging.finish()).toEqual(ok(undefined));
  expect(readFileSync(path, 'utf8')).toBe('abcdef');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'update')).mode & 0o777).toBe(0o700);
  await staging.remove();
  expect(existsSync(path)).toBe(false);
});

test('what is removed stays removed, whatever still comes', async () => {
  const staging = openStagingFile(path, 0);
  await staging.begin(6);
  const last = staging.append(part('ab'));
  const removed = staging.remove();
  const late = staging.append(part('cd'));
  await removed;
  expect([(await last).ok, (await late).ok, existsSync(path)]).toEqual([true, false, false]);
});

test('what a daemon before left, and what stands in the way, goes', async () => {
  mkdirSync(join(folder, 'update'));
  writeFileSync(join(folder, 'mine'), 'mine');
  symlinkSync(join(folder, 'mine'), path);
  const staging = openStagingFile(path, 0);
  await staging.begin(2);
  await staging.append(part('ab'));
  await staging.finish();
  expect([readFileSync(path, 'utf8'), readFileSync(join(folder, 'mine'), 'utf8')]).toEqual(['ab', 'mine']);
});

test('a disk without room is left some', async () => {
  const staging = openStagingFile(path, Number.MAX_SAFE_INTEGER);
  expect(await staging.begin(1)).toMatchObject({ error: { code: 'state.full', message: /needs 1 MB/ } });
  expect(existsSync(path)).toBe(false);
});
