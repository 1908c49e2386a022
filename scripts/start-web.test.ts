import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { whyTaken } from './start-web.ts';

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
