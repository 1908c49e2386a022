import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Database, openDatabase } from './database.ts';
import { openHistoryStore } from './history-store.ts';

let folder = '';
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-history-'));
  database = opened();
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

function opened(): Database {
  const result = openDatabase(join(folder, 'box.db'));
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

const row = (subject: string, minute: number, rtt_ms: number, goodMs?: number) => ({
  subject,
  minute,
  values: { rtt_ms, sent_bps: 1_000, received_bps: undefined, loss_ratio: undefined },
  goodMs,
});
const now = 30_000_000;
const count = (table: string): number => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']);

test('minutes and the hours made of them survive a restart', () => {
  const store = openHistoryStore(database);
  const minutes = Array.from({ length: 120 }, (_, n) => row('york', now + n, n < 60 ? 10 : 30, n * 60_000));
  expect(store.write(minutes, (now + 120) * 60_000).ok).toBe(true);
  database.close();
  database = opened();
  const again = openHistoryStore(database);
  const fine = again.read('york', 'rtt_ms', { range: '2d', sinceMs: 0 });
  expect(fine.ok && fine.value).toHaveLength(120);
  const coarse = again.read('york', 'rtt_ms', { range: '2y', sinceMs: 0 });
  expect(coarse).toMatchObject({
    value: [
      [now * 60_000, 10],
      [(now + 60) * 60_000, 30],
    ],
  });
  expect(again.read('york', 'received_bps', { range: '2y', sinceMs: 0 })).toMatchObject({
    value: [
      [expect.any(Number), null],
      [expect.any(Number), null],
    ],
  });
  expect(again.read('nobody', 'rtt_ms', { range: '2d', sinceMs: 0 })).toMatchObject({ value: [] });
  const good = again.lastGood();
  expect(good.ok && good.value.get('york')).toBe(119 * 60_000);
});

test('minutes are kept for two days, hours for two years', () => {
  const store = openHistoryStore(database);
  const hour = 60;
  for (let at = 0; at < 4 * 24 * hour; at += 30) store.write([row('york', now + at, 1)], (now + at) * 60_000);
  expect(count('history_minute')).toBeLessThanOrEqual(2 * 49);
  expect(count('history_hour')).toBe(4 * 24);
  store.write([row('york', now + 800 * 24 * hour, 1)], (now + 800 * 24 * hour) * 60_000);
  expect(count('history_hour')).toBe(1);
});

test('so many subjects and no more: the one not seen for longest makes room, with all its rows', () => {
  const store = openHistoryStore(database);
  for (let n = 0; n < 400; n++) store.write([row(`office ${n}`, now + n, 1)], (now + n) * 60_000);
  expect(count('history_subject')).toBe(256);
  expect(count('history_minute')).toBe(256);
  expect(store.read('office 0', 'rtt_ms', { range: '2d', sinceMs: 0 })).toMatchObject({ value: [] });
});
