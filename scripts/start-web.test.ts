import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { untilServing, whyTaken } from './start-web.ts';

test('where a box answers already no second one is started, and the advice can be typed in a checkout', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qe-start-'));
  const socket = join(folder, 'quicether.sock');
  expect(await whyTaken(socket)).toBeUndefined();
  const first = createServer();
  await new Promise<void>((resolve) => first.listen(socket, resolve));
  expect(await whyTaken(socket)).toContain('npm run quicether -- stop');
  await new Promise((resolve) => first.close(resolve));
  expect(await whyTaken(socket)).toBeUndefined();
  rmSync(folder, { recursive: true, force: true });
});

test('the pages are up when they say so, and not when they end', async () => {
  const run = (script: string) => spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const up = run('echo "Pages on"; exec sleep 30');
  expect(await untilServing(up)).toBe(true);
  up.kill();
  expect(await untilServing(run('exit 1'))).toBe(false);
});
