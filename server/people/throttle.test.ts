import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SimulatedClock } from '../core/clock.ts';
import { LONGEST_DELAY_MS, sourceKey, Throttle } from './throttle.ts';

const HOUR_MS = 3_600_000;
const guess = (from: string, at = 'password of anna') => ({ from, at });

/** Fails as often as it may for `durationMs`, one try every `everyMs`. */
function attack(throttle: Throttle, clock: SimulatedClock, from: string, durationMs: number, everyMs: number): number {
  let tries = 0;
  for (let atMs = 0; atMs < durationMs; atMs += everyMs) {
    if (throttle.begin(guess(from)).ok) tries++;
    clock.advance(everyMs);
  }
  return tries;
}

test('a few mistakes cost nothing, more cost a wait that doubles and is told', () => {
  const clock = new SimulatedClock();
  const throttle = new Throttle(clock);
  for (let i = 0; i < 5; i++) expect(throttle.begin(guess('a')).ok).toBe(true);
  const refused = throttle.begin(guess('a'));
  expect(refused).toMatchObject({ ok: false, error: { code: 'people.throttled', remedy: 'try again in 5 s' } });
  clock.advance(5_000);
  expect(throttle.begin(guess('a')).ok).toBe(true);
  expect(throttle.begin(guess('a'))).toMatchObject({ error: { remedy: 'try again in 10 s' } });
});

test('many at once are no way around: each counts from its start', () => {
  const throttle = new Throttle(new SimulatedClock());
  const admitted = Array.from({ length: 100 }, () => throttle.begin(guess('a'))).filter(({ ok }) => ok);
  expect(admitted).toHaveLength(5);
});

test('what was right does not count', () => {
  const throttle = new Throttle(new SimulatedClock());
  for (let i = 0; i < 100; i++) {
    const admitted = throttle.begin(guess('a'));
    if (!admitted.ok) throw new Error(admitted.error.message);
    admitted.value.forgive();
  }
});

test('a try that nobody could look at clears none of those before', () => {
  const clock = new SimulatedClock();
  const throttle = new Throttle(clock);
  let looked = 0;
  for (let i = 0; i < 100; i++) {
    const admitted = throttle.begin(guess('a'));
    if (!admitted.ok) clock.advance(1_000);
    // Every third one meets a box that is too busy to look.
    else if (i % 3 === 0) admitted.value.forgive();
    else looked++;
  }
  // 5 free, then after 5, 10, 20 and 40 seconds.
  expect(looked).toBeLessThanOrEqual(10);
});

test("signing in to one's own account buys no guesses at another's", () => {
  const throttle = new Throttle(new SimulatedClock());
  let guesses = 0;
  for (let i = 0; i < 1_000; i++) {
    if (throttle.begin(guess('a', 'password of owner')).ok) guesses++;
    const own = throttle.begin(guess('a', 'password of me'));
    if (own.ok) own.value.forgive();
  }
  expect(guesses).toBe(5);
});

test('one source makes at most 20 mistakes at whatever it tries, before it waits', () => {
  const throttle = new Throttle(new SimulatedClock());
  const admitted = Array.from({ length: 100 }, (_, i) => throttle.begin(guess('a', `user ${i}`))).filter(
    ({ ok }) => ok,
  );
  expect(admitted).toHaveLength(20);
});

describe('whatever strangers do', () => {
  test('a quiet source is let in, at most two seconds later', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ from: fc.nat(5_000), waitMs: fc.nat(10_000), at: fc.nat(3) }), { maxLength: 3_000 }),
        (tries) => {
          const clock = new SimulatedClock();
          const throttle = new Throttle(clock);
          for (const { from, waitMs, at } of tries) {
            throttle.begin(guess(`stranger ${from}`, `user ${at}`));
            clock.advance(waitMs % 7 === 0 ? waitMs : 0);
          }
          const owner = throttle.begin(guess('the owner', 'user 0'));
          expect(owner.ok && owner.value.delayMs <= LONGEST_DELAY_MS).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('and one of them gets few guesses an hour, however it spaces them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 600_000 }), (everyMs) => {
        const clock = new SimulatedClock();
        const tries = attack(new Throttle(clock), clock, 'stranger', 24 * HOUR_MS, Math.max(everyMs, 1_000));
        // 5 free, about 8 while the wait grows to a quarter of an hour, then 4 an hour.
        expect(tries).toBeLessThanOrEqual(5 + 9 + 24 * 4 + 1);
      }),
      { numRuns: 25 },
    );
  });

  test('many of them slow each answer down, and that passes', () => {
    const clock = new SimulatedClock();
    const throttle = new Throttle(clock);
    for (let i = 0; i < 500; i++) throttle.begin(guess(`stranger ${i}`));
    expect(throttle.begin(guess('owner'))).toMatchObject({ ok: true, value: { delayMs: LONGEST_DELAY_MS } });
    clock.advance(HOUR_MS);
    expect(throttle.begin(guess('owner'))).toMatchObject({ ok: true, value: { delayMs: 0 } });
  });

  test('no more than so many of them are remembered', () => {
    const throttle = new Throttle(new SimulatedClock());
    for (let i = 0; i < 10_000; i++) throttle.begin(guess(`stranger ${i}`));
    expect(throttle.size).toBeLessThanOrEqual(4_096);
  });
});

test('neighbours of one network share their mistakes, but hold up nobody who was right from his address before', () => {
  const throttle = new Throttle(new SimulatedClock());
  const owner = guess('2001:db8::1');
  const before = throttle.begin(owner);
  if (before.ok) before.value.succeed();
  for (let i = 0; i < 1_000; i++) throttle.begin(guess(`2001:db8::${(i + 100).toString(16)}`, `user ${i}`));
  expect(throttle.begin(guess('2001:db8::9999'))).toMatchObject({ ok: false });
  expect(throttle.begin(owner)).toMatchObject({ ok: true });
  expect(throttle.begin(guess('2001:db8:0:1::1'))).toMatchObject({ ok: true });
  // Of that one address the mistakes count as ever.
  for (let i = 0; i < 4; i++) throttle.begin(owner);
  expect(throttle.begin(owner)).toMatchObject({ ok: false });
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::ffff:c000:207', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80::/64'],
  ['uid 0', 'uid 0'],
])('%s counts as the source %s', (source, key) => expect(sourceKey(source)).toBe(key));
