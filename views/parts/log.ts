import { html, type Markup } from '../markup.ts';
import type { AuditEvent, Shape } from '../model.ts';
import { columnTime, timeElement, type When } from '../words/time.ts';
import { type Assets, icon, state } from './state.ts';

export interface LogOptions {
  readonly id: string;
  readonly label: string;
  /** Whether each entry can be opened to see what is stored. */
  readonly full?: boolean;
}

/** Entries of the audit, newest first; new ones are announced as they come. */
export function log(page: Assets & { readonly when: When }, events: readonly AuditEvent[], of: LogOptions): Markup {
  return html`<div role="log" aria-label="${of.label}" id="${of.id}"><ol class="log" role="list">${events.map((event) => entry(page, event, of.full))}</ol></div>`;
}

/** Identities are for programs: their ends tell them apart well enough to read. */
function readable(text: string): string {
  return text.replace(/\bqe1[0-9a-z]{20,}/g, (id) => `…${id.slice(-6)}`);
}

/** What is told of what was done, by what is said of what was only tried. */
const TRIED: Readonly<Record<string, string>> = {
  accepted: 'accept',
  added: 'add',
  asked: 'ask',
  began: 'begin',
  changed: 'change',
  claimed: 'claim',
  collected: 'collect',
  confirmed: 'confirm',
  ended: 'end',
  made: 'make',
  removed: 'remove',
  reset: 'reset',
  restarted: 'restart',
  stopped: 'stop',
  took: 'take',
  turned: 'turn',
};

/** What came of nothing is not told as if it were done; codes are for programs, and stand in the whole entry. */
function told({ detail, event, outcome }: AuditEvent): string {
  if (outcome === 'done' || detail === '') return readable(detail || event);
  const plain = detail.replace(/(^|; )[a-z-]+\.[a-z0-9-]+: (?:(?:address|node_id|name): )?/g, '$1');
  return readable(plain.replace(/^[a-z]+(?= )/, (word) => (TRIED[word] ? `tried to ${TRIED[word]}` : word)));
}

/** Where it came from: `page, 192.0.2.31`. */
function origin({ surface, source }: AuditEvent): string {
  return [surface, source].filter((one) => one !== null && one !== '').join(', ');
}

function entry(page: Assets & { readonly when: When }, event: AuditEvent, isFull = false): Markup {
  return html`<li id="entry-${event.seq}">${timeElement(event.ts_ms, columnTime(event.ts_ms, page.when))}
${kind(page, event)}<span>${event.who && html`<b>${event.who}</b> `}${told(event)}</span><span class="muted">${origin(event)}</span>
${isFull && html`<details><summary>Entry ${event.seq} in full</summary><pre tabindex="0"><code>${JSON.stringify(event, null, 1)}</code></pre></details>`}</li>`;
}

interface Kind {
  readonly word: string;
  readonly drawing: string;
}

/** What entries are called and drawn as, by the beginning of their event. */
const KINDS: readonly (readonly [RegExp, Kind])[] = [
  [/^(session|person|people|user|sign|claim|password|second|totp|token)/, { word: 'Sign-in', drawing: 'person' }],
  [/^(peer|office)\.(up|connected)/, { word: 'Connected', drawing: 'link' }],
  [/^(update|system)/, { word: 'System', drawing: 'update' }],
  [/^audit/, { word: 'Log', drawing: 'lock' }],
];

function kind(page: Assets, event: AuditEvent): Markup {
  if (event.outcome === 'refused') return plain(page, { word: 'Refused', drawing: 'block' });
  if (event.outcome === 'failed') return shaped(page, 'failed', 'Failed');
  if (/^(peer|office)\.(down|lost|disconnected)/.test(event.event)) return shaped(page, 'unknown', 'Silent');
  const found = KINDS.find(([pattern]) => pattern.test(event.event))?.[1];
  return plain(page, found ?? { word: 'Change', drawing: 'change' });
}

function shaped(page: Assets, shape: Shape, word: string): Markup {
  return state(page, shape, word);
}

function plain(page: Assets, { word, drawing }: Kind): Markup {
  return html`<span class="state">${icon(page, drawing)} ${word}</span>`;
}
