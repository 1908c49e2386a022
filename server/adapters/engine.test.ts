import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ok } from '../core/result.ts';
import { EngineConnection } from './engine.ts';
import { FakeEngine } from './engine-fake.ts';
import type { Event } from './engine-messages.ts';
import { isAlive } from './engine-process.ts';
import { EngineSupervisor } from './engine-supervisor.ts';
import { systemClock } from './system-clock.ts';

let folder = '';
let path = '';
let engine: FakeEngine;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qe-engine-'));
  path = join(folder, 'engine.sock');
  engine = await FakeEngine.listen(path, 'qe1test');
});
afterEach(async () => {
  await engine.die();
  rmSync(folder, { recursive: true });
});

async function connection(): Promise<EngineConnection> {
  const opened = await EngineConnection.open(path, systemClock);
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value.connection;
}

describe('a connection', () => {
  test('shakes hands and is answered', async () => {
    const opened = await EngineConnection.open(path, systemClock);
    expect(opened).toMatchObject({ ok: true, value: { hello: { node_id: 'qe1test', instance: 'first' } } });
    if (!opened.ok) return;
    const ping = { call: 'ping', params: { node_id: 'qe1other', timeout_ms: 10 } } as const;
    expect(await opened.value.connection.call(ping)).toEqual(ok({ kind: 'ping', rtt_us: 210 }));
    opened.value.connection.close();
  });

  test('hands on a failure with its code, in our spelling', async () => {
    engine.failures = { apply: { code: 'tun_taken', message: 'quicether0 is taken' } };
    const opened = await connection();
    const answer = await opened.call({ call: 'apply', params: {} as never });
    expect(answer).toMatchObject({ ok: false, error: { code: 'engine.tun-taken', message: 'quicether0 is taken' } });
    opened.close();
  });

  test('gives up waiting, and a late answer harms nothing', async () => {
    engine.silent.add('snapshot');
    const opened = await connection();
    expect(await opened.call({ call: 'snapshot' }, 10)).toMatchObject({ ok: false, error: { code: 'engine.timeout' } });
    engine.sendRaw('{"type":"answer","id":2,"answer":{"kind":"done"}}\n');
    expect(await opened.call({ call: 'renew_lease' })).toEqual(ok({ kind: 'done' }));
    opened.close();
  });

  test('ends every waiting call when the engine dies, and later ones at once', async () => {
    engine.silent.add('snapshot');
    const opened = await connection();
    const waiting = opened.call({ call: 'snapshot' });
    await engine.die();
    expect(await waiting).toMatchObject({ ok: false, error: { code: 'engine.not-reachable' } });
    expect(await opened.call({ call: 'snapshot' })).toMatchObject({ ok: false });
  });

  test.each(['nonsense', 'null', '[]', '5'])('ends when the engine says %s', async (nonsense) => {
    const opened = await connection();
    const closed = new Promise((resolve) => {
      opened.onClose = resolve;
    });
    engine.sendRaw(`${nonsense}\n`);
    expect(await closed).toMatchObject({ code: 'engine.protocol' });
  });

  test('has room for what steers the engine however many pings wait', async () => {
    engine.silent.add('ping');
    const opened = await connection();
    const ping = () => opened.call({ call: 'ping', params: { node_id: 'qe1other', timeout_ms: 60_000 } }, 60_000);
    const waiting = Array.from({ length: 200 }, ping);
    expect(await waiting[150]).toMatchObject({ ok: false, error: { code: 'engine.busy' } });
    expect(await opened.call({ call: 'renew_lease' })).toEqual(ok({ kind: 'done' }));
    opened.close();
    expect(await waiting[0]).toMatchObject({ ok: false, error: { code: 'engine.not-reachable' } });
  });

  test('hands on events with the number of lost ones', async () => {
    const opened = await connection();
    const seen = new Promise<[Event, number]>((resolve) => {
      opened.onEvent = (event, dropped) => resolve([event, dropped]);
    });
    engine.emit({ kind: 'lease_expired' }, 3);
    expect(await seen).toEqual([{ kind: 'lease_expired' }, 3]);
    opened.close();
  });

  test('without an engine is a failure, not a throw', async () => {
    const missing = await EngineConnection.open(join(folder, 'nobody.sock'), systemClock);
    expect(missing).toMatchObject({ ok: false, error: { code: 'engine.not-reachable' } });
  });
});

describe('the supervisor of an engine that somebody else runs', () => {
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };

  test('adopts it, and finds the next one when it dies', async () => {
    const supervisor = new EngineSupervisor({ clock: systemClock, socketPath: path, command: undefined, log: quiet });
    const seen: string[] = [];
    supervisor.onConnected(({ instance }) => seen.push(instance));
    expect((await supervisor.start()).ok).toBe(true);
    await engine.die();
    await expect.poll(() => supervisor.hello).toBe(undefined);
    expect((await supervisor.call({ call: 'snapshot' })).ok).toBe(false);
    engine = await FakeEngine.listen(path, 'qe1test', 'second');
    await expect.poll(() => seen).toEqual(['first', 'second']);
    supervisor.release();
    await expect.poll(() => engine.connections).toBe(0);
  });

  test('ends it, and waits until its process has ended', async () => {
    const process = spawn('sleep', ['0.1']);
    engine.pid = process.pid ?? 0;
    const supervisor = new EngineSupervisor({ clock: systemClock, socketPath: path, command: undefined, log: quiet });
    await supervisor.start();
    expect(isAlive(engine.pid)).toBe(true);
    expect(await supervisor.shutDown()).toEqual(ok(undefined));
    expect(isAlive(engine.pid)).toBe(false);
  });

  test('waits a moment for one that the daemon before still holds', async () => {
    engine.failures = { hello: { code: 'busy', message: 'another daemon steers it' } };
    const supervisor = new EngineSupervisor({ clock: systemClock, socketPath: path, command: undefined, log: quiet });
    const starting = supervisor.start();
    await expect.poll(() => engine.calls.length).toBeGreaterThan(2);
    engine.failures = {};
    expect((await starting).ok).toBe(true);
    supervisor.release();
  });
});
