import { expect, test } from 'vitest';
import { SimulatedClock } from './clock.ts';
import { surfaceOf } from './failures.ts';
import { editDistance, nearest } from './nearest.ts';
import { seededRng } from './rng.ts';

test('timers fire in order of time, those set on the way included, and not when cancelled', () => {
  const clock = new SimulatedClock(1_000);
  const seen: string[] = [];
  clock.setTimer(20, () => seen.push(`late ${clock.monotonicMs()}`));
  clock.setTimer(10, () => {
    seen.push(`early ${clock.monotonicMs()}`);
    clock.setTimer(5, () => seen.push(`chained ${clock.monotonicMs()}`));
  });
  clock.setTimer(12, () => seen.push('never'))();
  clock.advance(30);
  expect(seen).toEqual(['early 10', 'chained 15', 'late 20']);
  expect(clock.nowMs()).toBe(1_030);
});

test('a jump of the wall clock moves neither timers nor monotonic time', () => {
  const clock = new SimulatedClock();
  let fired = 0;
  clock.setTimer(100, () => fired++);
  clock.jumpWall(3_600_000);
  clock.advance(99);
  expect([fired, clock.monotonicMs(), clock.nowMs()]).toEqual([0, 99, 3_600_099]);
  clock.advance(1);
  expect(fired).toBe(1);
});

test('a seed gives one sequence, another seed another', () => {
  expect(seededRng(7).bytes(8)).toEqual(seededRng(7).bytes(8));
  expect(seededRng(7).bytes(8)).not.toEqual(seededRng(8).bytes(8));
  const rng = seededRng(1);
  const mean = Array.from({ length: 10_000 }, () => rng.next()).reduce((a, b) => a + b) / 10_000;
  expect(mean).toBeCloseTo(0.5, 1);
});

test('the nearest name is suggested only when it is near', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(nearest('tun_adr', ['tun_name', 'tun_addr', 'mtu'])).toBe('tun_addr');
  expect(nearest('zzz', ['tun_name', 'mtu'])).toBeUndefined();
  expect(nearest('x'.repeat(10_000), ['x'])).toBeUndefined();
});

test('codes have an exit status; unknown ones are plain errors', () => {
  expect(surfaceOf('permission.file').exit).toBe(4);
  expect(surfaceOf('daemon.not-reachable').exit).toBe(3);
  expect(surfaceOf('usage.flag').exit).toBe(2);
  expect(surfaceOf('what.ever')).toEqual({ exit: 1, rpc: -32000, http: 409 });
  expect(surfaceOf('permission.signed-out').http).toBe(401);
  expect(surfaceOf('permission.role').http).toBe(403);
});
