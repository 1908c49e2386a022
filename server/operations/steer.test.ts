import { describe, expect, test } from 'vitest';
import { parseHostPort } from '../core/host-port.ts';
import { ok } from '../core/result.ts';
import { boxId, settle, simulateWorld } from './simulated-world.ts';

const york = boxId(1);
const accepted = (id = york) => ({ nodeId: id, name: undefined, addresses: [], acceptedAtMs: 0 });
const status = (id: string, claimed: string[] = []) => ({
  node_id: id,
  name: '',
  state: 'up' as const,
  problem: null,
  claimed_addresses: claimed,
  connected_ms: 0,
  sent_bytes: 0,
  received_bytes: 0,
  sent_packets: 0,
  received_packets: 0,
  queue_bytes: 0,
  queue_drops: 0,
  queue_marks: 0,
  paths: [],
});

test('the first desired state is handed over at the start, above the one in force', async () => {
  const { steering, engine } = simulateWorld({ generation: 41, accepted: [accepted()] });
  expect(await steering.start()).toEqual(ok(undefined));
  expect(engine.applied).toHaveLength(1);
  expect(engine.applied[0]).toMatchObject({ generation: 42, peers: [{ node_id: york }] });
});

test('a start that the engine refuses is a failure with its reason', async () => {
  const { steering, engine } = simulateWorld();
  engine.refuse = { code: 'engine.permission', message: 'needs CAP_NET_ADMIN' };
  expect(await steering.start()).toMatchObject({ ok: false, error: { code: 'engine.permission' } });
});

test('an engine that restarts is told everything again; one that only reconnects is not', async () => {
  const { steering, engine, clock } = simulateWorld({ accepted: [accepted()] });
  await steering.start();
  engine.restart('first');
  clock.advance(1_000);
  await settle();
  expect(engine.applied).toHaveLength(1);
  engine.restart('second');
  clock.advance(1_000);
  await settle();
  expect(engine.applied).toHaveLength(2);
  expect(engine.applied[1]?.generation).toBeGreaterThan(engine.applied[0]?.generation ?? 0);
});

test('the lease is renewed every minute, also when the clock on the wall jumps', async () => {
  const { steering, engine, clock } = simulateWorld();
  await steering.start();
  const renewals = () => engine.calls.filter(({ call }) => call === 'renew_lease').length;
  const before = renewals();
  clock.jumpWall(3_600_000);
  for (let minute = 0; minute < 15; minute++) {
    clock.advance(60_000);
    await settle();
  }
  expect(renewals() - before).toBe(15);
});

describe('accepting', () => {
  test('is written before it is applied, and applied at once', async () => {
    const { steering, engine, stored } = simulateWorld();
    await steering.start();
    expect(await steering.accept(accepted())).toEqual(ok(undefined));
    expect(stored.accepted.map(({ nodeId }) => nodeId)).toEqual([york]);
    expect(engine.applied.at(-1)?.peers.map((peer) => peer.node_id)).toEqual([york]);
  });

  test('on a full disk changes nothing', async () => {
    const { steering, engine, stored } = simulateWorld();
    await steering.start();
    stored.isFull = true;
    expect(await steering.accept(accepted())).toMatchObject({ ok: false, error: { code: 'state.full' } });
    expect(steering.accepted).toEqual([]);
    expect(engine.applied).toHaveLength(1);
  });

  test('while the engine is away counts, and is applied when it is back', async () => {
    const { steering, engine, clock } = simulateWorld();
    await steering.start();
    engine.hello = undefined;
    expect(await steering.accept(accepted())).toEqual(ok(undefined));
    engine.restart('second');
    clock.advance(100);
    await settle();
    expect(engine.applied.at(-1)?.peers.map((peer) => peer.node_id)).toEqual([york]);
  });

  test('what was refused is tried again with backoff, and shown until then', async () => {
    const { steering, engine, clock } = simulateWorld();
    await steering.start();
    engine.refuse = { code: 'engine.bad-state', message: 'no' };
    await steering.accept(accepted());
    expect(steering.applyFailure).toMatchObject({ code: 'engine.bad-state' });
    engine.refuse = undefined;
    clock.advance(1_000);
    await settle();
    expect(steering.applyFailure).toBe(undefined);
    expect(engine.applied.at(-1)?.peers).toHaveLength(1);
  });
});

