import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configFiles } from '../../server/adapters/config-file.ts';
import { systemClock } from '../../server/adapters/system-clock.ts';
import { runProgram } from '../../server/cli/program.ts';
import type { ExitStatus } from '../../server/core/failures.ts';
import { fail, ok, type Result } from '../../server/core/result.ts';
import type { MethodName, ResultOf } from '../../server/rpc/methods.ts';
import { RpcServer } from '../../server/rpc/server.ts';
import { openConfigDesk } from '../../server/settings/config-desk.ts';

type Answers = Partial<{ [M in MethodName]: Result<ResultOf<M>> }>;

let folder = '';
let path = '';
let server: RpcServer | undefined;
let asked: [string, unknown][] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-cli-'));
  path = join(folder, 's.sock');
  asked = [];
});
afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

async function serve(answers: Answers): Promise<void> {
  const listening = await RpcServer.listen({
    path,
    clock: systemClock,
    handler: {
      version: '1',
      methods: [],
      call: async (method, params) => {
        asked.push([method, params]);
        return answers[method as MethodName] ?? fail('rpc.unknown-method', method);
      },
    },
    observeCaller: async () => ok({ pid: 1, uid: 0, gid: 0 }),
    groupsOf: () => [],
    log: { info: () => {}, warn: () => {} },
  });
  if (!listening.ok) throw new Error(listening.error.message);
  server = listening.value;
}

async function run(...words: string[]): Promise<{ out: string; err: string; status: number }> {
  const said = { out: '', err: '', status: 0 as ExitStatus };
  await runProgram(['node', 'quicether', ...words], {
    out: (text) => {
      said.out += `${text}\n`;
    },
    err: (text) => {
      said.err += `${text}\n`;
    },
    env: {},
    cwd: folder,
    isTty: false,
    exit: (status) => {
      if (status > said.status) said.status = status;
    },
    config: openConfigDesk({ files: configFiles, env: {}, hostName: 'box' }),
    keys: { make: () => fail('x', 'x'), read: () => fail('x', 'x') },
    version: '1.2.3',
    programPath: '/nowhere',
    defaultSocketPath: path,
    startDaemon: async () => fail('engine.permission', 'needs CAP_NET_ADMIN'),
    startWeb: async () => fail('web.listen', 'not here'),
    webFingerprint: async () => fail('web.no-certificate', 'not here'),
  });
  return said;
}

const id = 'qe12t4ru7h8s9ljxk4ah3luae6wyt2gckchmwgrxz';
const peer = {
  node_id: id,
  name: 'York',
  address: '192.0.2.1:9000',
  rtt_ms: 1.25,
  status: 'connected' as const,
  problem: null,
  remedy: null,
  overlay_addresses: ['100.64.0.2'],
  connected_sec: 61,
  sent_bytes: 1_500,
  received_bytes: 0,
};

describe('peers', () => {
  test('as a table for people and as JSON for scripts', async () => {
    await serve({ GetPeers: ok({ peers: [peer] }) });
    expect((await run('peers')).out).toMatch(
      /^NODE ID .*\nqe12t4r.* York +192\.0\.2\.1:9000 +1\.25 ms +connected +100\.64\.0\.2/,
    );
    expect(JSON.parse((await run('peers', '--json')).out)).toEqual({ peers: [peer] });
  });

  test('one that waits says what to do', async () => {
    const pending = {
      ...peer,
      status: 'pending' as const,
      problem: 'not accepted',
      remedy: `quicether peers accept ${id}`,
    };
    await serve({ GetPeers: ok({ peers: [pending] }) });
    expect((await run('peers')).out).toContain(`do: quicether peers accept ${id}`);
  });

  test('a name cannot draw on the terminal', async () => {
    const hostile = { ...peer, name: '\u001b]0;owned\u0007\u202e\nqe1fake', problem: 'x\u001b[2Jy' };
    await serve({ GetPeers: ok({ peers: [hostile] }) });
    const { out } = await run('peers');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(out.split('\n').filter((line) => line.startsWith('qe1'))).toHaveLength(1);
  });

  test('accept and remove take their own flags, before or after', async () => {
    await serve({
      AcceptPeer: ok({ node_id: id, was_accepted: false, accepted_there: true }),
      RemovePeer: ok({ node_id: id }),
    });
    expect(JSON.parse((await run('peers', 'accept', id, '--json')).out)).toEqual({
      node_id: id,
      was_accepted: false,
      accepted_there: true,
    });
    expect((await run('peers', '--json', 'accept', id, '--name', 'York')).out).toContain('"node_id"');
    expect((await run('peers', 'remove', 'York')).out).toBe(`Removed ${id}.\n`);
    expect(asked).toEqual([
      ['AcceptPeer', { node_id: id }],
      ['AcceptPeer', { node_id: id, name: 'York' }],
      ['RemovePeer', { peer: 'York' }],
    ]);
  });
});

