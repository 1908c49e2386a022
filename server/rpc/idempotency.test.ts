import { expect, test } from 'vitest';
import { SimulatedClock } from '../core/clock.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { type Actor, LOCAL_OWNER } from '../operations/actor.ts';
import { IdempotencyKeys } from './idempotency.ts';

const anna: Actor = { kind: 'person', name: 'anna', userId: 'u1', role: 'admin', source: '192.0.2.1', surface: 'rest' };
const script: Actor = { ...anna, kind: 'token', name: 'token script', tokenId: 't1' };

function world(limits?: { keepMs: number; ofOne: number; inAll: number }) {
  const clock = new SimulatedClock();
  const keys = new IdempotencyKeys(clock, limits);
  let done = 0;
  const ask = (key: string, params: unknown = {}, actor = anna, result: () => Result<unknown> = () => ok(done)) =>
    keys.carryOut({ actor, key, method: 'AddToken', params }, async () => {
      done++;
      return result();
    });
  return { clock, keys, ask, done: () => done };
}

test('what is repeated under a key is done once, also while it is under way', async () => {
  const { ask, done } = world();
  const both = await Promise.all([ask('a'), ask('a')]);
  expect([...both, await ask('a')]).toEqual([ok(1), ok(1), ok(1)]);
  expect(done()).toBe(1);
});

test('another body, or another method, under the same key is refused', async () => {
  const { ask, keys, done } = world();
  await ask('a', { name: 'x' });
  expect(await ask('a', { name: 'y' })).toMatchObject({ error: { code: 'idempotency.other-request' } });
  const other = { actor: anna, key: 'a', method: 'RemoveUser', params: { name: 'x' } };
  expect(await keys.carryOut(other, async () => ok('no'))).toMatchObject({ ok: false });
  expect(done()).toBe(1);
});

test('a key belongs to one actor, and nobody in particular has none', async () => {
  const { ask, done } = world();
  for (const actor of [anna, script, LOCAL_OWNER]) await ask('a', {}, actor);
  expect(done()).toBe(3);
  expect(await ask('a', {}, { ...anna, sessionId: 'another' })).toEqual(ok(1));
  const nobody: Actor = { kind: 'anonymous', name: 'somebody', role: null, source: '192.0.2.1', surface: 'rest' };
  expect(await ask('a', {}, nobody)).toMatchObject({ error: { code: 'idempotency.anonymous' } });
});

test('what failed may be tried again under the same key, a bug too', async () => {
  const { ask, done } = world();
  expect(await ask('a', {}, anna, () => fail('peer.self', 'no'))).toMatchObject({ ok: false });
  await expect(
    ask('a', {}, anna, () => {
      throw new Error('bug');
    }),
  ).rejects.toThrow('bug');
  expect(await ask('a')).toEqual(ok(3));
  expect(done()).toBe(3);
});

test('it is forgotten after a day, and when there are too many', async () => {
  const { ask, clock, done } = world({ keepMs: 86_400_000, ofOne: 2, inAll: 3 });
  await ask('a');
  clock.advance(86_400_001);
  await ask('a');
  expect(done()).toBe(2);
  for (const key of ['b', 'c']) await ask(key);
  await ask('a');
  expect(done()).toBe(5);
  for (const actor of [script, LOCAL_OWNER]) await ask('a', {}, actor);
  await ask('c');
  expect(done()).toBe(8);
});
