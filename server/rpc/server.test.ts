import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../core/clock.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Caller } from './caller.ts';
import { RpcClient } from './client.ts';
import { MAX_REQUEST_BYTES } from './protocol.ts';
import { RpcServer, type RpcServerOptions } from './server.ts';
import type { CallHandler, SessionLimits } from './session.ts';

const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

const handler: CallHandler = {
  version: '1.2.3',
  methods: ['Echo', 'Wait', 'Big'],
  call: (method, params) => {
    if (method === 'Wait') return new Promise(() => {});
    if (method === 'Big') return Promise.resolve(ok('x'.repeat(1 << 20)));
    return Promise.resolve(method === 'Echo' ? ok(params) : fail('rpc.unknown-method', `no ${method}`));
  },
};

let folder = '';
let path = '';
let warnings: string[] = [];
const open: { close(): void }[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-rpc-'));
  path = join(folder, 's.sock');
  warnings = [];
});
afterEach(() => {
  for (const one of open.splice(0)) one.close();
  rmSync(folder, { recursive: true });
});

async function serve(
  more: Partial<RpcServerOptions> = {},
  limits: Partial<SessionLimits> = {},
): Promise<Result<RpcServer>> {
  const server = await RpcServer.listen({
    path,
    handler,
    clock,
    observeCaller: async () => ok({ pid: 7, uid: process.getuid?.() ?? 0, gid: 0 }),
    groupsOf: () => [],
    log: { info: () => {}, warn: (fields, text) => warnings.push(`${text} ${JSON.stringify(fields)}`) },
    limits,
    ...more,
  });
  if (server.ok) open.push(server.value);
  return server;
}

/** A client of bytes: what it got so far, and whether it was closed. */
class Raw {
  readonly socket: Socket;
  text = '';
  readonly ended: Promise<void>;

  constructor() {
    this.socket = connect(path);
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString();
    });
    this.ended = new Promise((resolve) => this.socket.once('close', () => resolve()));
    open.push({ close: () => this.socket.destroy() });
  }

  async answers(count: number): Promise<{ id: unknown; result?: unknown; error?: { code: number; data: unknown } }[]> {
    while (this.text.split('\n').length - 1 < count) await new Promise((resolve) => setTimeout(resolve, 2));
    return this.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  }
}

const HELLO = `${JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'Hello', params: { protocol: 1 } })}\n`;

test('a client shakes hands and is answered, calls in any order', async () => {
  await serve();
  const client = await RpcClient.connect(path, 'test');
  if (!client.ok) throw new Error(client.error.message);
  open.push(client.value);
  const call = client.value.call as (method: string, params: unknown) => Promise<Result<unknown>>;
  const answers = await Promise.all([1, 2, 3].map((n) => call.call(client.value, 'Echo', { n })));
  expect(answers).toEqual([1, 2, 3].map((n) => ok({ n })));
  expect(statSync(path).mode & 0o777).toBe(0o660);
});

test.each([
  ['not JSON', 'garbage', -32700],
  ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), -32700],
  ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"Echo"}]', -32600],
  ['a number', '5', -32600],
  ['null', 'null', -32600],
  ['no id', '{"jsonrpc":"2.0","method":"Echo"}', -32600],
  ['an object as id', '{"jsonrpc":"2.0","id":{},"method":"Echo"}', -32600],
  ['another version', '{"jsonrpc":"1.0","id":1,"method":"Echo"}', -32600],
  ['a number as method', '{"jsonrpc":"2.0","id":1,"method":5}', -32600],
  ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"Nope"}', -32601],
])('%s is answered with its error and the connection goes on', async (_, line, code) => {
  await serve();
  const raw = new Raw();
  raw.socket.write(HELLO);
  raw.socket.write(line);
  raw.socket.write('\n{"jsonrpc":"2.0","id":9,"method":"Echo","params":{"still":true}}\n');
  const [, error, echo] = await raw.answers(3);
  expect(error?.error?.code).toBe(code);
  expect(echo).toMatchObject({ id: 9, result: { still: true } });
});

