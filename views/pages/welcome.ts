import { html, type Markup } from '../markup.ts';
import { type Frame, type Line, mayChange } from '../model.ts';
import { facts, sheet } from '../parts/sheet.ts';
import { icon, stateLine } from '../parts/state.ts';
import { fingerprintWords } from '../parts/words.ts';
import { shell } from '../shell.ts';
import { linesPart } from './home.ts';

export interface WelcomeModel {
  readonly lines: readonly Line[];
  /** The identity of this box as words, for the person at the other box to compare. */
  readonly words: readonly string[];
  /** Where other boxes reach this one, as far as it knows: `192.0.2.7:9000`. */
  readonly addresses: readonly string[];
}

/** Home before there is another office: what is there, and the one next step. */
export function welcomePage(frame: Frame, model: WelcomeModel): Markup {
  const body = html`<div class="verdict" id="welcome"><div role="status">${stateLine(frame, 'unknown', 'Nothing to check yet')}
<h1>${frame.boxName} is ready. It is not connected to another office yet.</h1>
<p class="muted">As soon as there is one, this page says whether it works.</p></div>
<p class="actions">${
    mayChange(frame.me)
      ? html`<a class="button button-main" href="/offices/add">${icon(frame, 'plus')} Add an office</a>`
      : 'An admin or owner adds one.'
  }</p></div>
<div id="attention-part"></div>
${sheet('steps', 'How two offices find each other', html`<p>About five minutes, once for each office.</p>`, STEPS)}
${identitySheet(frame, model)}
${sheet('lines', 'What it found', html`<p>The internet lines of this box, as it sees them now.</p>`, linesPart(frame, model.lines))}`;
  return shell(frame, {
    title: 'Welcome',
    place: '/',
    noPulse: true,
    live: ['home'],
    refreshSec: 30,
    cli: 'quicether status',
    rest: 'GET /api/v1/offices',
    body,
  });
}

const STEPS = html`<ol class="steps steps-row" role="list">
<li><span>Set up the box in the other office as you did this one.</span></li>
<li><span>On one of the two, choose “Add an office” and type the identity and address of the other.</span></li>
<li><span>The other box then shows under “Asking to connect”. Compare six words and accept it.</span></li>
<li><span>Both home pages say “Working” as soon as an answer came back through the tunnel.</span></li></ol>`;

/** What somebody at the other box has to type or compare. */
export function identitySheet(frame: Frame, { words, addresses }: Pick<WelcomeModel, 'words' | 'addresses'>): Markup {
  return sheet(
    'identity',
    'What the other box needs',
    html`<p>Copy these to the person who adds ${frame.boxName} there.</p>`,
    html`${facts([
      ['Identity of this box', html`<code class="long-code">${frame.nodeId ?? 'not known yet'}</code>`],
      ['Its address', html`<code class="long-code">${addresses.join(' ') || 'not known yet'}</code>`],
    ])}
<p class="small">The same identity in six words, to compare by telephone:</p>
${fingerprintWords('Identity of this box in words', words)}
<p class="hint">An address of a network at home or in an office (192.168…, 10…) works only from inside it. From outside it is the address of the router, which has to pass UDP port 9000 on to this box; one of the two boxes must be reachable that way.</p>`,
  );
}
