import { html, type Markup } from '../markup.ts';
import { type Frame, type Line, mayChange, type Offices } from '../model.ts';
import type { Slice } from '../parts/day.ts';
import { emptyList, lineRow, officeRow, register } from '../parts/register.ts';
import { facts, sheet } from '../parts/sheet.ts';
import { type Assets, icon, stateLine } from '../parts/state.ts';
import { shell } from '../shell.ts';
import { bitrate, count } from '../words/numbers.ts';
import { exactTime, timeElement, type When } from '../words/time.ts';
import { attentionOf, verdictOf } from '../words/verdict.ts';

export interface HomeModel {
  readonly boxName: string;
  readonly offices: Offices;
  readonly lines: readonly Line[];
  /** Of the whole box; null when nothing was measured lately. */
  readonly receivedBps: number | null;
  readonly sentBps: number | null;
  /** The last 24 hours by NodeId, where they were asked for. */
  readonly days: ReadonlyMap<string, readonly Slice[]>;
}

/** What the parts of home need, also when they come alone. */
export interface LiveContext extends Assets {
  readonly when: When;
}

/** "Is it working?" */
export function homePage(frame: Frame, model: HomeModel): Markup {
  return shell(frame, {
    title: 'Home',
    place: '/',
    noPulse: true,
    live: ['home'],
    refreshSec: 30,
    cli: 'quicether status',
    rest: 'GET /api/v1/offices',
    body: html`${verdictPart(frame, model)}
${attentionPart(frame, model)}
${sheet(
  'offices',
  'Offices',
  html`<p>Can this box reach them, and they this box? The strip is the last 24 hours.</p>
${mayChange(frame.me) && html`<a class="button button-small" href="/offices/add">${icon(frame, 'plus')} Add an office</a>`}`,
  officesPart(frame, model),
)}
${sheet('lines', `Internet lines of ${frame.boxName}`, lineWords(model.lines), linesPart(frame, model.lines))}`,
  });
}

function lineWords(lines: readonly Line[]): Markup | null {
  return lines.length > 1 ? html`<p>All that work are used at the same time.</p>` : null;
}

/** The answer; its state and sentence are announced when they change, its numbers are not. */
export function verdictPart(page: LiveContext, model: HomeModel): Markup {
  const verdict = verdictOf(model.boxName, model.offices);
  const checkedMs = model.offices.checked_ms;
  return html`<div class="verdict" id="verdict" data-live><div>
<div role="status" id="verdict-words" aria-atomic="true">${stateLine(page, verdict.shape, verdict.word)}<h1>${verdict.sentence}</h1></div>
<p class="muted">${
    checkedMs === null
      ? 'Nothing has been checked yet.'
      : html`Checked at ${timeElement(checkedMs, exactTime(checkedMs, page.when))} by asking each office through the tunnel and waiting for its answer.`
  }</p></div>
${facts(
  [
    ['Coming in', html`<span class="nowrap">${bitrate(model.receivedBps)}</span>`],
    ['Going out', html`<span class="nowrap">${bitrate(model.sentBps)}</span>`],
  ],
  true,
)}</div>`;
}

/** Faults, most urgent first, one next step each. */
export function attentionPart(page: LiveContext, model: HomeModel): Markup {
  const all = attentionOf(model.offices, model.lines, page.when);
  if (all.length === 0) return html`<div id="attention-part"></div>`;
  return html`<div id="attention-part" data-live>${sheet(
    'attention',
    'Needs attention',
    html`<p>${all.length === 1 ? 'One thing, with the next step.' : 'Most urgent first. One next step each.'}</p>`,
    html`<ol class="attention" role="list" id="attention-list" aria-live="polite" aria-relevant="additions">${all
      .slice(0, MOST_FAULTS)
      .map(
        (one) => html`<li>${stateLine(page, one.shape, one.word)}
<h3>${one.heading}</h3><p>${one.text}</p><a class="button" href="${one.href}">${one.button}</a></li>`,
      )}</ol>${all.length > MOST_FAULTS && html`<p><a href="/offices">${count(all.length - MOST_FAULTS, 'more thing')}</a></p>`}`,
  )}</div>`;
}

/** What is down together has one cause: a long list of it helps nobody. */
const MOST_FAULTS = 6;
/** Home is one look: further offices have a page of their own. */
const MOST_ROWS = 50;

export function officesPart(page: LiveContext, { offices, days }: Pick<HomeModel, 'offices' | 'days'>): Markup {
  const all = offices.offices;
  if (all.length === 0) {
    return html`<div id="office-list">${emptyList(
      'The other offices will stand here, each with its state.',
      html`<a class="button button-main" href="/offices/add">Add an office</a>`,
    )}</div>`;
  }
  return html`${register(
    'office-list',
    all.slice(0, MOST_ROWS).map((office) => officeRow(page, office, page.when, days.get(office.node_id))),
  )}${all.length > MOST_ROWS && html`<p><a href="/offices">${count(all.length - MOST_ROWS, 'more office')}</a></p>`}`;
}

export function linesPart(page: LiveContext, lines: readonly Line[]): Markup {
  if (lines.length === 0) {
    return html`<div id="line-list">${emptyList('No port of this box has a cable in it. Plug a modem or router into one of them.')}</div>`;
  }
  return register(
    'line-list',
    lines.map((line) => lineRow(page, line)),
  );
}
