import type { Clock } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import { evenPoints, type Point, type Range, type Sample, SERIES, type Series, TIERS } from './history.ts';

/** Offices that are recorded, and the box: the first ones. A gateway of thousands has its sums, and Prometheus. */
const MAX_SUBJECTS = 128;
/** Minutes that wait while the database cannot be written. */
const MAX_WAITING_MINUTES = 10;
const SLOTS = TIERS['10m'].lengthMs / TIERS['10m'].stepMs;

/** One minute of one subject. */
export interface MinuteRow {
  readonly subject: string;
  /** Minutes since 1970. */
  readonly minute: number;
  readonly values: Sample;
  /** Wall clock of the last answer, when there was one. */
  readonly goodMs: number | undefined;
}

/** Where minutes and hours are kept. */
export interface HistoryStore {
  /** Writes all rows, works out the hours that they belong to, and forgets what is too old. */
  write(rows: readonly MinuteRow[], nowMs: number): Result<void>;
  read(
    subject: string,
    series: Series,
    from: { readonly range: '2d' | '2y'; readonly sinceMs: number },
  ): Result<Point[]>;
  /** Wall clock of the last answer of each subject. */
  lastGood(): Result<ReadonlyMap<string, number>>;
}

interface Recent {
  readonly seconds: Float64Array;
  readonly values: Readonly<Record<Series, Float32Array>>;
  lastMs: number;
  minute: number;
  sums: Record<Series, { sum: number; count: number }>;
  goodMs: number | undefined;
}

/** The daemon's own memory of how things were: seconds here, minutes and hours in the store, written once a minute. */
export class HistoryBook {
  readonly #clock: Clock;
  readonly #store: HistoryStore;
  readonly #warn: (message: string) => void;
  readonly #recent = new Map<string, Recent>();
  #waiting: MinuteRow[] = [];
  readonly #lastGood: ReadonlyMap<string, number>;
  #isFailing = false;

  constructor(clock: Clock, store: HistoryStore, warn: (message: string) => void) {
    this.#clock = clock;
    this.#store = store;
    this.#warn = warn;
    const lastGood = store.lastGood();
    this.#lastGood = lastGood.ok ? lastGood.value : new Map();
  }

  /** Wall clock of the last answer of an office in earlier runs. */
  lastGood(subject: string): number | undefined {
    return this.#lastGood.get(subject);
  }

  record(subject: string, sample: Sample): void {
    const nowMs = this.#clock.nowMs();
    const known = this.#recent.get(subject) ?? this.#begin(subject, nowMs);
    if (!known) return;
    const second = Math.floor(nowMs / TIERS['10m'].stepMs);
    const slot = second % SLOTS;
    known.seconds[slot] = second;
    known.lastMs = nowMs;
    const minute = Math.floor(nowMs / TIERS['2d'].stepMs);
    if (minute !== known.minute) this.#close(subject, known, minute);
    if (sample.rtt_ms !== undefined) known.goodMs = nowMs;
    for (const series of SERIES) {
      const value = sample[series];
      known.values[series][slot] = value ?? Number.NaN;
      if (value === undefined) continue;
      known.sums[series].sum += value;
      known.sums[series].count++;
    }
  }

  /** Writes what has come together; called once a minute and at the end. */
  flush(isEnd = false): void {
    const nowMs = this.#clock.nowMs();
    const minute = Math.floor(nowMs / TIERS['2d'].stepMs);
    for (const [subject, known] of this.#recent) {
      if (isEnd || known.minute < minute) this.#close(subject, known, minute);
      // It was removed: its place is free for another.
      if (nowMs - known.lastMs > TIERS['10m'].lengthMs) this.#recent.delete(subject);
    }
    const written = this.#store.write(this.#waiting, nowMs);
    if (written.ok) this.#waiting = [];
    else this.#waiting = this.#waiting.slice(-MAX_WAITING_MINUTES * MAX_SUBJECTS);
    if (!written.ok && !this.#isFailing) this.#warn(`the history is not written: ${written.error.message}`);
    this.#isFailing = !written.ok;
  }

  points(subject: string, series: Series, asked: { readonly range: Range; readonly maxPoints: number }) {
    const { range, maxPoints } = asked;
    const tier = TIERS[range];
    const endMs = this.#clock.nowMs();
    const known =
      range === '10m'
        ? ok(this.#seconds(subject, series))
        : this.#store.read(subject, series, { range, sinceMs: endMs - tier.lengthMs });
    return known.ok ? ok(evenPoints(known.value, { ...tier, endMs, maxPoints })) : known;
  }

  #begin(subject: string, nowMs: number): Recent | undefined {
    if (this.#recent.size >= MAX_SUBJECTS) return undefined;
    const made: Recent = {
      seconds: new Float64Array(SLOTS),
      values: {
        rtt_ms: new Float32Array(SLOTS),
        sent_bps: new Float32Array(SLOTS),
        received_bps: new Float32Array(SLOTS),
        loss_ratio: new Float32Array(SLOTS),
      },
      lastMs: nowMs,
      minute: Math.floor(nowMs / TIERS['2d'].stepMs),
      sums: noSums(),
      goodMs: undefined,
    };
    this.#recent.set(subject, made);
    return made;
  }

  #close(subject: string, known: Recent, minute: number): void {
    const mean = (series: Series): number | undefined => {
      const { sum, count } = known.sums[series];
      return count > 0 ? sum / count : undefined;
    };
    const values = {
      rtt_ms: mean('rtt_ms'),
      sent_bps: mean('sent_bps'),
      received_bps: mean('received_bps'),
      loss_ratio: mean('loss_ratio'),
    };
    if (Object.values(values).some((value) => value !== undefined)) {
      this.#waiting.push({ subject, minute: known.minute, values, goodMs: known.goodMs });
    }
    known.minute = minute;
    known.sums = noSums();
  }

  #seconds(subject: string, series: Series): Point[] {
    const known = this.#recent.get(subject);
    if (!known) return [];
    const newest = Math.floor(this.#clock.nowMs() / TIERS['10m'].stepMs);
    const points: Point[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      const second = known.seconds[slot] ?? 0;
      const value = known.values[series][slot] ?? Number.NaN;
      const isRecent = second > newest - SLOTS && second <= newest;
      if (isRecent && !Number.isNaN(value)) points.push([second * TIERS['10m'].stepMs, value]);
    }
    return points.sort(([a], [b]) => a - b);
  }
}

function noSums(): Recent['sums'] {
  return {
    rtt_ms: { sum: 0, count: 0 },
    sent_bps: { sum: 0, count: 0 },
    received_bps: { sum: 0, count: 0 },
    loss_ratio: { sum: 0, count: 0 },
  };
}
