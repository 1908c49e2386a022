import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ok } from '../../server/core/result.ts';
import { RpcClient } from '../../server/rpc/client.ts';
import type { MethodName, ParamsOf, ResultOf } from '../../server/rpc/methods.ts';
import { ContractBox, canRun, ended } from './contract-box.ts';

/** Two boxes on one line that can be cut, each with the address of its number. */
class Pair {
  readonly boxes = [new ContractBox(), new ContractBox()] as const;

  constructor() {
    const [a, b] = this.boxes;
    execFileSync('ip', [
      'link',
      'add',
      'line',
      'netns',
      a.namespace,
      'type',
      'veth',
      'peer',
      'name',
      'line',
      'netns',
      b.namespace,
    ]);
    for (const [at, box] of this.boxes.entries()) {
      execFileSync('ip', ['-n', box.namespace, 'addr', 'add', `192.0.2.${at + 1}/24`, 'dev', 'line']);
      execFileSync('ip', ['-n', box.namespace, 'link', 'set', 'line', 'up']);
    }
  }

  /** Frames go to nobody, without either end noticing by its link. */
  cut(): void {
    for (const [at, box] of this.boxes.entries()) {
      const nobody = ['lladdr', '02:00:00:00:00:99', 'nud', 'permanent', 'dev', 'line'];
      execFileSync('ip', ['-n', box.namespace, 'neigh', 'replace', `192.0.2.${2 - at}`, ...nobody]);
    }
  }

  mend(): void {
    for (const [at, box] of this.boxes.entries()) {
      execFileSync('ip', ['-n', box.namespace, 'neigh', 'del', `192.0.2.${2 - at}`, 'dev', 'line']);
    }
  }
}

async function ask<M extends MethodName>(box: ContractBox, method: M, params: ParamsOf<M>): Promise<ResultOf<M>> {
  const client = await RpcClient.connect(box.socket, 'test');
  if (!client.ok) throw new Error(client.error.message);
  const answer = await client.value.call(method, params);
  client.value.close();
  if (!answer.ok) throw new Error(`${method}: ${answer.error.code}: ${answer.error.message}`);
  return ok(answer.value).value;
}

async function officeOf(box: ContractBox) {
  return (await ask(box, 'GetOffices', {})).offices[0];
}

