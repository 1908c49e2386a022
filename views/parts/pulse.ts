import { html, type Markup } from '../markup.ts';
import type { Offices } from '../model.ts';
import { count } from '../words/numbers.ts';
import { type Assets, icon, officeShape, state } from './state.ts';

/** More offices than this are a number with a link, not a line under the menu. */
const MOST = 6;

/** How many things are not as they should be. */
export function troubleCount({ offices, pending, cut_off }: Offices): number {
  // One cable is one thing, however many offices it leads to.
  if (cut_off) return 1 + pending.length;
  return offices.filter((office) => office.state !== 'working').length + pending.length;
}

/** The state of all offices in one line, under the menu of every page but home. */
export function pulse(page: Assets, offices: Offices | null): Markup {
  return html`<aside class="pulse" aria-label="State of the network">${pulseLine(page, offices)}</aside>`;
}

/** The part of it that changes. */
export function pulseLine(page: Assets, offices: Offices | null): Markup {
  return html`<div role="status" id="pulse">${offices ? known(page, offices) : unknown(page)}</div>`;
}

function unknown(page: Assets): Markup {
  return html`${state(page, 'unknown')} <span>Nobody has said how the offices are.</span>`;
}

function known(page: Assets, offices: Offices): Markup {
  const trouble = troubleCount(offices);
  const link = offices.offices.length === 0 && trouble === 0 ? 'No other office yet' : attention(trouble);
  return html`<a href="/">${link}</a><ul role="list">${offices.offices
    .slice(0, MOST)
    .map((office) => html`<li>${office.name} ${state(page, ...officeShape(office))}</li>`)}${
    offices.offices.length > MOST &&
    html`<li>${icon(page, 'office')} <a href="/offices">${count(offices.offices.length - MOST, 'more office')}</a></li>`
  }</ul>`;
}

function attention(trouble: number): string {
  if (trouble === 0) return 'Nothing needs attention';
  return trouble === 1 ? '1 thing needs attention' : `${trouble} things need attention`;
}
