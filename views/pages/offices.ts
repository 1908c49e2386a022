import { html, type Markup } from '../markup.ts';
import { type Frame, mayChange, type Offices } from '../model.ts';
import { sheet, title } from '../parts/sheet.ts';
import { icon } from '../parts/state.ts';
import { shell } from '../shell.ts';
import { count } from '../words/numbers.ts';
import { verdictOf } from '../words/verdict.ts';
import { type HomeModel, officesPart } from './home.ts';

export interface OfficesModel {
  readonly offices: Offices;
  readonly days: HomeModel['days'];
}

/** All offices, and the door to adding one. */
export function officesPage(frame: Frame, { offices, days }: OfficesModel): Markup {
  const waiting = offices.pending.length;
  const verdict = verdictOf(frame.boxName, offices);
  return shell(frame, {
    title: 'Offices',
    place: '/offices',
    live: ['home', 'pulse'],
    refreshSec: 30,
    cli: 'quicether peers',
    rest: 'GET /api/v1/offices',
    body: html`${title(
      'Offices',
      html`<p>${verdict.sentence}</p>${
        waiting > 0 &&
        html`<p><a href="/offices/add#pending">${count(waiting, 'box asks', 'boxes ask')} to connect</a></p>`
      }`,
      null,
      mayChange(frame.me) && html`<a class="button" href="/offices/add">${icon(frame, 'plus')} Add an office</a>`,
    )}
${sheet('list', 'Every office', html`<p>Open one for its paths, its history and what happened there.</p>`, officesPart(frame, { offices, days }))}`,
  });
}
