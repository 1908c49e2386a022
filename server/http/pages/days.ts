import type { History, Office } from '../../../views/model.ts';
import type { Slice } from '../../../views/parts/day.ts';
import type { Ask } from '../front.ts';

/** Slices in two days; the strip shows the later half. */
const POINTS = 96;
const FRESH_MS = 60_000;
/** Home asks for as many strips as a person looks at. */
const MOST_OFFICES = 24;
const MOST_KEPT = 200;

interface Kept {
  readonly atMs: number;
  readonly slices: readonly Slice[];
}

/**
 * The last 24 hours of offices, asked for once a minute for all who look.
 *
 * Everybody who may see an office may see this; whether somebody may was asked with the offices themselves.
 */
export class Days {
  readonly #kept = new Map<string, Kept>();

  async of(ask: Ask, offices: readonly Office[], nowMs: number): Promise<ReadonlyMap<string, readonly Slice[]>> {
    const shown = offices.slice(0, MOST_OFFICES);
    await Promise.all(shown.map(({ node_id }) => this.#refresh(ask, node_id, nowMs)));
    return new Map(
      shown.map(({ node_id, state }) => {
        const slices = this.#kept.get(node_id)?.slices ?? [];
        // The slice that is still running is what the office is now.
        return [node_id, slices.map((slice, at) => (at === slices.length - 1 ? { ...slice, state } : slice))];
      }),
    );
  }

  async #refresh(ask: Ask, id: string, nowMs: number): Promise<void> {
    const known = this.#kept.get(id);
    if (known && nowMs - known.atMs < FRESH_MS) return;
    const asked = await ask('GetHistory', { subject: id, series: 'rtt_ms', range: '2d', max_points: POINTS });
    if (!asked.ok) return;
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    this.#kept.set(id, { atMs: nowMs, slices: slicesOf(asked.value, nowMs) });
  }
}

const DAY_MS = 86_400_000;

/** A slice with an answer in it is one in which the office worked; of the others nobody knows why. */
export function slicesOf({ points }: History, nowMs: number): readonly Slice[] {
  return points
    .filter(([atMs]) => atMs > nowMs - DAY_MS)
    .map(([atMs, value]): Slice => ({ atMs, state: value === null ? 'unknown' : 'working' }));
}