test('nothing is done before the handshake, nor for another protocol', async () => {
  await serve();
  const raw = new Raw();
  raw.socket.write('{"jsonrpc":"2.0","id":1,"method":"Echo"}\n');
  raw.socket.write('{"jsonrpc":"2.0","id":2,"method":"Hello","params":{"protocol":99}}\n');
  raw.socket.write('{"jsonrpc":"2.0","id":3,"method":"Echo"}\n');
  for (const answer of await raw.answers(3)) expect(answer.error?.data).toMatchObject({ code: 'rpc.version' });
});

test.each([
  ['as protocol', (deep: string) => `{"jsonrpc":"2.0","id":1,"method":"Hello","params":{"protocol":${deep}}}`],
  ['as params', (deep: string) => `{"jsonrpc":"2.0","id":1,"method":"Hello","params":${deep}}`],
  ['as id', (deep: string) => `{"jsonrpc":"2.0","id":${deep},"method":"Hello"}`],
])('what is nested too deep for the stack is only refused, %s', async (_, line) => {
  await serve();
  const raw = new Raw();
  raw.socket.write(`${line(`${'['.repeat(400_000)}${']'.repeat(400_000)}`)}\n`);
  raw.socket.write(HELLO);
  const [refused, greeted] = await raw.answers(2);
  expect(refused).toHaveProperty('error');
  expect(greeted).toMatchObject({ id: 0, result: { version: '1.2.3' } });
});

test('an answer that is too long is said to be, and the connection goes on', async () => {
  await serve({}, { maxUnreadBytes: 1_000 });
  const raw = new Raw();
  raw.socket.write(HELLO);
  raw.socket.write('{"jsonrpc":"2.0","id":1,"method":"Big"}\n{"jsonrpc":"2.0","id":2,"method":"Echo"}\n');
  const [, tooLong, echo] = await raw.answers(3);
  expect(tooLong).toMatchObject({ id: 1, error: { data: { code: 'rpc.too-long' } } });
  expect(echo).toMatchObject({ id: 2, result: {} });
});

test('a client whose credentials cannot be asked for is dropped, and the next is served', async () => {
  let isBroken = true;
  await serve({
    observeCaller: async () => {
      if (isBroken) throw new Error('spawn ENOMEM');
      return ok({ pid: 7, uid: process.getuid?.() ?? 0, gid: 0 });
    },
  });
  await new Raw().ended;
  expect(warnings.join()).toContain('ENOMEM');
  isBroken = false;
  expect((await RpcClient.connect(path, 'test')).ok).toBe(true);
});

describe('a client that costs too much is dropped', () => {
  test('a line over 1 MiB, told why', async () => {
    await serve();
    const raw = new Raw();
    raw.socket.write(HELLO);
    raw.socket.write('x'.repeat(MAX_REQUEST_BYTES + 1));
    await raw.ended;
    expect(raw.text).toContain('rpc.too-long');
    expect(warnings.join()).toContain('1 MiB');
  });

  test('one that says nothing', async () => {
    await serve({}, { handshakeMs: 20 });
    await new Raw().ended;
    expect(warnings.join()).toContain('said nothing');
  });

  test('one that stays without asking, but not while it waits for an answer', async () => {
    await serve({}, { idleMs: 30 });
    const waiting = new Raw();
    waiting.socket.write(HELLO);
    waiting.socket.write('{"jsonrpc":"2.0","id":1,"method":"Wait"}\n');
    const idle = new Raw();
    idle.socket.write(HELLO);
    await idle.ended;
    expect(warnings).toHaveLength(1);
    expect(waiting.socket.destroyed).toBe(false);
  });

  test('one that dribbles a line, however often it sends a byte', async () => {
    await serve({}, { lineMs: 60 });
    const raw = new Raw();
    raw.socket.write(HELLO);
    const drip = setInterval(() => raw.socket.write('x'), 5);
    await raw.ended;
    clearInterval(drip);
    expect(warnings.join()).toContain('never ended its line');
  });

  test('one that does not read its answers', async () => {
    await serve({}, { maxUnreadBytes: 3 << 20 });
    const raw = new Raw();
    raw.socket.pause();
    raw.socket.write(HELLO);
    for (let id = 1; id < 16; id++) raw.socket.write(`{"jsonrpc":"2.0","id":${id},"method":"Big"}\n`);
    raw.socket.resume();
    raw.socket.pause();
    await expect.poll(() => warnings.join()).toContain('does not read its answers');
  });

  test('one that reads a little and then stops', async () => {
    await serve({}, { stallMs: 30 });
    const raw = new Raw();
    raw.socket.write(HELLO);
    raw.socket.write('{"jsonrpc":"2.0","id":1,"method":"Big"}\n');
    raw.socket.pause();
    await expect.poll(() => warnings.join()).toContain('does not read its answers');
  });
});

