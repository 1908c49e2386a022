import { ok, type Result } from '../core/result.ts';
import type { Point, Series } from '../lines/history.ts';
import type { HistoryStore, MinuteRow } from '../lines/history-book.ts';
import type { Database } from './database.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const MINUTES_KEPT = 2 * 24 * 60;
const HOURS_KEPT = 730 * 24;
/** Subjects that have rows, those that are gone included; the one not seen for longest makes room. */
const MAX_SUBJECTS = 256;
/** Forgetting what is too old is done once in so many minutes. */
const PRUNE_MINUTES = 60;

/** Columns by series: a series is never put into SQL by its text. */
const COLUMN: Readonly<Record<Series, string>> = {
  rtt_ms: 'rtt_ms',
  sent_bps: 'sent_bps',
  received_bps: 'received_bps',
  loss_ratio: 'loss_ratio',
};

/** Minutes for two days and hours for two years, in the daemon's database. */
export function openHistoryStore(database: Database): HistoryStore {
  let prunedMinute = 0;
  return {
    write: (rows, nowMs) => {
      const minute = Math.floor(nowMs / MINUTE_MS);
      const isTime = minute - prunedMinute >= PRUNE_MINUTES;
      if (rows.length === 0 && !isTime) return ok(undefined);
      const written = database.transaction(() => {
        for (const row of rows) writeMinute(database, row);
        const hours = new Set(rows.map((row) => Math.floor(row.minute / 60)));
        for (const hour of hours) writeHour(database, hour);
        if (isTime) prune(database, minute);
        return ok(undefined);
      });
      if (written.ok && isTime) prunedMinute = minute;
      return written;
    },
    read: (subject, series, from) => readPoints(database, { subject, column: COLUMN[series] }, from),
    lastGood: () =>
      database.read(() => {
        const rows = database.prepare('SELECT name, good_ms FROM history_subject WHERE good_ms IS NOT NULL').all();
        return new Map(rows.map((row) => [String(row['name']), Number(row['good_ms'])]));
      }),
  };
}

function writeMinute(database: Database, { subject, minute, values, goodMs }: MinuteRow): void {
  makeRoom(database, subject);
  const insert = `INSERT INTO history_subject (name, seen_minute, good_ms) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET seen_minute = excluded.seen_minute, good_ms = coalesce(excluded.good_ms, good_ms)
    RETURNING subject`;
  const id = Number(database.prepare(insert).get(subject, minute, goodMs ?? null)?.['subject']);
  database
    .prepare(
      'INSERT OR REPLACE INTO history_minute (subject, at, rtt_ms, sent_bps, received_bps, loss_ratio) VALUES (?, ?, ?, ?, ?, ?)',
    )
    .run(
      id,
      minute,
      values.rtt_ms ?? null,
      values.sent_bps ?? null,
      values.received_bps ?? null,
      values.loss_ratio ?? null,
    );
}

function makeRoom(database: Database, subject: string): void {
  if (database.prepare('SELECT 1 FROM history_subject WHERE name = ?').get(subject)) return;
  const count = Number(database.prepare('SELECT count(*) AS n FROM history_subject').get()?.['n']);
  if (count < MAX_SUBJECTS) return;
  const oldest = database.prepare('SELECT subject FROM history_subject ORDER BY seen_minute LIMIT 1').get();
  database.prepare('DELETE FROM history_subject WHERE subject = ?').run(Number(oldest?.['subject']));
}

// The hour that goes on is worked out anew with each of its minutes.
function writeHour(database: Database, hour: number): void {
  database
    .prepare(
      `INSERT OR REPLACE INTO history_hour (subject, at, rtt_ms, sent_bps, received_bps, loss_ratio)
       SELECT h.subject, ?, avg(rtt_ms), avg(sent_bps), avg(received_bps), avg(loss_ratio)
       FROM history_subject s JOIN history_minute h ON h.subject = s.subject AND h.at >= ? AND h.at < ?
       GROUP BY h.subject`,
    )
    .run(hour, hour * 60, hour * 60 + 60);
}

function prune(database: Database, minute: number): void {
  const hour = Math.floor(minute / 60);
  for (const row of database.prepare('SELECT subject FROM history_subject').all()) {
    const subject = Number(row['subject']);
    database.prepare('DELETE FROM history_minute WHERE subject = ? AND at < ?').run(subject, minute - MINUTES_KEPT);
    database.prepare('DELETE FROM history_hour WHERE subject = ? AND at < ?').run(subject, hour - HOURS_KEPT);
  }
  database.prepare('DELETE FROM history_subject WHERE seen_minute < ?').run(minute - HOURS_KEPT * 60);
}

function readPoints(
  database: Database,
  { subject, column }: { subject: string; column: string },
  { range, sinceMs }: Parameters<HistoryStore['read']>[2],
): Result<Point[]> {
  const [table, stepMs] = range === '2d' ? ['history_minute', MINUTE_MS] : ['history_hour', HOUR_MS];
  return database.read(() => {
    const rows = database
      .prepare(
        `SELECT at, ${column} AS value FROM ${table}
         WHERE subject = (SELECT subject FROM history_subject WHERE name = ?) AND at >= ? ORDER BY at`,
      )
      .all(subject, Math.floor(sinceMs / Number(stepMs)));
    return rows.map((row): Point => [Number(row['at']) * Number(stepMs), row['value'] as number | null]);
  });
}
