import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockState } from './state-lock.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Another process that takes the lock and says how that went. */
function another(): { said: Promise<string>; kill: () => Promise<void> } {
  const file = join(import.meta.dirname, 'state-lock.ts');
  const code = `const { lockState } = await import(${JSON.stringify(file)});
    const lock = lockState(${JSON.stringify(folder)});
    console.log(lock.ok ? 'held' : lock.error.message);
    setInterval(() => lock, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    said: new Promise((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()))),
    kill: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

test('one daemon holds a state directory; a killed one does not', async () => {
  const first = another();
  expect(await first.said).toBe('held');
  expect(lockState(folder)).toMatchObject({
    ok: false,
    error: { code: 'daemon.already-running', message: expect.stringMatching(/process \d+/) },
  });
  await first.kill();
  const mine = lockState(folder);
  expect(mine.ok).toBe(true);
  const second = another();
  expect(await second.said).toContain(`process ${process.pid}`);
  await second.kill();
  if (mine.ok) mine.value.release();
  const third = lockState(folder);
  expect(third.ok).toBe(true);
  if (third.ok) third.value.release();
});

test('a directory that is not there is a failure with its place', () => {
  expect(lockState(join(folder, 'nowhere'))).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining('nowhere') },
  });
});
