import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { nodeIdFromBytes } from '../core/node-id.ts';
import { ok } from '../core/result.ts';
import { LOCAL_OWNER, ROLES } from './actor.ts';
import { OPERATIONS } from './all.ts';
import { type Operation, SURFACES } from './operation.ts';
import { boxId, settle, simulateWorld } from './simulated-world.ts';

const all: readonly Operation[] = OPERATIONS;
const york = boxId(1);
const pending = {
  node_id: york,
  name: 'York',
  address: '192.0.2.1:9000',
  claimed_addresses: [],
  accepted_there: true,
  since_ms: 5,
};

test('what a surface leaves out has its reason; here is the list', () => {
  const omissions = all.flatMap(({ name, omitted }) =>
    Object.entries(omitted).map(([surface, why]) => ({ name, surface, why })),
  );
  for (const { why } of omissions) expect(why.length).toBeGreaterThan(5);
  process.stdout.write(omissions.map(({ name, surface, why }) => `${name} is not on ${surface}: ${why}\n`).join(''));
  expect(SURFACES).toContain('rpc');
});

test('names and methods are unique, and every one says what it is for', () => {
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  expect(new Set(all.map(({ method }) => method)).size).toBe(all.length);
  for (const { name, method, summary, role } of all) {
    expect(name).toMatch(/^[a-z]+\.[a-z-]+$/);
    expect(method).toMatch(/^[A-Z][A-Za-z]+$/);
    expect(summary).toMatch(/\.$/);
    expect(['anyone', ...ROLES]).toContain(role);
  }
});

test('every method stands in the reference with all its fields', () => {
  const rows = readFileSync(join(import.meta.dirname, '../../docs/rpc.md'), 'utf8').split('\n');
  for (const { method, input, output } of all) {
    const row = rows.find((line) => line.startsWith(`| \`${method}\``)) ?? '';
    const fields = [input, output].flatMap((schema) =>
      schema instanceof z.ZodObject ? Object.keys(schema.shape) : [],
    );
    expect([method, ...fields].filter((name) => !row.includes(name))).toEqual([]);
  }
});

test('the published methods are there', () => {
  const methods = all.map(({ method }) => method);
  expect(methods).toEqual(expect.arrayContaining(['GetStatus', 'Shutdown', 'GetPeers', 'GetRoutes', 'GetConfig']));
});

/** What they tell may leave the box. */
const AUDITED_READERS = ['GetDiagnostics', 'GetClaimCode'];

test.each(all)(
  '$method changes something, or tells what not everybody should know, exactly when it has an audit line',
  ({ audit, method }) => {
    expect(audit === null).toBe(/^(Get|Verify|Export|Ping$)/.test(method) && !AUDITED_READERS.includes(method));
  },
);

test.each([
  ['GetStatus', {}],
  ['GetPeers', {}],
  ['GetRoutes', {}],
  ['GetLogs', {}],
  ['GetConfig', {}],
  ['GetDiagnostics', {}],
  ['AcceptPeer', { node_id: york }],
  ['Ping', { peer: york }],
  ['Shutdown', {}],
])('%s answers what it declares', async (method, params) => {
  const { world, steering, engine } = simulateWorld();
  await steering.start();
  engine.snapshot = { pending: [pending] };
  const found = all.find((one) => one.method === method);
  if (!found) throw new Error(method);
  const result = await found.run(found.input.parse(params), world, LOCAL_OWNER);
  if (!result.ok) throw new Error(result.error.message);
  const strict = found.output instanceof z.ZodObject ? found.output.strict() : found.output;
  expect(strict.parse(result.value)).toEqual(result.value);
});

const DOWN = {
  node_id: york,
  name: '',
  state: 'down' as const,
  problem: null,
  claimed_addresses: [],
  connected_ms: 0,
  sent_bytes: 0,
  received_bytes: 0,
  sent_packets: 0,
  received_packets: 0,
  queue_bytes: 0,
  queue_drops: 0,
  queue_marks: 0,
  paths: [],
};

function runner(parts: Parameters<typeof simulateWorld>[0] = {}) {
  const simulated = simulateWorld(parts);
  const run = async (method: string, params: unknown) => {
    const found = all.find((one) => one.method === method);
    if (!found) throw new Error(method);
    return found.run(found.input.parse(params), simulated.world, LOCAL_OWNER) as Promise<{
      ok: boolean;
      value?: unknown;
      error?: unknown;
    }>;
  };
  return { ...simulated, run };
}

describe('status', () => {
  test('has the published names', async () => {
    const { run, steering } = runner();
    await steering.start();
    const { value } = await run('GetStatus', {});
    expect(value).toMatchObject({ node_id: boxId(0), uptime_sec: 0, peers: 0, paths: [], tun: { name: 'quicether0' } });
  });

  test('says so when the engine is away, instead of failing', async () => {
    const { run, steering, engine, clock } = runner();
    await steering.start();
    clock.advance(1_000);
    engine.hello = undefined;
    const { value } = await run('GetStatus', {});
    expect(value).toMatchObject({ engine: { state: 'unreachable' }, problems: [{ code: 'engine.not-reachable' }] });
  });
});

