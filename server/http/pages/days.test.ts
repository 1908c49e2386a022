import { expect, test } from 'vitest';
import type { Office } from '../../../views/model.ts';
import { testOffice } from '../../../views/test-models.ts';
import { ok, type Result } from '../../core/result.ts';
import { Days, slicesOf } from './days.ts';

const HOUR_MS = 3_600_000;
const nowMs = 100 * HOUR_MS;
const points = Array.from(
  { length: 96 },
  (_, at) => [nowMs - ((95 - at) * HOUR_MS) / 2, at === 80 ? null : 12] as const,
);
const history = { step_ms: HOUR_MS / 2, points };

test('only the last 24 hours count, and silence is unknown, not failed', () => {
  const slices = slicesOf(history, nowMs);
  expect(slices).toHaveLength(48);
  expect(slices.filter(({ state }) => state === 'unknown')).toHaveLength(1);
});

test('history is asked for once a minute, however many look; what an office is now is always fresh', async () => {
  let asked = 0;
  const ask = <T>(): Promise<Result<T>> => {
    asked += 1;
    return Promise.resolve(ok(history as T));
  };
  const office = (state: Office['state']) => [testOffice((text) => text, { node_id: 'qe1a', state })];
  const days = new Days();
  await days.of(ask, office('working'), nowMs);
  const later = await days.of(ask, office('failed'), nowMs + 59_000);
  expect(asked).toBe(1);
  expect(later.get('qe1a')?.at(-1)?.state).toBe('failed');
  await days.of(ask, office('working'), nowMs + 61_000);
  expect(asked).toBe(2);
});

test('a daemon without history leaves the strip out', async () => {
  const ask = <T>(): Promise<Result<T>> => Promise.resolve({ ok: false, error: { code: 'x.y', message: 'no' } });
  const days = await new Days().of(ask, [testOffice((text) => text, { node_id: 'qe1a' })], nowMs);
  expect(days.get('qe1a')).toEqual([]);
});
