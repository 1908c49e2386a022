import { describe, expect, test } from 'vitest';
import { SimulatedClock } from '../core/clock.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { RpcClient } from '../rpc/client.ts';
import { DaemonLines, MOST_OF_ONE, MOST_PATIENT_OF_ONE } from './daemon-lines.ts';

/** Conversations whose answers come when the test says so. */
function daemon() {
  const open: { answer: (method: string) => void; end: () => void; waiting: number; most: number }[] = [];
  let isAway = false;
  let tries = 0;
  const clock = new SimulatedClock();
  const openLine = async (): Promise<Result<RpcClient>> => {
    tries++;
    if (isAway) return fail('daemon.not-reachable', 'no daemon is running there');
    const closed = Promise.withResolvers<void>();
    const waiting: { method: string; resolve: (result: Result<unknown>) => void }[] = [];
    const line = {
      waiting: 0,
      most: 0,
      answer: (method: string) => {
        for (const one of waiting.splice(0)) {
          if (one.method === method) one.resolve(ok(method));
          else waiting.push(one);
        }
        line.waiting = waiting.length;
      },
      end: () => {
        for (const one of waiting.splice(0)) one.resolve(fail('daemon.not-reachable', 'closed'));
        closed.resolve();
      },
    };
    open.push(line);
    const client = {
      closed: closed.promise,
      close: line.end,
      call: (method: string) =>
        new Promise((resolve) => {
          waiting.push({ method, resolve });
          line.waiting = waiting.length;
          line.most = Math.max(line.most, waiting.length);
        }),
    };
    return ok(client as unknown as RpcClient);
  };
  const lines = new DaemonLines(openLine, clock);
  const call = (method: string, who: string, waits = false) =>
    lines.call(method, {}, { onBehalf: { source: '192.0.2.1', surface: 'page', session: who }, waits });
  const answerAll = async (method: string) => {
    for (let i = 0; i < 30; i++) {
      await settle();
      for (const line of open) line.answer(method);
    }
  };
  return { lines, open, clock, call, answerAll, tries: () => tries, away: (is: boolean) => (isAway = is) };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

describe('the lines to the daemon', () => {
  test('are few, and none has more unanswered than the daemon takes', async () => {
    const world = daemon();
    const calls = Array.from({ length: 200 }, (_, i) => world.call('GetMe', `s${i}`));
    await world.answerAll('GetMe');
    expect((await Promise.all(calls)).every(({ ok }) => ok)).toBe(true);
    expect(world.open.length).toBeLessThanOrEqual(3);
    expect(Math.max(...world.open.map(({ most }) => most))).toBeLessThanOrEqual(12);
  });

  test('those that wait do not stand in the way of the quick ones', async () => {
    const world = daemon();
    const patient = Array.from({ length: 100 }, (_, i) => world.call('GetAudit', `s${i}`, true));
    await settle();
    const quick = world.call('GetMe', 'me');
    await settle();
    for (const line of world.open) line.answer('GetMe');
    expect((await quick).ok).toBe(true);
    await world.answerAll('GetAudit');
    expect((await Promise.all(patient)).every(({ ok }) => ok)).toBe(true);
  });

  test('one session fills no queue for the others', async () => {
    const world = daemon();
    const greedy = Array.from({ length: 400 }, () => world.call('GetMe', 'greedy'));
    const modest = world.call('GetMe', 'modest');
    await world.answerAll('GetMe');
    expect((await modest).ok).toBe(true);
    const codes = (await Promise.all(greedy)).map((one) => (one.ok ? 'ok' : one.error.code));
    expect(codes.filter((code) => code === 'rpc.busy').length).toBe(400 - MOST_OF_ONE);
    // And later it may ask again.
    const later = world.call('GetMe', 'greedy');
    await world.answerAll('GetMe');
    expect((await later).ok).toBe(true);
  });

  test('nor does it take all the places of those that wait', async () => {
    const world = daemon();
    const greedy = Array.from({ length: 90 }, () => world.call('GetAudit', 'greedy', true));
    const modest = world.call('SendUpdate', 'modest', true);
    await settle();
    for (const line of world.open) line.answer('SendUpdate');
    expect(await Promise.race([modest, settle().then(() => 'still waits')])).toMatchObject({ ok: true });
    // What it asks besides is answered as ever.
    const quick = world.call('GetMe', 'greedy');
    await world.answerAll('GetMe');
    expect((await quick).ok).toBe(true);
    await world.answerAll('GetAudit');
    expect((await Promise.all(greedy)).filter(({ ok }) => ok)).toHaveLength(MOST_PATIENT_OF_ONE);
  });

  test('guesses at passwords, however many, hold up nobody who has signed in', async () => {
    const world = daemon();
    const guesses = Array.from({ length: 400 }, (_, i) => world.call('SignIn', `stranger ${i}`));
    const quick = world.call('GetMe', 'anna');
    await world.answerAll('GetMe');
    expect(await Promise.race([quick, settle().then(() => 'still waits')])).toMatchObject({ ok: true });
    expect(Math.max(...world.open.map(({ most }) => most))).toBeLessThanOrEqual(12);
    await world.answerAll('SignIn');
    expect((await Promise.all(guesses)).filter(({ ok }) => ok)).toHaveLength(24 + 64);
  });

  test('too many that wait are told at once', async () => {
    const world = daemon();
    const calls = Array.from({ length: 1_000 }, (_, i) => world.call('GetMe', `s${i}`));
    await settle();
    const busy = await Promise.race([calls.at(-1)!, Promise.resolve(undefined)]);
    expect(busy).toMatchObject({ ok: false, error: { code: 'rpc.busy' } });
    await world.answerAll('GetMe');
    expect((await Promise.all(calls)).filter(({ ok }) => ok).length).toBe(36 + 256);
  });

  test('a daemon that is away fails at once and is not asked by everybody; back, it is used again', async () => {
    const world = daemon();
    world.away(true);
    const failed = await Promise.all(Array.from({ length: 50 }, (_, i) => world.call('GetMe', `s${i}`)));
    expect(failed.every((one) => !one.ok && one.error.code === 'daemon.not-reachable')).toBe(true);
    expect(world.tries()).toBeLessThanOrEqual(3);
    world.away(false);
    world.clock.advance(500);
    const back = world.call('GetMe', 'a');
    await world.answerAll('GetMe');
    expect((await back).ok).toBe(true);
    // A conversation that ended in the middle fails its calls; the next one opens another.
    const cut = world.call('GetMe', 'a');
    await settle();
    for (const line of world.open) line.end();
    expect((await cut).ok).toBe(false);
    await settle();
    const again = world.call('GetMe', 'a');
    await world.answerAll('GetMe');
    expect((await again).ok).toBe(true);
  });
});
