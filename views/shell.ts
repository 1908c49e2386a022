import { html, type Markup, type Part, queryOf } from './markup.ts';
import type { Frame } from './model.ts';
import { countdown } from './parts/countdown.ts';
import { brand, htmlDocument } from './parts/document.ts';
import { csrfField } from './parts/form.ts';
import { pulse } from './parts/pulse.ts';
import { word } from './parts/sheet.ts';

export const MENU = [
  { href: '/', name: 'Home' },
  { href: '/offices', name: 'Offices' },
  { href: '/lines', name: 'Internet lines' },
  { href: '/activity', name: 'Activity' },
  { href: '/people', name: 'People' },
  { href: '/system', name: 'System' },
] as const;
export type Place = (typeof MENU)[number]['href'];

export interface Content {
  readonly title: string;
  /** Where it hangs in the menu. */
  readonly place: Place;
  readonly body: Part;
  /** What it watches, as `/events` knows it. */
  readonly live?: readonly string[];
  /** Which office that is about. */
  readonly of?: string;
  /** Home says it in its verdict. */
  readonly noPulse?: boolean;
  readonly refreshSec?: number;
  /** The same by command line and REST. */
  readonly cli?: string;
  readonly rest: string;
}

/** A page behind the sign-in: masthead and menu, what is on trial or how the offices are, the content, the same elsewhere. */
export function shell(frame: Frame, of: Content): Markup {
  const body = html`<header class="masthead">
${brand('QuicEther', `${frame.boxName}, this box`, '/')}
<button class="button button-small menu-button" type="button" popovertarget="menu">Menu</button>
${menu(frame, of.place)}
</header>
${frame.trial ? countdown(frame, frame.trial) : !of.noPulse && pulse(frame, frame.offices)}
<p class="stale" id="stale" role="status"></p>
<main id="main" tabindex="-1">${word(frame, frame.word)}${of.body}</main>
${colophon(frame, of)}
${of.live && liveSource(of.live, of.of)}`;
  return htmlDocument(frame, {
    title: of.title,
    body,
    ...(of.refreshSec === undefined ? {} : { refreshSec: of.refreshSec }),
  });
}

function menu(frame: Frame, place: Place): Markup {
  return html`<div class="menu" id="menu" popover>
<nav aria-label="Main"><ul role="list">${MENU.filter(
    ({ href }) => href !== '/activity' || frame.me.role !== 'viewer',
  ).map(
    ({ href, name }) => html`<li><a href="${href}"${href === place && html` aria-current="page"`}>${name}</a></li>`,
  )}</ul></nav>
<form class="whoami" method="post" action="/sign-out">${csrfField(frame)}
<a href="/people#you">${frame.me.userName}</a>
<button type="submit">Sign out</button></form>
</div>`;
}

function colophon(frame: Frame, of: Content): Markup {
  return html`<footer class="colophon">
<p>The same ${of.cli !== undefined && html`on the command line: <code>${of.cli}</code>, `}by REST: <code>${of.rest}</code></p>
<p>QuicEther ${frame.version} on ${frame.boxName}${frame.nodeId && html` <span class="mono">…${frame.nodeId.slice(-6)}</span>`}</p>
</footer>`;
}

/**
 * Asks for the live parts of this page; each arrives under its own id and goes where that id is.
 *
 * `beat` changes with every answer of the daemon: what else is quiet is not taken for silence.
 */
function liveSource(topics: readonly string[], of: string | undefined): Markup {
  const query = queryOf({ show: ['beat', ...topics].join(','), of });
  return html`<div id="live" hidden hx-sse:connect="/events${query}" hx-swap="none"></div><span id="beat" hidden></span>`;
}
