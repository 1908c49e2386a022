import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { observePeerCredentials } from '../../server/adapters/peer-credentials.ts';
import { systemClock } from '../../server/adapters/system-clock.ts';
import { ok } from '../../server/core/result.ts';
import { RpcServer } from '../../server/rpc/server.ts';

let folder = '';
let server: RpcServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-lent-'));
});
afterEach(() => {
  server?.close();
  rmSync(folder, { recursive: true });
});

/** A server that takes its time to find out who calls, by lending the socket to a process as the daemon does. */
async function serve(): Promise<string> {
  const path = join(folder, 's.sock');
  const asker = join(folder, 'asker');
  writeFileSync(asker, '#!/bin/sh\nsleep 0.05\necho \'{"pid":1,"uid":0,"gid":0}\'\n');
  chmodSync(asker, 0o755);
  const listening = await RpcServer.listen({
    path,
    clock: systemClock,
    handler: { version: '1', methods: [], call: async (_, params) => ok(JSON.stringify(params).length) },
    observeCaller: (socket) => observePeerCredentials(asker, socket),
    groupsOf: () => [],
    log: { info: () => {}, warn: () => {} },
  });
  if (!listening.ok) throw new Error(listening.error.message);
  server = listening.value;
  return path;
}

// Before the socket is lent, while it is, around its return, and after.
test.each([0, 1, 20, 45, 50, 55, 60, 100])('not a byte is lost that comes %i ms after connecting', async (delayMs) => {
  const path = await serve();
  const text = 'x'.repeat(40_000);
  const calls = Array.from({ length: 15 }, (_, i) =>
    JSON.stringify({ jsonrpc: '2.0', id: i + 1, method: 'Length', params: { text } }),
  );
  const hello = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'Hello', params: { protocol: 1 } });
  const socket = connect({ path });
  let said = '';
  socket.on('data', (chunk) => {
    said += chunk.toString();
  });
  socket.write(`${hello.slice(0, 10)}`);
  if (delayMs > 0) await sleep(delayMs);
  socket.write(`${hello.slice(10)}\n${calls.join('\n')}\n`);
  await expect.poll(() => said.split('\n').length - 1, { timeout: 3_000, interval: 5 }).toBe(16);
  const answers = said
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: number; result: unknown });
  for (const { id, result } of answers) if (id > 0) expect(result).toBe(text.length + '{"text":""}'.length);
  socket.destroy();
});