async function until(what: () => Promise<boolean>, timeoutMs = 15_000): Promise<number> {
  const startMs = performance.now();
  while (!(await what())) {
    if (performance.now() - startMs > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(50);
  }
  return performance.now() - startMs;
}

describe.skipIf(!canRun)('two offices', () => {
  let pair: Pair;
  beforeEach(() => {
    pair = new Pair();
  });
  afterEach(() => {
    for (const box of pair.boxes) box.remove();
  });

  async function connect(): Promise<void> {
    const [bradford, york] = pair.boxes;
    await Promise.all([bradford.start(), york.start()]);
    const { node_id } = await ask(york, 'GetStatus', {});
    expect((await ask(bradford, 'AddPeer', { node_id, address: '192.0.2.2', name: 'York' })).node_id).toBe(node_id);
    await until(async () => (await ask(york, 'GetOffices', {})).pending.length === 1);
    const [pending] = (await ask(york, 'GetOffices', {})).pending;
    expect(pending).toMatchObject({ address: '192.0.2.1:9000', accepted_there: true });
    await ask(york, 'AcceptPeer', { node_id: pending?.node_id ?? '', name: 'Bradford' });
    for (const box of pair.boxes) await until(async () => (await officeOf(box))?.state === 'working');
  }

  test('one is added, accepted there, green by a probe; a cut line is seen within five seconds, and its mending', async () => {
    await connect();
    const [bradford, york] = pair.boxes;
    const before = await officeOf(bradford);
    expect(before).toMatchObject({ name: 'York', state: 'working', paths: 1, problem: null, configured: false });
    expect(before?.rtt_ms).toBeGreaterThan(0);
    const lines = await ask(bradford, 'GetLines', {});
    expect(lines.lines).toMatchObject([{ interface: 'line', addresses: ['192.0.2.1'], state: 'working', offices: 1 }]);
    pair.cut();
    const noticed = await Promise.all(
      pair.boxes.map((box) => until(async () => (await officeOf(box))?.state === 'failed')),
    );
    for (const ms of noticed) expect(ms).toBeLessThan(5_500);
    expect(await officeOf(bradford)).toMatchObject({
      problem: expect.stringMatching(/^no answer for/),
      remedy: expect.any(String),
    });
    pair.mend();
    await until(async () => (await officeOf(york))?.state === 'working', 30_000);
    const history = await ask(bradford, 'GetHistory', { subject: 'York', series: 'rtt_ms', range: '10m' });
    expect(history.points.filter(([, value]) => value !== null).length).toBeGreaterThan(0);
  });

  test('what happened stands in both audits, chained, also after kill -9', async () => {
    await connect();
    const [bradford, york] = pair.boxes;
    const { node_id } = await ask(york, 'GetStatus', {});
    const office = await ask(bradford, 'GetOffice', { peer: 'York' });
    expect(office.overlay_addresses.length).toBe(2);
    expect(office.path_list).toMatchObject([{ interface: 'line', remote: '192.0.2.2:9000', state: 'up' }]);
    expect(office.events.map(({ event }) => event)).toEqual(expect.arrayContaining(['peer.up', 'peer.add']));
    const [daemon] = bradford.pids().filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('main.ts'));
    process.kill(daemon ?? 0, 'SIGKILL');
    await until(async () => (await bradford.run(['status'])).status === 3);
    const second = await bradford.start();
    expect(await ask(bradford, 'VerifyAudit', {})).toMatchObject({ intact: true, first_seq: 1, problem: null });
    await ask(bradford, 'RemovePeer', { peer: 'York' });
    await until(async () => (await ask(bradford, 'GetAudit', { event: 'peer.down' })).events.length > 0);
    second.kill('SIGTERM');
    await ended(second);
    const lines = readFileSync(join(bradford.stateDir, 'audit.json'), 'utf8').trimEnd().split('\n');
    const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const names = events.map(({ event }) => event);
    expect(names.slice(0, 4)).toEqual(['box.started', 'peer.add', expect.stringMatching(/peer/), 'box.started']);
    // The engine tells of the end while the operation is still being written down.
    expect(names.slice(4, 6).sort()).toEqual(['peer.down', 'peer.remove']);
    expect(names.slice(6)).toEqual(['box.stopped']);
    expect(events.find(({ event }) => event === 'peer.down')).toMatchObject({
      dest_node: node_id,
      protocol: 'quic',
      bytes_sent: expect.any(Number),
      bytes_recv: expect.any(Number),
      duration_ms: expect.any(Number),
    });
    expect(events.find(({ event }) => event === 'peer.add')).toMatchObject({ outcome: 'done', source: 'uid 0' });
  });

  test('how it was is remembered across a restart, and when it last answered while it is away', async () => {
    await connect();
    const [bradford, york] = pair.boxes;
    await sleep(1_500);
    const answeredMs = (await officeOf(bradford))?.last_good_ms ?? 0;
    expect(Math.abs(Date.now() - answeredMs)).toBeLessThan(5_000);
    for (const box of pair.boxes) expect((await box.run(['stop'])).status).toBe(0);
    await bradford.start();
    const history = await ask(bradford, 'GetHistory', { subject: 'York', series: 'rtt_ms', range: '2d' });
    expect(history.points.filter(([, value]) => value !== null && value > 0).length).toBeGreaterThan(0);
    const hours = await ask(bradford, 'GetHistory', { subject: 'box', series: 'sent_bps', range: '2y' });
    expect(hours.step_ms).toBe(3_600_000);
    expect(hours.points.length).toBeGreaterThan(0);
    await until(async () => (await officeOf(bradford))?.state === 'failed');
    expect((await officeOf(bradford))?.last_good_ms).toBeGreaterThan(answeredMs - 5_000);
    await york.start();
    await until(async () => (await officeOf(bradford))?.state === 'working', 20_000);
  });

  test('an address without a NodeId is looked for across a restart, and given up when asked', async () => {
    const [bradford] = pair.boxes;
    const first = await bradford.start();
    await ask(bradford, 'AddPeer', { address: '192.0.2.2:9000', name: 'York' });
    first.kill('SIGTERM');
    await ended(first);
    await bradford.start();
    await until(async () => (await ask(bradford, 'GetOffices', {})).sought[0]?.problem !== null);
    expect((await ask(bradford, 'GetOffices', {})).sought).toMatchObject([{ address: '192.0.2.2:9000', name: 'York' }]);
    await ask(bradford, 'RemovePeer', { peer: '192.0.2.2:9000' });
    expect((await ask(bradford, 'GetOffices', {})).sought).toEqual([]);
  });

  describe('where the tunnel listens, on trial', () => {
    const listens = async (box: ContractBox) => (await ask(box, 'GetStatus', {})).listen;
    const everywhere = ['0.0.0.0:9000', '[::]:9000'];

    test('is changed live, also within its own port, and comes back by itself or by hand', async () => {
      await connect();
      const [, york] = pair.boxes;
      expect(await listens(york)).toEqual(everywhere);
      const trial = await ask(york, 'TryListen', { addresses: ['192.0.2.2:9000'] });
      expect(trial).toMatchObject({ who: 'root', mine: true });
      expect(trial.until_ms - trial.started_ms).toBeGreaterThan(55_000);
      expect(await listens(york)).toEqual(['192.0.2.2:9000']);
      // The other office finds it again where it was.
      await until(async () => (await officeOf(york))?.state === 'working', 20_000);
      expect((await york.run(['trial', 'listen', '0.0.0.0:9001'])).err).toContain('root is trying a change already');
      await ask(york, 'RevertTrial', { trial_id: trial.trial_id });
      expect(await listens(york)).toEqual(everywhere);
      expect((await ask(york, 'GetTrial', {})).trial).toBeNull();
      await until(async () => (await officeOf(york))?.state === 'working', 20_000);
    });

    test('is undone by the next start when the daemon was killed in the middle', async () => {
      const [, york] = pair.boxes;
      await york.start();
      expect((await york.run(['trial', 'listen', '0.0.0.0:9001'])).out).toContain('On trial by root');
      expect(await listens(york)).toEqual(['0.0.0.0:9001']);
      const [daemon] = york.pids().filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('main.ts'));
      process.kill(daemon ?? 0, 'SIGKILL');
      await until(async () => (await york.run(['status'])).status === 3);
      await york.start();
      expect(await listens(york)).toEqual(everywhere);
      expect((await york.run(['trial', 'confirm'])).status).toBe(1);
      const told = await ask(york, 'GetAudit', { event: 'trial' });
      expect(told.events[0]).toMatchObject({ event: 'trial.undone', detail: expect.stringContaining('started anew') });
    });

    test('stays when confirmed, says where it comes from, and gives way to a configuration that changed', async () => {
      const [, york] = pair.boxes;
      const first = await york.start();
      await york.run(['trial', 'listen', '0.0.0.0:9001']);
      expect(await york.run(['trial', 'confirm'])).toMatchObject({ status: 0, out: 'Confirmed: it stays.\n' });
      first.kill('SIGTERM');
      await ended(first);
      const second = await york.start();
      expect(await listens(york)).toEqual(['0.0.0.0:9001']);
      const { settings } = await ask(york, 'GetConfig', {});
      expect(settings.find(({ key }) => key === 'discovery.listen')).toMatchObject({
        value: ['0.0.0.0:9001'],
        origin: expect.stringMatching(/^confirmed by root at /),
      });
      second.kill('SIGTERM');
      await ended(second);
      const shown = (await york.run(['config', 'show', '--origin'])).out;
      expect(shown).toMatch(/listen = \["0\.0\.0\.0:9001"\] {2}# confirmed by root at .*listen\.json/);
      await york.start(['--listen', '0.0.0.0:9002']);
      expect(await listens(york)).toEqual(['0.0.0.0:9002']);
    });

    test.each([
      ['an address of another box', ['192.0.2.77:9000'], 'engine.'],
      ['one of them of another box', ['0.0.0.0:9001', '192.0.2.77:9002'], 'listen.address'],
      ['a name', ['york.example:9000'], 'listen.address'],
      ['what is in force', ['0.0.0.0:9000', '[::]:9000'], 'listen.same'],
    ])('%s: refused, and nothing is changed', async (_, addresses, code) => {
      const [, york] = pair.boxes;
      await york.start();
      await expect(ask(york, 'TryListen', { addresses })).rejects.toThrow(code);
      expect(await listens(york)).toEqual(everywhere);
      expect((await ask(york, 'GetTrial', {})).trial).toBeNull();
    });
  });
});

