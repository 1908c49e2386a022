import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ContractBox, canRun, ended } from './contract-box.ts';

interface Status {
  readonly node_id: string;
  readonly tun: { readonly name: string; readonly addr: string };
  readonly engine: { readonly pid: number; readonly instance: string; readonly generation: number };
  readonly problems: readonly { readonly message: string }[];
}

// The engine is the real one; without it (or without root) there is nothing to hold a contract with.
describe.skipIf(!canRun)('daemon and engine', () => {
  let box: ContractBox;
  beforeEach(() => {
    box = new ContractBox();
  });
  afterEach(() => box.remove());

  test('come up, say who they are, and leave nothing behind', async () => {
    const daemon = await box.start();
    const status = await box.json<Status>('status');
    expect(status.node_id).toMatch(/^qe1[a-z0-9]{38}$/);
    expect(status.tun.name).toBe('quicether0');
    expect(box.inside('ip', '-o', 'addr', 'show', 'dev', 'quicether0')).toContain(status.tun.addr.split('/')[0]);
    expect(await box.json('peers')).toEqual({ peers: [] });
    expect(statSync(box.stateDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(box.stateDir, 'node.key')).mode & 0o777).toBe(0o600);
    daemon.kill('SIGTERM');
    expect(await ended(daemon)).toBe(0);
    expect(box.pids()).toEqual([]);
    expect(existsSync(box.socket)).toBe(false);
    expect(box.inside('ip', '-o', 'link', 'show')).not.toContain('quicether0');
    expect((await box.run(['status'])).status).toBe(3);
  });

  test('in the background: up when the command returns, gone when stop returns', async () => {
    const started = await box.run(['start', '--daemon']);
    expect(started).toMatchObject({ status: 0, err: '' });
    expect(started.out).toContain('qe1');
    expect((await box.run(['status'])).status).toBe(0);
    expect(await box.run(['stop'])).toMatchObject({ status: 0, out: 'Stopped.\n' });
    expect(box.pids()).toEqual([]);
  });

  test('what the background could not do is said in front', async () => {
    const started = await box.run(['start', '--daemon', '--tun-addr', '127.0.0.1/8']);
    expect(started.status).not.toBe(0);
    expect(started.err).toContain('loopback');
    expect(box.pids()).toEqual([]);
  });

  test('a second daemon is refused, on the same state or the same socket, and the first goes on', async () => {
    await box.start();
    const before = await box.json<Status>('status');
    const sameState = await box.run(['start', '--socket', join(box.folder, 'other.sock')]);
    expect(sameState).toMatchObject({ status: 1, err: expect.stringContaining('another daemon') });
    const sameSocket = await box.run(['start', '--state-dir', join(box.folder, 'other'), '--socket', box.socket]);
    expect(sameSocket).toMatchObject({ status: 1, err: expect.stringContaining('already running') });
    expect((await box.json<Status>('status')).engine.instance).toBe(before.engine.instance);
  });

  test('after kill -9 of the daemon the engine goes on, and the next daemon adopts it', async () => {
    const first = await box.start();
    const before = await box.json<Status>('status');
    const [pid] = box.pids().filter((one) => commandLine(one).includes('main.ts'));
    process.kill(pid ?? 0, 'SIGKILL');
    await ended(first);
    expect(box.inside('ip', '-o', 'link', 'show')).toContain('quicether0');
    const second = await box.start();
    const after = await box.json<Status>('status');
    expect(after.engine.instance).toBe(before.engine.instance);
    expect(after.engine.generation).toBeGreaterThan(before.engine.generation);
    second.kill('SIGTERM');
    expect(await ended(second)).toBe(0);
    expect(box.pids()).toEqual([]);
  });

  test('an engine that is killed is started again and told everything', async () => {
    await box.start(['--peer', 'qe12t4ru7h8s9ljxk4ah3luae6wyt2gckchmwgrxz@192.0.2.1:9000']);
    const before = await box.json<Status>('status');
    process.kill(before.engine.pid, 'SIGKILL');
    await expect
      .poll(async () => (await box.run(['status', '--json'])).out, { timeout: 10_000 })
      .not.toContain(before.engine.instance);
    await expect
      .poll(async () => JSON.stringify(await box.json('peers')), { timeout: 10_000 })
      .toContain('qe12t4ru7h8s9ljxk4ah3luae6wyt2gckchmwgrxz');
  });

  test('stop --keep-tunnel ends the daemon alone', async () => {
    const daemon = await box.start();
    expect((await box.run(['stop', '--keep-tunnel'])).status).toBe(0);
    expect(await ended(daemon)).toBe(0);
    expect(box.inside('ip', '-o', 'link', 'show')).toContain('quicether0');
    const again = await box.run(['stop']);
    expect(again.status).toBe(3);
    expect(again.err).toContain('its engine may still carry packets');
  });

  test('a peer is accepted by its NodeId, kept across a restart, and removed', async () => {
    const id = 'qe12t4ru7h8s9ljxk4ah3luae6wyt2gckchmwgrxz';
    await box.start();
    expect(await box.json('peers', 'accept', id)).toEqual({ node_id: id, was_accepted: false, accepted_there: null });
    expect(JSON.stringify(await box.json('peers'))).toContain(id);
    expect(JSON.stringify(await box.json('routes'))).toContain('"Node"');
    expect((await box.run(['stop'])).status).toBe(0);
    await box.start();
    expect(JSON.stringify(await box.json('peers'))).toContain(id);
    expect(await box.json('peers', 'remove', id.slice(-6))).toEqual({ node_id: id });
    expect(await box.json('peers')).toEqual({ peers: [] });
    expect((await box.run(['peers', 'accept', `${id}x`])).err).toContain('checksum');
  });

  test('malformed JSON-RPC is answered or dropped, and the daemon stays', async () => {
    await box.start();
    const hostile = [
      'garbage\n',
      '[]\n',
      '{"jsonrpc":"2.0","id":1,"method":"Shutdown"}\n',
      'x'.repeat(2 << 20),
      '\0\0\0\n',
    ];
    for (const text of hostile) {
      const said = await new Promise<string>((resolve) => {
        let got = '';
        const socket = connect(box.socket, () => socket.write(text));
        socket.on('data', (chunk) => {
          got += chunk.toString();
          socket.end();
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(got));
      });
      expect(said).toContain('"error"');
    }
    expect((await box.run(['status'])).status).toBe(0);
  });

  test('another user is refused, by the file and by who he is', async () => {
    const socket = join(box.folder, 'open.sock');
    chmodSync(box.folder, 0o755);
    await box.start(['--socket', socket]);
    const prefix = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
    const byFile = await box.run(['status', '--socket', socket], { prefix });
    expect(byFile).toMatchObject({ status: 4, err: expect.stringContaining('may not use') });
    chmodSync(socket, 0o666);
    const byKernel = await box.run(['status', '--socket', socket], { prefix });
    expect(byKernel).toMatchObject({ status: 4, err: expect.stringContaining('65534') });
  });

  test('diagnostics hold no key', async () => {
    await box.start();
    const file = join(box.folder, 'diag.tar.gz');
    expect((await box.run(['diag', '-o', file])).status).toBe(0);
    const listed = execFileSync('tar', ['tzf', file], { encoding: 'utf8' });
    expect(listed).toMatch(/config\.json[\s\S]*daemon\.log/);
    const content = execFileSync('tar', ['xzOf', file], { encoding: 'utf8' });
    const key = readFileSync(join(box.stateDir, 'node.key'), 'utf8');
    const [secret = ''] = key.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----'));
    expect(secret.length).toBeGreaterThan(20);
    expect(content).not.toContain(secret);
    expect(content).not.toContain('PRIVATE KEY');
  });

  test('metrics and health answer on their own addresses', async () => {
    await box.start(['--metrics-addr', '127.0.0.1:9090', '--health-addr', '127.0.0.1:9091']);
    expect(box.inside('curl', '-s', 'http://127.0.0.1:9090/metrics')).toContain('quicether_connections_active 0');
    expect(box.inside('curl', '-s', 'http://127.0.0.1:9091/health')).toContain('"status":"ok"');
    expect(box.inside('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1:9091/')).toBe('404');
  });

  describe('a start that cannot work says why and leaves nothing', () => {
    test('without CAP_NET_ADMIN: status 4 and the remedy', async () => {
      const prefix = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'];
      const started = await box.run(['start'], { prefix });
      expect(started).toMatchObject({ status: 4, err: expect.stringContaining('CAP_NET_ADMIN') });
      expect(box.pids()).toEqual([]);
    });

    test('a TUN name that is taken', async () => {
      box.inside('ip', 'link', 'add', 'quicether0', 'type', 'veth', 'peer', 'name', 'other0');
      const started = await box.run(['start']);
      expect(started).toMatchObject({ status: 1, err: expect.stringContaining('quicether0') });
      expect(box.pids()).toEqual([]);
    });

    test('a state directory on a full disk', async () => {
      mkdirSync(box.stateDir);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k,mode=700', 'tmpfs', box.stateDir]);
      try {
        try {
          writeFileSync(join(box.stateDir, 'filler'), Buffer.alloc(64 << 10));
        } catch {
          // Full, as wanted.
        }
        const started = await box.run(['start']);
        expect(started.status).toBe(1);
        expect(started.err).toMatch(/disk is full|No space left/);
        expect(box.pids()).toEqual([]);
      } finally {
        execFileSync('umount', ['-l', box.stateDir]);
      }
    });

    test('a state directory that is read-only', async () => {
      mkdirSync(box.stateDir);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,mode=700', 'tmpfs', box.stateDir]);
      try {
        const started = await box.run(['start']);
        expect(started).toMatchObject({ status: 1, err: expect.stringContaining('read-only') });
        expect(box.pids()).toEqual([]);
      } finally {
        execFileSync('umount', ['-l', box.stateDir]);
      }
    });

    test('a state directory whose name is too long for a socket', async () => {
      const started = await box.run(['start', '--state-dir', join(box.folder, 'x'.repeat(100))]);
      expect(started).toMatchObject({ status: 1, err: expect.stringContaining('--state-dir') });
    });

    test('a port that is taken', async () => {
      const taker = spawn('ip', ['netns', 'exec', box.namespace, process.execPath, '-e', TAKE_PORT], { stdio: 'pipe' });
      await new Promise((resolve) => taker.stdout.once('data', resolve));
      const started = await box.run(['start']);
      expect(started).toMatchObject({ status: 1, err: expect.stringContaining('9000') });
      expect(box.pids()).toHaveLength(1);
    });

    test('a damaged file of accepted peers', async () => {
      mkdirSync(box.stateDir, { mode: 0o700 });
      writeFileSync(join(box.stateDir, 'peers.json'), '{"version":1,"peers":[{"node');
      const started = await box.run(['start']);
      expect(started).toMatchObject({ status: 1, err: expect.stringMatching(/peers\.json: is damaged.*backup/) });
      expect(box.pids()).toEqual([]);
    });
  });

  test('a wrong command line is status 2, a wrong configuration has its place', async () => {
    expect((await box.run(['start', '--nonsense'])).status).toBe(2);
    expect((await box.run(['ping'])).status).toBe(2);
    const config = join(box.folder, 'c.toml');
    writeFileSync(config, '[network]\nmtu = 12\n');
    const started = await box.run(['start', '--config', config]);
    expect(started).toMatchObject({ status: 1, err: expect.stringContaining('c.toml:2:') });
  });
});

const TAKE_PORT = `require('node:dgram').createSocket('udp4').bind(9000, () => console.log('taken'))`;

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