describe('what peers say their addresses are', () => {
  test('is taken over when they connect, and kept for the next start', async () => {
    const { steering, engine, clock, stored } = simulateWorld({ accepted: [accepted()] });
    await steering.start();
    engine.snapshot = { peers: [status(york, ['100.64.7.7/32'])] };
    engine.emit({ kind: 'peer_up', node_id: york, address: '192.0.2.1:9000' });
    clock.advance(20);
    await settle();
    clock.advance(0);
    await settle();
    expect(engine.applied.at(-1)?.peers[0]?.prefixes[0]).toBe('100.64.7.7/32');
    expect(stored.learned.claims).toEqual({ [york]: ['100.64.7.7/32'] });
    const next = simulateWorld({ accepted: [accepted()], learned: stored.learned });
    await next.steering.start();
    expect(next.engine.applied[0]?.peers[0]?.prefixes[0]).toBe('100.64.7.7/32');
  });

  test('does not count from somebody who is only pending', async () => {
    const { steering, engine, stored } = simulateWorld();
    await steering.start();
    const stranger = { node_id: york, name: '', address: '', accepted_there: true, since_ms: 0 };
    engine.snapshot = { pending: [{ ...stranger, claimed_addresses: ['100.64.7.7'] }] };
    engine.emit({ kind: 'peer_up', node_id: york, address: '' });
    await settle();
    expect(stored.learned.claims).toEqual({});
  });
});

describe('names', () => {
  const peers = [{ id: york, addresses: [{ host: 'york.example', port: 9000, isName: true }], prefixes: [] }];

  test('an engine that is adopted is told the same as before, from what was learned', async () => {
    const learned = { claims: {}, names: { 'york.example': ['192.0.2.1'] } };
    const resolve = () => new Promise<never>(() => {});
    const { steering, engine, clock } = simulateWorld({ intent: { peers }, learned, generation: 5, resolve });
    const starting = steering.start();
    await settle();
    expect(engine.applied).toEqual([]);
    clock.advance(3_000);
    await starting;
    expect(engine.applied[0]?.peers[0]?.addresses).toEqual(['192.0.2.1:9000']);
  });

  test('are asked again when dialling fails, and the new address is dialled', async () => {
    const answers = [['192.0.2.1'], ['192.0.2.2']];
    const resolve = async () => ok(answers.shift() ?? ['192.0.2.2']);
    const { steering, engine, clock } = simulateWorld({ intent: { peers }, resolve });
    await steering.start();
    await settle();
    clock.advance(100);
    await settle();
    expect(engine.applied.at(-1)?.peers[0]?.addresses).toEqual(['192.0.2.1:9000']);
    engine.emit({ kind: 'dial_failed', address: '192.0.2.1:9000', node_id: york, reason: 'no answer' });
    for (let i = 0; i < 3; i++) {
      clock.advance(2_000);
      await settle();
    }
    expect(engine.applied.at(-1)?.peers[0]?.addresses).toEqual(['192.0.2.2:9000']);
  });
});

test('an address where nobody answers is a problem with a remedy, until somebody does', async () => {
  const place = parseHostPort('192.0.2.9:9000');
  if (!place.ok) throw new Error('a bad fixture');
  const { steering, engine } = simulateWorld({ intent: { dial: [place.value] } });
  await steering.start();
  engine.emit({ kind: 'dial_failed', address: '192.0.2.9:9000', node_id: null, reason: 'it did not answer' });
  engine.emit({ kind: 'dial_failed', address: '192.0.2.77:9000', node_id: null, reason: 'it did not answer' });
  await settle();
  expect(steering.problems.map(({ failure }) => failure)).toMatchObject([
    { code: 'peer.unreached', message: '192.0.2.9:9000: it did not answer' },
  ]);
  expect(steering.problems[0]?.failure.remedy).toContain('--listen');
  engine.emit({ kind: 'peer_pending', node_id: york, address: '192.0.2.9:9000' });
  await settle();
  expect(steering.problems).toEqual([]);
});