describe('peers', () => {
  test('one that waits shows what to do, and is accepted with the place where it was dialled', async () => {
    const dial = [{ host: '192.0.2.1', port: 9000, isName: false }];
    const { run, steering, engine, stored, clock } = runner({ intent: { dial } });
    await steering.start();
    clock.advance(1_000);
    engine.snapshot = { pending: [pending] };
    const { value } = await run('GetPeers', {});
    expect(value).toMatchObject({ peers: [{ status: 'pending', remedy: `quicether peers accept ${york}` }] });
    expect(await run('AcceptPeer', { node_id: york })).toEqual(
      ok({ node_id: york, was_accepted: false, accepted_there: true }),
    );
    expect(stored.accepted).toMatchObject([{ nodeId: york, addresses: dial }]);
    expect(await run('AcceptPeer', { node_id: york })).toEqual(
      ok({ node_id: york, was_accepted: true, accepted_there: null }),
    );
  });

  test('one that was dialled by a name is dialled by that name from now on', async () => {
    const dial = [{ host: 'york.example', port: 9000, isName: true }];
    const { run, steering, engine, stored, clock } = runner({
      intent: { dial },
      resolve: async () => ok(['192.0.2.1']),
    });
    await steering.start();
    await settle();
    clock.advance(1_000);
    engine.snapshot = { pending: [pending] };
    await run('AcceptPeer', { node_id: york });
    expect(stored.accepted).toMatchObject([{ nodeId: york, addresses: dial }]);
    expect(engine.applied.at(-1)).toMatchObject({ dial: [], peers: [{ addresses: ['192.0.2.1:9000'] }] });
  });

  test('only a whole and right NodeId is accepted, and never our own', async () => {
    const { run, steering } = runner();
    await steering.start();
    expect(await run('AcceptPeer', { node_id: 'York' })).toMatchObject({ ok: false });
    expect(await run('AcceptPeer', { node_id: york.slice(0, -1) })).toMatchObject({ ok: false });
    expect(await run('AcceptPeer', { node_id: boxId(0) })).toMatchObject({ error: { code: 'peer.self' } });
  });

  test('a name that two boxes have decides nothing', async () => {
    const accepted = [{ nodeId: york, name: 'York', addresses: [], acceptedAtMs: 0 }];
    const { run, steering, engine, clock } = runner({ accepted });
    await steering.start();
    expect(await run('Ping', { peer: 'york' })).toMatchObject({ value: { node_id: york, rtt_ms: 1.5 } });
    expect(await run('Ping', { peer: york.slice(-6) })).toMatchObject({ value: { node_id: york } });
    engine.snapshot = { pending: [{ ...pending, node_id: boxId(2) }] };
    // Callers within a moment share one snapshot.
    clock.advance(1_000);
    expect(await run('RemovePeer', { peer: 'York' })).toMatchObject({ error: { code: 'peer.ambiguous' } });
    expect(steering.accepted).toHaveLength(1);
  });

  test('what a box calls itself does not replace the name that it has here', async () => {
    const accepted = [{ nodeId: york, name: 'York', addresses: [], acceptedAtMs: 0 }];
    const { run, steering, engine, clock } = runner({ accepted });
    await steering.start();
    clock.advance(1_000);
    engine.snapshot = { peers: [york, boxId(2)].map((node_id) => ({ ...DOWN, node_id, name: 'Head office' })) };
    expect(await run('GetPeers', {})).toMatchObject({ value: { peers: [{ name: 'York' }, { name: 'Head office' }] } });
  });

  test('ten thousand of them are planned and shown in a moment', async () => {
    const accepted = Array.from({ length: 10_000 }, (_, n) => ({
      nodeId: nodeIdFromBytes(Uint8Array.from({ length: 20 }, (_, i) => [n >> 8, n & 0xff][i % 2] ?? 0)),
      name: undefined,
      addresses: [],
      acceptedAtMs: 0,
    }));
    const claims = Object.fromEntries(accepted.map(({ nodeId }, n) => [nodeId, [`100.65.${n >> 8}.${n & 0xff}`]]));
    const startMs = performance.now();
    const { run, steering, engine, clock } = runner({ accepted, learned: { claims, names: {} } });
    await steering.start();
    clock.advance(1_000);
    engine.snapshot = { peers: accepted.map(({ nodeId }) => ({ ...DOWN, node_id: nodeId })) };
    expect((await run('GetPeers', {})).ok).toBe(true);
    expect(engine.applied[0]?.peers).toHaveLength(10_000);
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });

  test('one that is configured is not removed here', async () => {
    const peers = [{ id: york, name: 'York', addresses: [], prefixes: [] }];
    const { run, steering } = runner({ intent: { peers } });
    await steering.start();
    expect(await run('RemovePeer', { peer: 'York' })).toMatchObject({ error: { code: 'peer.configured' } });
    expect(await run('RemovePeer', { peer: 'nobody' })).toMatchObject({ error: { code: 'peer.unknown' } });
  });
});

test('a peer is removed also while the engine is away', async () => {
  const accepted = [{ nodeId: york, name: 'York', addresses: [], acceptedAtMs: 0 }];
  const { run, steering, engine } = runner({ accepted });
  await steering.start();
  engine.hello = undefined;
  expect(await run('RemovePeer', { peer: 'York' })).toEqual(ok({ node_id: york }));
  expect(steering.accepted).toEqual([]);
});

test('logs are followed by their number', async () => {
  const { run } = runner();
  expect(await run('GetLogs', { lines: 1 })).toMatchObject({ value: { lines: ['{"msg":"line 3"}'], next: 3 } });
  expect(await run('GetLogs', { after: 3 })).toEqual(ok({ lines: [], next: 3 }));
});

test('shutting down is asked for once, with or without the tunnel', async () => {
  const { run, ended } = runner();
  await run('Shutdown', { keep_tunnel: true });
  await settle();
  expect(ended).toEqual([{ keepTunnel: true }]);
});
