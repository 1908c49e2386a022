import { html, type Markup } from '../markup.ts';
import type { Condition, Shape } from '../model.ts';

/** Where the curves of up to four paths bend; more than that are a number, not a drawing. */
const BENDS: readonly string[] = [
  'M14 20C42 4 102 4 130 20',
  'M14 20c28 16 88 16 116 0',
  'M14 20C42 12 102 12 130 20',
  'M14 20c28 8 88 8 116 0',
];

const ENDS = html`<circle cx="12" cy="20" r="6"/><circle cx="132" cy="20" r="6"/>`;

/** The internet lines between two places, drawn: thick carries most, dots with a cross are down, grey dots unknown. */
export function strand(label: string, paths: readonly Condition[]): Markup {
  const drawn = paths.slice(0, BENDS.length).map((condition, at) => path(condition, BENDS[at]!, at));
  return html`<svg class="strand" viewBox="0 0 144 40" role="img" aria-label="${label}">${drawn}${ENDS}</svg>`;
}

function path(condition: Condition, bend: string, at: number): Markup {
  if (condition === 'working' || condition === 'degraded') {
    return html`<path stroke-width="${at === 0 ? 5 : 2.5}" d="${bend}"/>`;
  }
  if (condition === 'unknown') {
    return html`<path data-state="unknown" stroke-width="2" stroke-dasharray="2 6" d="${bend}"/>`;
  }
  const cross = at % 2 === 0 ? 'm67 3 10 10m0-10-10 10' : 'm67 27 10 10m0-10-10 10';
  return html`<g data-state="failed"><path stroke-width="2" stroke-dasharray="2 6" d="${bend}"/><path stroke-width="3" d="${cross}"/></g>`;
}

/** The state of an office as one path or several: what is known of them together. */
export function strandOf(name: string, condition: Shape, paths: number): Markup {
  const lines = Math.max(1, Math.min(paths, BENDS.length));
  switch (condition) {
    case 'working':
      return strand(
        `${name}: ${lines === 1 ? 'one path carries' : `${paths} paths carry`} traffic`,
        Array(lines).fill('working'),
      );
    case 'degraded':
      return strand(`${name}: carries traffic with less than it should`, [...Array(lines).fill('working'), 'failed']);
    case 'failed':
      return strand(`${name}: nothing gets through`, ['failed']);
    default:
      return strand(`${name}: no answer`, ['unknown', 'unknown']);
  }
}
