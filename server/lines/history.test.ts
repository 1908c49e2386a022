import { describe, expect, test } from 'vitest';
import { SimulatedClock } from '../core/clock.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { evenPoints, type Point, type Sample } from './history.ts';
import { HistoryBook, type MinuteRow } from './history-book.ts';

const nothing: Sample = { rtt_ms: undefined, sent_bps: undefined, received_bps: undefined, loss_ratio: undefined };

describe('even points', () => {
  const tier = { stepMs: 1_000, lengthMs: 600_000, endMs: 1_000_000, maxPoints: 600 };

  test('gaps are null, and what is before the first is left out', () => {
    const known: Point[] = [
      [997_000, 1],
      [1_000_000, 4],
    ];
    expect(evenPoints(known, tier)).toEqual({
      stepMs: 1_000,
      points: [
        [997_000, 1],
        [998_000, null],
        [999_000, null],
        [1_000_000, 4],
      ],
    });
    expect(evenPoints([], tier).points).toEqual([]);
    expect(evenPoints([[1_000, 5]], tier).points).toEqual([]);
  });

  test('are merged to their mean until they fit', () => {
    const known = Array.from({ length: 600 }, (_, n): Point => [400_000 + (n + 1) * 1_000, n]);
    const { stepMs, points } = evenPoints(known, { ...tier, maxPoints: 100 });
    expect(stepMs).toBe(6_000);
    expect(points.length).toBeLessThanOrEqual(100);
    expect(points.at(-2)?.[1]).toBeCloseTo(591.5, 0);
  });
});

describe('the book', () => {
  function book() {
    const clock = new SimulatedClock(Date.UTC(2026, 10, 23));
    const store = { rows: [] as MinuteRow[], isFull: false };
    const made = new HistoryBook(
      clock,
      {
        write: (rows): Result<void> => {
          if (store.isFull) return fail('state.full', 'the disk is full');
          store.rows.push(...rows);
          return ok(undefined);
        },
        read: () => ok([]),
        lastGood: () => ok(new Map([['york', 5]])),
      },
      () => {},
    );
    return { clock, store, history: made };
  }

  test('keeps ten minutes by the second and writes the mean of each minute', () => {
    const { clock, store, history } = book();
    for (let second = 0; second < 120; second++) {
      history.record('york', { ...nothing, rtt_ms: second < 60 ? 10 : 20 });
      clock.advance(1_000);
    }
    history.flush();
    expect(store.rows.map(({ values }) => values.rtt_ms)).toEqual([10, 20]);
    const read = history.points('york', 'rtt_ms', { range: '10m', maxPoints: 600 });
    expect(read.ok && read.value.points.filter(([, value]) => value !== null)).toHaveLength(120);
    clock.advance(700_000);
    expect(history.points('york', 'rtt_ms', { range: '10m', maxPoints: 600 })).toMatchObject({ value: { points: [] } });
    expect(history.lastGood('york')).toBe(5);
  });

  test('a disk that is full costs minutes, in bounds, and nothing else', () => {
    const { clock, store, history } = book();
    store.isFull = true;
    for (let minute = 0; minute < 3_000; minute++) {
      history.record('york', { ...nothing, sent_bps: 1 });
      clock.advance(60_000);
      history.flush();
    }
    store.isFull = false;
    history.flush();
    expect(store.rows.length).toBeLessThanOrEqual(1_280);
    expect(store.rows.length).toBeGreaterThan(100);
  });

  test('records so many and no more; a place is free again when an office is gone', () => {
    const { clock, store, history } = book();
    for (let n = 0; n < 1_000; n++) history.record(`office ${n}`, { ...nothing, sent_bps: 1 });
    clock.advance(60_000);
    history.flush();
    expect(store.rows).toHaveLength(128);
    clock.advance(700_000);
    history.flush();
    history.record('office 999', { ...nothing, sent_bps: 1 });
    clock.advance(60_000);
    history.flush();
    expect(store.rows.at(-1)?.subject).toBe('office 999');
  });
});
