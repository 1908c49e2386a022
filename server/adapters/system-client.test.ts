import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ok } from '../core/result.ts';
import { openSystemClient } from './system-client.ts';

let folder = '';
let server: Server | undefined;
const asked: unknown[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-system-'));
  asked.length = 0;
});
afterEach(() => {
  server?.close();
  rmSync(folder, { recursive: true });
});

/** A root helper that says these pieces to whoever asks something, and then hangs up. */
async function helper(...pieces: string[]) {
  const path = join(folder, 'system.sock');
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (chunk: Buffer) => {
      asked.push(JSON.parse(chunk.toString()));
      for (const piece of pieces) socket.write(piece);
      socket.end();
    });
  });
  await new Promise<void>((resolve) => server?.listen(path, resolve));
  return openSystemClient(path);
}

const line = (value: object) => `${JSON.stringify(value)}\n`;
const done = line({ type: 'answer', id: 1, answer: { kind: 'done' } });

test('calls are what the root helper reads', async () => {
  const client = await helper(done);
  expect(await client.reboot()).toEqual(ok(undefined));
  await client.setSsh(false, undefined);
  await client.setSsh(true, ['ssh-ed25519 AAAA']);
  await client.reset('1234 5678');
  expect(asked).toEqual([
    { id: 1, call: 'reboot', params: {} },
    { id: 1, call: 'ssh', params: { on: false } },
    { id: 1, call: 'ssh', params: { on: true, authorized_keys: ['ssh-ed25519 AAAA'] } },
    { id: 1, call: 'reset', params: { code: '1234 5678' } },
  ]);
});

test('progress comes as it is said, also in pieces, and then the release', async () => {
  const progress = line({ type: 'progress', id: 1, step: 'writing', percent: 42, version: '1.5.0' });
  const answer = line({ type: 'answer', id: 1, answer: { kind: 'installed', version: '1.5.0', slot: 'b' } });
  const client = await helper(progress.slice(0, 20), progress.slice(20) + progress, answer);
  const told: unknown[] = [];
  expect(await client.install((one) => told.push(one))).toEqual(ok({ version: '1.5.0' }));
  expect(told).toEqual(Array.from({ length: 2 }, () => ({ step: 'writing', percent: 42, version: '1.5.0' })));
});

test('a failure keeps its code, sentence and remedy', async () => {
  const failure = { code: 'system.busy', message: 'an update is under way', remedy: 'wait' };
  const client = await helper(line({ type: 'failure', id: 1, ...failure }));
  expect(await client.reboot()).toEqual({ ok: false, error: failure });
});

test.each([
  ['text', 'hello\n'],
  ['null', 'null\n'],
  ['another kind', line({ type: 'event' })],
  ['a failure without a code', line({ type: 'failure', id: 1, message: 'x' })],
  ['progress that is none', line({ type: 'progress', step: 'dancing', percent: 1, version: '1' })],
  ['a line without an end', 'x'.repeat(100_000)],
  ['a state without slots', line({ type: 'answer', id: 1, answer: { version: '1.4.0', ssh: true } })],
  [
    'a slot of another name',
    line({ type: 'answer', id: 1, answer: { version: '1', ssh: true, slots: [{ slot: 'c', state: 'idle' }] } }),
  ],
])('%s is not taken for an answer', async (_, said) => {
  const client = await helper(said);
  expect(await client.state()).toMatchObject({ ok: false, error: { code: 'system.protocol' } });
});

test('nobody there, and somebody who hangs up, are told', async () => {
  expect(await openSystemClient(join(folder, 'nobody.sock')).reboot()).toMatchObject({
    error: { code: 'system.not-reachable' },
  });
  const client = await helper();
  expect(await client.reboot()).toMatchObject({ error: { code: 'system.not-reachable' } });
});
