import { html, type Markup, type Part, pathTo, queryOf } from '../markup.ts';
import {
  type Frame,
  type History,
  type Mistakes,
  mayChange,
  type OfficeDetail,
  type OfficePath,
  type Range,
  type Shape,
} from '../model.ts';
import { chart, type Series } from '../parts/chart.ts';
import { field, passwordAgain, postForm } from '../parts/form.ts';
import { log } from '../parts/log.ts';
import { emptyList } from '../parts/register.ts';
import { facts, ledger, notice, sheet, title } from '../parts/sheet.ts';
import { officeShape, state, stateLine } from '../parts/state.ts';
import { shell } from '../shell.ts';
import { bitrate, bytes, milliseconds, percent } from '../words/numbers.ts';
import { nameOf, officeSentence, startNameOf } from '../words/verdict.ts';
import type { LiveContext } from './home.ts';

export interface OfficeModel {
  readonly office: OfficeDetail;
  readonly range: Range;
  readonly received: History | null;
  readonly sent: History | null;
  readonly replies: History | null;
  /** Of the form that removes it: `typed`, `password`, `code`. */
  readonly mistakes: Mistakes;
}

/** One office: does it work, how traffic gets there, how it was, what happened, and the way to remove it. */
export function officePage(frame: Frame, model: OfficeModel): Markup {
  const { office } = model;
  const name = startNameOf(office);
  return shell(frame, {
    title: name,
    place: '/offices',
    live: ['office', 'pulse'],
    of: office.node_id,
    cli: 'quicether peers',
    rest: 'GET /api/v1/offices/ID',
    body: html`${title(name, officeHead(frame, office), html`<a href="/offices">Offices</a> / ${name}`)}
${problemPart(frame, office)}
${sheet(
  'paths',
  'How traffic gets there',
  html`<p>Each line here can reach each line there. All that work are used at once.</p>`,
  pathsPart(frame, office),
)}
${sheet('now', 'Right now', null, numbersPart(office))}
${historySheet(frame, model)}
${sheet(
  'happened',
  'What happened',
  html`<p><a href="/activity${queryOf({ text: office.node_id })}">All activity of ${nameOf(office)}</a></p>`,
  office.events.length === 0
    ? emptyList(
        'What happens to this office will stand here: when it connected, when a line was lost, who changed what.',
      )
    : log(frame, office.events, { id: 'office-log', label: `Latest events of ${nameOf(office)}` }),
)}
${aboutSheet(office)}
${mayChange(frame.me) && removeSheet(frame, model)}`,
  });
}

/** State and sentence under the name; announced when they change. */
export function officeHead(page: LiveContext, office: OfficeDetail): Markup {
  return html`<div role="status" id="office-state" data-live>${stateLine(page, ...officeShape(office))}<p>${officeSentence(office, page.when)}.</p></div>`;
}

/** What is wrong and what to do; gone as soon as nothing is. */
export function problemPart(page: LiveContext, office: OfficeDetail): Markup {
  if (office.problem === null) return html`<div id="office-problem"></div>`;
  const shape: Shape = office.waiting ? 'busy' : office.state === 'working' ? 'unknown' : office.state;
  return html`<div id="office-problem">${sheet(
    'what-to-do',
    'What to do',
    null,
    notice(
      page,
      shape,
      `${startNameOf(office)}: ${office.problem}`,
      html`<p>${office.remedy ?? 'Wait a minute: boxes try again by themselves. Then ring the office: has the box power, does its internet work?'}</p>`,
    ),
  )}</div>`;
}

const PATH_SHAPES: Readonly<Record<string, Shape>> = { up: 'working', suspect: 'degraded' };

/** The pairs of lines as they are; a row more or less is seen, not announced. */
export function pathsPart(page: LiveContext, office: OfficeDetail): Markup {
  if (office.path_list.length === 0) {
    return html`<div id="office-paths" data-live>${emptyList(`No line here reaches ${nameOf(office)} at the moment. The box goes on trying.`)}</div>`;
  }
  return html`<div id="office-paths" data-live>${ledger(
    `Paths to ${nameOf(office)}`,
    [
      { name: 'Line here' },
      { name: 'From' },
      { name: 'To' },
      { name: 'State' },
      { name: 'Reply time', number: true },
      { name: 'Lost', number: true },
    ],
    office.path_list.map((path) => pathRow(page, path)),
  )}</div>`;
}

function pathRow(page: LiveContext, path: OfficePath): Markup {
  return html`<tr><th scope="row">${path.interface || 'not known'}</th><td class="mono">${path.local ?? ''}</td><td class="mono">${path.remote ?? ''}</td>
<td>${state(page, PATH_SHAPES[path.state] ?? 'unknown', path.state === 'suspect' ? 'Silent' : undefined)}</td>
<td class="num">${milliseconds(path.rtt_ms)}</td><td class="num">${percent(path.loss_ratio)}</td></tr>`;
}

