/** What is kept of an office, and of the box as a whole. */
export const SERIES = ['rtt_ms', 'sent_bps', 'received_bps', 'loss_ratio'] as const;
export type Series = (typeof SERIES)[number];

export const RANGES = ['10m', '2d', '2y'] as const;
export type Range = (typeof RANGES)[number];

/** One value of each series; undefined where nothing was measured. */
export type Sample = Readonly<Record<Series, number | undefined>>;

export interface Tier {
  readonly stepMs: number;
  readonly lengthMs: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How fine each range is kept, and for how long. */
export const TIERS: Readonly<Record<Range, Tier>> = {
  '10m': { stepMs: SECOND, lengthMs: 10 * MINUTE },
  '2d': { stepMs: MINUTE, lengthMs: 2 * DAY },
  '2y': { stepMs: HOUR, lengthMs: 730 * DAY },
};

/** A value at a time; null where nothing was measured. */
export type Point = readonly [number, number | null];

/**
 * Points at even steps from the first known one to `endMs`, at most `maxPoints`; steps are merged, each
 * to the mean of what it has, until they fit.
 */
export function evenPoints(
  known: readonly Point[],
  { stepMs, lengthMs, endMs, maxPoints }: Tier & { readonly endMs: number; readonly maxPoints: number },
): { readonly stepMs: number; readonly points: Point[] } {
  const within = known.filter(([atMs, value]) => value !== null && atMs > endMs - lengthMs && atMs <= endMs);
  const firstMs = Math.min(...within.map(([atMs]) => atMs));
  if (!Number.isFinite(firstMs)) return { stepMs, points: [] };
  const merged = stepMs * Math.max(1, Math.ceil((endMs - firstMs) / stepMs / maxPoints));
  const sums = new Map<number, { sum: number; count: number }>();
  for (const [atMs, value] of within) {
    const bucket = Math.floor(atMs / merged);
    const { sum, count } = sums.get(bucket) ?? { sum: 0, count: 0 };
    sums.set(bucket, { sum: sum + (value ?? 0), count: count + 1 });
  }
  const points: Point[] = [];
  for (let bucket = Math.floor(firstMs / merged); bucket * merged <= endMs; bucket++) {
    const found = sums.get(bucket);
    points.push([bucket * merged, found ? found.sum / found.count : null]);
  }
  return { stepMs: merged, points: points.slice(-maxPoints) };
}