test('calls beyond the limit of one client are refused, not queued', async () => {
  await serve({}, { maxOutstanding: 2 });
  const raw = new Raw();
  raw.socket.write(HELLO);
  for (let id = 1; id <= 3; id++) raw.socket.write(`{"jsonrpc":"2.0","id":${id},"method":"Wait"}\n`);
  const [, refused] = await raw.answers(2);
  expect(refused).toMatchObject({ id: 3, error: { data: { code: 'rpc.busy' } } });
});

test('the 65th client is told to come back, and may when another has gone', async () => {
  await serve();
  const clients = Array.from({ length: 65 }, () => new Raw());
  await expect.poll(() => clients.filter(({ text }) => text.includes('rpc.busy')).length).toBe(1);
  for (const { socket } of clients) socket.destroy();
  await expect.poll(async () => (await RpcClient.connect(path, 'test')).ok).toBe(true);
});

describe('who may use it', () => {
  const stranger: Caller = { pid: 1, uid: 4242, gid: 4242 };

  test('a stranger is refused before a word is read', async () => {
    await serve({ observeCaller: async () => ok(stranger), gid: process.getgid?.() });
    const client = await RpcClient.connect(path, 'test');
    expect(client).toMatchObject({ ok: false, error: { code: 'permission.socket' } });
    expect(warnings.join()).toContain('4242');
  });

  test('so is one of whom the kernel says nothing', async () => {
    await serve({ observeCaller: async () => fail('permission.unknown-peer', 'cannot tell who is calling') });
    expect(await RpcClient.connect(path, 'test')).toMatchObject({
      ok: false,
      error: { code: 'permission.unknown-peer' },
    });
  });

  test('a member of the group of the socket gets in', async () => {
    const gid = process.getgid?.() ?? 0;
    await serve({ observeCaller: async () => ok(stranger), groupsOf: () => [gid], gid });
    const client = await RpcClient.connect(path, 'test');
    expect(client.ok).toBe(true);
    if (client.ok) client.value.close();
  });
});

describe('the socket file', () => {
  test('of a dead daemon is replaced', async () => {
    const dead = await serve();
    // What a killed process leaves: the file, and nobody behind it.
    const { linkSync, renameSync } = await import('node:fs');
    linkSync(path, `${path}.kept`);
    if (dead.ok) dead.value.close();
    renameSync(`${path}.kept`, path);
    expect((await RpcClient.connect(path, 'test')).ok).toBe(false);
    expect((await serve()).ok).toBe(true);
    expect((await RpcClient.connect(path, 'test')).ok).toBe(true);
  });

  test('of a live daemon is not touched', async () => {
    await serve();
    expect(await serve()).toMatchObject({ ok: false, error: { code: 'daemon.already-running' } });
    expect((await RpcClient.connect(path, 'test')).ok).toBe(true);
  });

  test('that is no socket is left alone', async () => {
    writeFileSync(path, 'precious');
    expect(await serve()).toMatchObject({ ok: false, error: { code: 'daemon.socket' } });
    expect(readdirSync(folder)).toEqual(['s.sock']);
  });

  test('is gone after the end', async () => {
    const server = await serve();
    if (server.ok) server.value.close();
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('a daemon that says nothing is not waited for', async () => {
  const { createServer } = await import('node:net');
  const mute = createServer((socket) => open.push({ close: () => socket.destroy() }));
  await new Promise<void>((resolve) => mute.listen(path, resolve));
  open.push(mute);
  const connecting = RpcClient.connect(path, 'test', { timeoutMs: 30 });
  expect(await connecting).toMatchObject({ ok: false, error: { code: 'daemon.not-reachable' } });
});

test('no daemon is told from no permission', async () => {
  expect(await RpcClient.connect(path, 'test')).toMatchObject({ ok: false, error: { code: 'daemon.not-reachable' } });
});