test('a thousand events in one moment are not a thousand states', async () => {
  const { steering, engine, clock } = simulateWorld({ accepted: [accepted()] });
  await steering.start();
  const before = engine.calls.length;
  for (let i = 0; i < 1_000; i++) engine.emit({ kind: 'peer_up', node_id: york, address: '' });
  await settle();
  clock.advance(200);
  await settle();
  expect(engine.applied).toHaveLength(1);
  expect(engine.calls.length - before).toBe(1);
});

test('who asks after a change sees it, however soon', async () => {
  const { steering, engine, clock } = simulateWorld({ accepted: [accepted()] });
  await steering.start();
  await settle();
  clock.advance(1_000);
  engine.snapshot = { peers: [status(york)] };
  expect(await steering.snapshot()).toMatchObject({ value: { peers: [{ node_id: york }] } });
  const removing = steering.remove(york);
  await steering.snapshot();
  engine.snapshot = { peers: [] };
  await removing;
  expect(await steering.snapshot()).toMatchObject({ value: { peers: [] } });
});

test('a snapshot is kept for those who ask together, and no longer', async () => {
  const { steering, engine, clock } = simulateWorld();
  await steering.start();
  await settle();
  clock.advance(1_000);
  const taken = () => engine.calls.filter(({ call }) => call === 'snapshot').length;
  const before = taken();
  await Promise.all([steering.snapshot(), steering.snapshot()]);
  expect(taken() - before).toBe(1);
  clock.advance(200);
  await steering.snapshot();
  expect(taken() - before).toBe(2);
});

test('peers that come one after the other cost a few looks, and the last is seen', async () => {
  const peers = Array.from({ length: 200 }, (_, n) => accepted(boxId(n + 1)));
  const { steering, engine, clock } = simulateWorld({ accepted: peers });
  await steering.start();
  await settle();
  const looks = () => engine.calls.filter(({ call }) => call === 'snapshot').length;
  const before = looks();
  for (const { nodeId } of peers.slice(1)) {
    engine.emit({ kind: 'peer_up', node_id: nodeId, address: '' });
    clock.advance(5);
    await settle();
  }
  engine.snapshot = { peers: [status(york, ['100.64.7.7'])] };
  engine.emit({ kind: 'peer_up', node_id: york, address: '' });
  clock.advance(200);
  await settle();
  expect(looks() - before).toBeLessThan(10);
  clock.advance(0);
  await settle();
  expect(engine.applied.at(-1)?.peers[0]?.prefixes[0]).toBe('100.64.7.7/32');
});

test('changes that never stop are applied all the same', async () => {
  const { steering, engine, clock } = simulateWorld({ accepted: [accepted()] });
  await steering.start();
  for (let i = 0; i < 30; i++) {
    engine.snapshot = { peers: [status(york, [`100.64.7.${i + 1}`])] };
    engine.emit({ kind: 'peer_up', node_id: york, address: '' });
    clock.advance(30);
    await settle();
  }
  expect(engine.applied.length).toBeGreaterThan(5);
});

test('a state whose answer was late is not taken for the one before', async () => {
  const { steering, engine, clock } = simulateWorld();
  await steering.start();
  engine.refuse = { code: 'engine.timeout', message: 'late' };
  await steering.accept(accepted());
  engine.refuse = undefined;
  await steering.remove(york);
  clock.advance(1_000);
  await settle();
  expect(engine.applied).toHaveLength(2);
  expect(engine.applied[1]?.peers).toEqual([]);
});
