import { html, type Markup } from '../markup.ts';
import type { Frame, Line } from '../model.ts';
import { emptyList, register } from '../parts/register.ts';
import { facts, notice, sheet, title } from '../parts/sheet.ts';
import { icon, stateLine } from '../parts/state.ts';
import { shell } from '../shell.ts';
import { count, milliseconds, percent } from '../words/numbers.ts';
import { lineSentence } from '../words/verdict.ts';
import type { LiveContext } from './home.ts';

export interface LinesModel {
  readonly lines: readonly Line[];
}

/** The internet lines of this box, as the engine sees them. */
export function linesPage(frame: Frame, { lines }: LinesModel): Markup {
  return shell(frame, {
    title: 'Internet lines',
    place: '/lines',
    live: ['lines', 'pulse'],
    refreshSec: 30,
    cli: 'quicether status',
    rest: 'GET /api/v1/lines',
    body: html`${title(`Internet lines of ${frame.boxName}`, html`<p>${headline(lines)}</p>`)}
${sheet(
  'in-use',
  'Lines',
  html`<p>Measured by what goes over them. How much each carries follows how fast it is right now; nothing has to be set.</p>`,
  lineCards(frame, lines),
)}`,
  });
}

function headline(lines: readonly Line[]): string {
  const good = lines.filter(({ state }) => state === 'working' || state === 'degraded').length;
  if (lines.length === 0) return 'This box sees no internet line.';
  if (lines.every(({ state }) => state === 'failed')) return 'No line of this box works: look at its cables.';
  if (good === 0) return 'Nothing is heard over any line just now, so nobody knows whether it works.';
  if (good === 1) return 'This box uses one line. If it stops, the office is cut off until it comes back.';
  return `This box uses ${good} lines at once. If one stops, the others carry on and nobody notices.`;
}

/** One card for each line, with what to do about one that does not work. */
export function lineCards(page: LiveContext, lines: readonly Line[]): Markup {
  if (lines.length === 0) {
    return html`<div id="line-cards">${emptyList('No port of this box has a cable in it. Plug a modem or router into one of them. It appears here by itself.')}</div>`;
  }
  return register(
    'line-cards',
    lines.map((line) => card(page, line)),
  );
}

function card(page: LiveContext, line: Line): Markup {
  return html`<li class="row-line"><div class="stack">
<div class="named">${icon(page, 'port')}<div><h3>${line.interface}</h3><p class="mono">${line.addresses.join(' ') || 'no address'}</p></div></div>
${stateLine(page, line.state)}</div>
${facts([
  ['Reply time', milliseconds(line.rtt_ms)],
  ['Lost', percent(line.loss_ratio)],
  ['Reaches', count(line.offices, 'office')],
])}
<div>${advice(page, line)}</div></li>`;
}

function advice(page: LiveContext, line: Line): Markup {
  if (line.state === 'failed') {
    return notice(
      page,
      'failed',
      'Nothing comes over this line',
      html`<p class="small">Look at the cable. Switch its modem off and on and wait two minutes. If that does not help, ring the provider.</p>`,
    );
  }
  if (line.state === 'degraded') {
    return notice(
      page,
      'degraded',
      'This line loses packets',
      html`<p class="small">Others carry more meanwhile. If it stays like this, ring the provider.</p>`,
    );
  }
  return html`<p>${lineSentence(line)}.</p>`;
}
