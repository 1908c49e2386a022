import { html, type Markup, type Part } from '../markup.ts';
import type { History } from '../model.ts';
import { dateOf, minuteOf, type When } from '../words/time.ts';
import { ledger } from './sheet.ts';

const WIDE = 600;
const HIGH = 100;
/** More points than this are more than a screen shows: neighbours are averaged. */
const MOST_POINTS = 240;
/** Rows of the table beside a chart; a reader of numbers gets samples, the export has all. */
const TABLE_ROWS = 12;

export type Points = History['points'];

export interface Series {
  readonly name: string;
  readonly points: Points;
  readonly line: 'a' | 'b';
  /** Filled down to zero, as traffic is; times are lines. */
  readonly filled?: boolean;
  readonly say: (value: number) => string;
  /** What the axis reaches at least, so that noise does not look like a storm. */
  readonly leastTop?: number;
}

/** Fewer points, each the average of its neighbours; a gap stays one only where nothing at all is known. */
export function thinned(points: Points, most: number = MOST_POINTS): Points {
  if (points.length <= most) return points;
  const each = Math.ceil(points.length / most);
  const thin: (readonly [number, number | null])[] = [];
  for (let from = 0; from < points.length; from += each) {
    const group = points.slice(from, from + each);
    const known = group.map(([, value]) => value).filter((value) => value !== null);
    const sum = known.reduce((total, value) => total + value, 0);
    thin.push([group[0]![0], known.length === 0 ? null : sum / known.length]);
  }
  return thin;
}

/** The least round number that holds the value: one digit, then zeros. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return (
    [1, 2, 3, 4, 6, 8, 10].map((step) => Number((step * power).toPrecision(2))).find((step) => step >= value) ??
    10 * power
  );
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly top: number;
}

function spanOf(all: readonly Series[]): Span | null {
  let [from, to, top] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  let known = false;
  for (const { points, leastTop } of all) {
    top = Math.max(top, leastTop ?? 0);
    for (const [at, value] of points) {
      from = Math.min(from, at);
      to = Math.max(to, at);
      if (value !== null) {
        known = true;
        top = Math.max(top, value);
      }
    }
  }
  return known && to > from ? { from, to, top: roundUp(top) } : null;
}

/** The pieces between gaps, as coordinates: `x,y x,y`. */
function pieces(points: Points, span: Span): readonly (readonly (readonly [number, number])[])[] {
  const all: (readonly [number, number])[][] = [[]];
  for (const [at, value] of points) {
    if (value === null) {
      if (all.at(-1)!.length > 0) all.push([]);
      continue;
    }
    const x = ((at - span.from) / (span.to - span.from)) * WIDE;
    all.at(-1)!.push([Math.round(x * 10) / 10, Math.round((1 - value / span.top) * HIGH * 10) / 10]);
  }
  return all.filter((piece) => piece.length > 0);
}

function drawn(series: Series, span: Span): readonly Part[] {
  return pieces(series.points, span).map((piece) => {
    const line = piece.map(([x, y]) => `${x},${y}`).join(' ');
    const curve = html`<polyline class="chart-line-${series.line}" points="${line}"/>`;
    if (!series.filled) return curve;
    const [first, last] = [piece[0]!, piece.at(-1)!];
    return html`<polygon class="area-${series.line}" points="${first[0]},${HIGH} ${line} ${last[0]},${HIGH}"/>${curve}`;
  });
}

/** Without the step that is still running: that nothing is known of it yet is no gap. */
function measured(points: Points): Points {
  return points.at(-1)?.[1] === null ? points.slice(0, -1) : points;
}

export interface Chart {
  /** Makes ids on the page: letters only. */
  readonly id: string;
  readonly series: readonly Series[];
  readonly when: When;
  /** Days instead of times of day on the axis. */
  readonly byDay?: boolean;
  readonly low?: boolean;
}

/** History as curves, with a legend in words and the numbers as a table. */
export function chart(of: Chart): Markup {
  const series = of.series.map((one) => ({ ...one, points: thinned(measured(one.points)) }));
  const span = spanOf(series);
  if (!span) return html`<p class="muted">Nothing has been measured in this time yet.</p>`;
  const say = series[0]!.say;
  const at = of.byDay ? dateOf : minuteOf;
  const time = (share: number) => at(span.from + (span.to - span.from) * share, of.when);
  return html`<figure class="stack">
<svg class="chart-plot${of.low && ' chart-low'}" role="img" aria-labelledby="${of.id}-words">
${[0, 50, 100].map((y) => html`<line class="chart-grid" x1="0" x2="100%" y1="${y}%" y2="${y}%"/>`)}
<svg viewBox="0 0 ${WIDE} ${HIGH}" preserveAspectRatio="none" width="100%" height="100%">${series.map((one) => drawn(one, span))}</svg>
<text x="0" y="0" dy="14">${say(span.top)}</text><text x="0" y="50%" dy="-4">${say(span.top / 2)}</text>
<text x="0" y="100%" dy="18">${time(0)}</text><text x="50%" y="100%" dy="18" text-anchor="middle">${time(0.5)}</text>
<text x="100%" y="100%" dy="18" text-anchor="end">${time(1)}</text>
</svg>
<figcaption><ul class="legend" role="list" id="${of.id}-words">${series.map(legend)}</ul></figcaption>
</figure>
<details><summary>Show the numbers as a table</summary>${table(of, series)}</details>`;
}

function legend(series: Series): Markup {
  const swatch = series.filled
    ? html`<rect class="area-${series.line}" width="24" height="14"/>`
    : html`<path class="chart-line-${series.line}" d="M0 7h24"/>`;
  return html`<li><svg viewBox="0 0 24 14" aria-hidden="true">${swatch}</svg> ${series.name}: ${inWords(series)}</li>`;
}

/** `12 to 24 ms, last 17 ms`; what the curve shows to those who do not see it. */
export function inWords(series: Pick<Series, 'points' | 'say'>): string {
  const known = series.points.map(([, value]) => value).filter((value) => value !== null);
  if (known.length === 0) return 'nothing measured';
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const last = series.points.at(-1)?.[1] ?? null;
  const range =
    series.say(least) === series.say(most) ? series.say(most) : `${series.say(least)} to ${series.say(most)}`;
  return `${range}, ${last === null ? 'no answer at the end' : `last ${series.say(last)}`}`;
}

function table(of: Chart, series: readonly Series[]): Markup {
  const longest = series.reduce((one, other) => (other.points.length > one.points.length ? other : one));
  const rows = thinned(longest.points, TABLE_ROWS);
  const values = series.map((one) => new Map(thinned(one.points, TABLE_ROWS)));
  return ledger(
    `Numbers: ${series.map(({ name }) => name).join(', ')}`,
    [{ name: 'Time' }, ...series.map(({ name }) => ({ name, number: true }))],
    rows.map(
      ([at]) =>
        html`<tr><th scope="row">${(of.byDay ? dateOf : minuteOf)(at, of.when)}</th>${series.map((one, index) => {
          const value = values[index]!.get(at) ?? null;
          return html`<td class="num">${value === null ? 'none' : one.say(value)}</td>`;
        })}</tr>`,
    ),
  );
}