describe.skipIf(!canRun)('the audit on the command line', () => {
  let box: ContractBox;
  beforeEach(() => {
    box = new ContractBox();
  });
  afterEach(() => box.remove());

  const id = 'qe12t4ru7h8s9ljxk4ah3luae6wyt2gckchmwgrxz';

  test('is read, checked and exported; whoever touches the file is found out, and the exit status says so', async () => {
    await box.start();
    const hostile = 'York\u202e\u001b[31m"},{"seq":9';
    await ask(box, 'AcceptPeer', { node_id: id, name: hostile });
    await ask(box, 'RemovePeer', { peer: id });
    const tail = await box.run(['audit', 'tail', '--event', 'peer']);
    expect(tail.out).toMatch(/#\d+ peer\.accept root from uid 0 \(\w+\): accepted qe1.*\n.*peer\.remove/);
    const intact = await box.run(['audit', 'verify']);
    expect(intact).toMatchObject({ status: 0, out: expect.stringMatching(/^Intact: 3 events, 1 to 3;/) });
    const exported = (await box.run(['audit', 'export'])).out;
    const path = join(box.stateDir, 'audit.json');
    expect(exported).toBe(readFileSync(path, 'utf8'));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(exported).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    writeFileSync(path, exported.replace('peer.remove', 'peer.ignore'));
    await ask(box, 'AcceptPeer', { node_id: id });
    const broken = await box.run(['audit', 'verify']);
    expect(broken).toMatchObject({
      status: 1,
      err: expect.stringContaining('audit.json:4: event 4 does not continue event 3'),
    });
  });

  test('a log that cannot be written where it was wanted is kept in the state directory, and says so', async () => {
    const file = join(box.folder, 'a file');
    writeFileSync(file, '');
    const config = join(box.folder, 'config.toml');
    writeFileSync(config, `[security]\naudit_log = "${file}/audit.json"\n`);
    await box.start(['--config', config]);
    const { events } = await ask(box, 'GetAudit', {});
    expect(events.map(({ event }) => event)).toEqual(['box.started', 'audit.elsewhere']);
    expect(readFileSync(join(box.stateDir, 'audit.json'), 'utf8')).toContain(`${file}/audit.json`);
  });

  test('a disk that is full stops no operation; what was lost is in the chain once there is room', async () => {
    const folder = join(box.folder, 'log');
    mkdirSync(folder);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder]);
    try {
      const config = join(box.folder, 'config.toml');
      writeFileSync(config, `[security]\naudit_log = "${folder}/audit.json"\n`);
      await box.start(['--config', config]);
      writeFileSync(join(folder, 'filler'), Buffer.alloc(56 << 10));
      for (let n = 0; n < 40; n++) {
        await ask(box, 'AcceptPeer', { node_id: id });
        await ask(box, 'RemovePeer', { peer: id });
      }
      expect((await ask(box, 'GetOffices', {})).offices).toEqual([]);
      const { problems } = await ask(box, 'GetStatus', {});
      expect(problems).toMatchObject([{ code: 'audit.not-written', message: expect.stringContaining(folder) }]);
      rmSync(join(folder, 'filler'));
      await ask(box, 'AcceptPeer', { node_id: id });
      const { events } = await ask(box, 'GetAudit', { event: 'audit.dropped' });
      expect(events[0]?.detail).toMatch(/^\d+ events since .* could not be written: the disk was full/);
      expect(await ask(box, 'VerifyAudit', {})).toMatchObject({ intact: true, problem: null });
      expect((await ask(box, 'GetStatus', {})).problems).toEqual([]);
      expect((await ask(box, 'GetOffices', {})).offices).toHaveLength(1);
    } finally {
      execFileSync('umount', ['-l', folder]);
    }
  });
});