/** Live figures; they change each second and are never announced. */
export function numbersPart(office: OfficeDetail): Markup {
  return html`<div id="office-numbers">${facts([
    ['Reply time', milliseconds(office.rtt_ms)],
    ['Coming in', bitrate(office.received_bps)],
    ['Going out', bitrate(office.sent_bps)],
    ['Received', bytes(office.received_bytes)],
    ['Sent', bytes(office.sent_bytes)],
  ])}</div>`;
}

const RANGES: readonly { readonly range: Range; readonly text: string; readonly title: string }[] = [
  { range: '10m', text: '10 minutes', title: 'Last 10 minutes' },
  { range: '2d', text: '2 days', title: 'Last 2 days' },
  { range: '2y', text: '2 years', title: 'Last 2 years' },
];

/** Charts of a quiet office show quiet. */
const LEAST_BPS = 100_000;
const LEAST_MS = 10;

function historySheet(frame: Frame, { office, range, received, sent, replies }: OfficeModel): Markup {
  const shown = RANGES.find((one) => one.range === range)!;
  const links: Part[] = RANGES.flatMap((one, at) => [
    at > 0 && ' · ',
    one.range === range
      ? html`<strong aria-current="true">${one.text}</strong>`
      : html`<a href="${pathTo('/offices', office.node_id, queryOf({ range: one.range }))}#history">${one.text}</a>`,
  ]);
  const curve = (
    name: string,
    history: History | null,
    line: 'a' | 'b',
    more: Pick<Series, 'say'> & Partial<Series>,
  ): Series => ({
    name,
    points: history?.points ?? [],
    line,
    ...more,
  });
  const byDay = range === '2y';
  return sheet(
    'history',
    shown.title,
    html`<p>Measured by this box.</p><nav aria-label="Time shown"><p class="small">${links}</p></nav>`,
    html`<h3>Traffic</h3>${chart({
      id: 'traffic',
      when: frame.when,
      byDay,
      series: [
        curve('Coming in', received, 'a', { filled: true, say: bitrate, leastTop: LEAST_BPS }),
        curve('Going out', sent, 'b', { say: bitrate }),
      ],
    })}<h3>How long a reply takes</h3>${chart({
      id: 'replies',
      when: frame.when,
      byDay,
      low: true,
      series: [curve('Reply', replies, 'a', { say: milliseconds, leastTop: LEAST_MS })],
    })}`,
  );
}

function aboutSheet(office: OfficeDetail): Markup {
  const list = (all: readonly string[]) => html`<span class="mono">${all.length === 0 ? 'none' : all.join(' ')}</span>`;
  return sheet(
    'about',
    'Its box',
    html`<p>For your consultant.</p>`,
    html`${facts([
      ['Identity', html`<span class="mono">${office.node_id}</span>`],
      ['Its addresses in the tunnel', list(office.overlay_addresses)],
      ['Networks behind it', list(office.prefixes)],
    ])}`,
  );
}

function removeSheet(frame: Frame, { office, mistakes }: OfficeModel): Markup {
  const name = nameOf(office);
  const margin = html`<p>For a box that was stolen, sold or closed down.</p>`;
  if (office.configured) {
    return sheet(
      'remove',
      'Remove this office',
      margin,
      html`<p>${startNameOf(office)} is named in the configuration file of this box. Your consultant removes it there; then it disappears here.</p>`,
    );
  }
  const typedName = office.name.trim() === '' ? office.node_id.slice(-6) : office.name;
  const form = postForm(
    frame,
    pathTo('/offices', office.node_id, '/remove'),
    html`<ul><li>Its connection closes at once, and nothing flows to or from it any more.</li>
<li>People there can no longer reach this office through the tunnel, nor the other way round. Their own internet keeps working.</li>
<li>The box cannot come back by itself: somebody here has to accept it again.</li></ul>
<div class="halves">${field(frame, {
      id: 'typed',
      label: `Type ${typedName} to confirm`,
      autocomplete: 'off',
      required: true,
      most: 128,
      error: mistakes['typed'],
      more: html` spellcheck="false"`,
    })}${passwordAgain(frame, 'remove', { password: mistakes['password'], code: mistakes['code'] })}</div>
<button class="button button-danger" type="submit">Remove ${name}</button>`,
    { class: 'stack' },
  );
  const isOpen = Object.keys(mistakes).length > 0;
  return sheet(
    'remove',
    'Remove this office',
    margin,
    html`<details class="danger"${isOpen && html` open`}><summary>What removing ${name} does, and how</summary>${form}</details>`,
  );
}

/** What has to be typed to remove it. */
export function nameToType(office: { readonly name: string; readonly node_id: string }): string {
  return office.name.trim() === '' ? office.node_id.slice(-6) : office.name;
}