test('routes', async () => {
  const routes = [
    {
      destination: '10.1.0.0/16',
      next_hop: id,
      type: 'Gateway' as const,
      installed: false,
      problem: 'covers a LAN here',
    },
  ];
  await serve({ GetRoutes: ok({ routes }) });
  expect((await run('routes')).out).toMatch(/10\.1\.0\.0\/16 +qe1.* +Gateway +covers a LAN here/);
  expect(JSON.parse((await run('routes', '--json')).out)).toEqual({ routes });
});

test('ping counts what was lost, and fails when nothing came back', async () => {
  await serve({ Ping: ok({ node_id: id, rtt_ms: 0.5 }) });
  expect((await run('ping', 'york', '-c', '2', '-i', '10')).out).toContain('2 of 2 answered; min 0.50 ms');
  server?.close();
  await serve({ Ping: fail('engine.timeout', 'no answer') });
  const lost = await run('ping', 'york', '-c', '1', '--json');
  expect(lost.status).toBe(1);
  expect(JSON.parse(lost.out)).toEqual({
    sent: 1,
    received: 0,
    min_ms: null,
    avg_ms: null,
    max_ms: null,
    rtts_ms: [null],
  });
});

test('logs are readable, and untouched as JSON', async () => {
  const line = '{"level":"info","time":"2026-11-22T21:00:00.000Z","name":"\\u001b[31m","msg":"peer up"}';
  await serve({ GetLogs: ok({ lines: [line, 'not JSON'], next: 2 }) });
  expect((await run('logs')).out).toBe('2026-11-22T21:00:00.000Z INFO  peer up name=\\u{1b}[31m\nnot JSON\n');
  expect((await run('logs', '--json')).out).toBe(`${line}\nnot JSON\n`);
});

describe('exit status', () => {
  test.each(['status', 'peers', 'routes', 'logs', 'stop', 'diag'])(
    '%s without a daemon: 3 and what to do',
    async (verb) => {
      const { status, err } = await run(verb);
      expect(status).toBe(3);
      expect(err).toContain('quicether start');
    },
  );

  test('what the daemon refuses has its own', async () => {
    await serve({ GetStatus: fail('permission.role', 'not yours'), RemovePeer: fail('peer.unknown', 'who?') });
    expect((await run('status')).status).toBe(4);
    expect(await run('peers', 'remove', 'x')).toMatchObject({ status: 1, err: 'who?\n' });
  });

  test('a missing right to make interfaces: 4', async () => {
    expect(await run('start')).toMatchObject({ status: 4, err: 'needs CAP_NET_ADMIN\n' });
  });

  test.each([['nonsense'], ['ping'], ['ping', 'x', '-c', 'many'], ['peers', 'accept'], ['status', '--socket', ''], []])(
    'wrong usage: 2',
    async (...words) => {
      expect((await run(...words)).status).toBe(2);
    },
  );

  test('help and version: 0', async () => {
    expect((await run('--help')).status).toBe(0);
    expect(await run('--version')).toMatchObject({ status: 0, out: '1.2.3\n' });
  });
});
