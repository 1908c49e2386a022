import { html, type Markup } from '../markup.ts';
import type { Condition } from '../model.ts';
import { minuteOf, type When } from '../words/time.ts';

/** What an office was in one slice of the day. */
export interface Slice {
  readonly atMs: number;
  readonly state: Condition;
}

/** Calm is low, trouble is tall, unknown is hollow: the shape says it without the colour. */
const TOP: Readonly<Record<Condition, number>> = { working: 7, degraded: 3.5, failed: 0, unknown: 1 };

interface Run {
  readonly state: Condition;
  readonly from: number;
  readonly to: number;
}

/** Neighbours that were the same, as one. */
export function runsOf(slices: readonly Slice[]): readonly Run[] {
  const runs: Run[] = [];
  slices.forEach(({ state }, at) => {
    const last = runs.at(-1);
    if (last?.state === state) runs[runs.length - 1] = { ...last, to: at + 1 };
    else runs.push({ state, from: at, to: at + 1 });
  });
  return runs;
}

const WORDS: Readonly<Record<Condition, string>> = {
  working: 'working',
  degraded: 'degraded',
  failed: 'not working',
  unknown: 'no answer measured',
};
/** A list longer than this is a drawing, not a sentence. */
const MOST_WORDS = 5;

function inWords(runs: readonly Run[], slices: readonly Slice[], when: When): string {
  if (runs.length === 1) return `Last 24 hours: ${WORDS[runs[0]!.state]} throughout`;
  const told = runs
    .slice(-MOST_WORDS)
    .map(({ state, from }) => `${WORDS[state]} from ${minuteOf(slices[from]!.atMs, when)}`);
  return `Last 24 hours: ${told.join(', ')}`;
}

/** The last 24 hours of an office in one strip. */
export function dayStrip(slices: readonly Slice[], when: When): Markup {
  if (slices.length === 0) return html`<div></div>`;
  const runs = runsOf(slices);
  const wide = slices.length;
  return html`<div><svg class="day" viewBox="0 0 ${wide} 10" preserveAspectRatio="none" role="img" aria-label="${inWords(runs, slices, when)}">${runs.map(
    ({ state, from, to }) =>
      html`<rect data-state="${state}" x="${from}" y="${TOP[state]}" width="${to - from - 0.1}" height="${(state === 'unknown' ? 9.5 : 10) - TOP[state]}"/>`,
  )}</svg><p class="day-caption"><span>${minuteOf(slices[0]!.atMs, when)}</span><span>now</span></p></div>`;
}
