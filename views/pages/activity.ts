import { html, type Markup, queryOf } from '../markup.ts';
import type { AuditEvent, AuditFilter, ChainState, Frame } from '../model.ts';
import { type Choice, field, postForm, select } from '../parts/form.ts';
import { log } from '../parts/log.ts';
import { emptyList } from '../parts/register.ts';
import { notice, sheet, title } from '../parts/sheet.ts';
import { state } from '../parts/state.ts';
import { shell } from '../shell.ts';
import { exactTime, roughTime, timeElement } from '../words/time.ts';

export interface ActivityModel {
  readonly events: readonly AuditEvent[];
  readonly nextBefore: number | null;
  readonly filter: AuditFilter;
  /** Older ones than this number; null for the newest. */
  readonly before: number | null;
  readonly isLive: boolean;
  /** Null until somebody asks: checking reads every entry. */
  readonly chain: { readonly state: ChainState; readonly checkedMs: number } | null;
}

/** Who did what and what happened: filters, live tail, whether it can be trusted, export. */
export function activityPage(frame: Frame, model: ActivityModel): Markup {
  return shell(frame, {
    title: 'Activity',
    place: '/activity',
    live: isFollowing(model) ? ['activity', 'pulse'] : ['pulse'],
    cli: 'quicether audit tail',
    rest: 'GET /api/v1/audit',
    body: html`${title(
      'Activity',
      html`<p>Everything that happened and who did it. Never what was sent.</p>`,
      null,
      html`<div class="actions"><a class="button" href="/activity/export">Export as JSON lines</a></div>`,
    )}
${sheet('chain', 'Can it be trusted?', html`<p>Each entry seals the one before it.</p>`, chainBody(frame, model))}
${sheet('events', 'Entries', tailState(frame, model), entries(frame, model))}`,
  });
}

/** Live only where nothing is filtered: what arrives has not been asked for otherwise. */
export function isFollowing({ isLive, before, filter }: Pick<ActivityModel, 'isLive' | 'before' | 'filter'>): boolean {
  return isLive && before === null && filter.who === '' && filter.event === '' && filter.text === '';
}

function chainBody(frame: Frame, { chain }: ActivityModel): Markup {
  const again = postForm(
    frame,
    '/activity/verify',
    html`<button class="button button-small" type="submit">${chain ? 'Check again' : 'Check every entry'}</button>`,
    { class: 'actions' },
  );
  return html`<div role="status" id="chain-state">${chain ? checked(frame, chain) : unchecked(frame)}</div>${again}`;
}

function unchecked(frame: Frame): Markup {
  return html`<p>${state(frame, 'unknown', 'Not checked')} Nobody has asked since this page was opened. Checking reads every entry and takes a moment.</p>`;
}

function checked(frame: Frame, { state: chain, checkedMs }: NonNullable<ActivityModel['chain']>): Markup {
  const at = timeElement(checkedMs, exactTime(checkedMs, frame.when));
  if (!chain.intact) {
    return notice(
      frame,
      'failed',
      'The log has been changed or damaged',
      html`<p>${chain.problem ?? 'An entry does not fit the one before it.'}</p><p>Export it now and show it to your consultant. Checked at ${at}.</p>`,
    );
  }
  const amount = chain.events.toLocaleString('en-GB');
  return html`<p>${state(frame, 'working', 'Chain verified')} ${amount} entries, none changed and none missing between them. Checked at ${at}.</p>
${chain.head && html`<p class="small muted">Seal of the last one: <span class="mono">${chain.head}</span></p>`}`;
}

function tailState(frame: Frame, model: ActivityModel): Markup {
  if (isFollowing(model)) {
    return html`<p>New ones appear at the top.</p><p id="tail-state" role="status">${state(frame, 'busy', 'Following live')}</p>
<a class="button button-small" href="/activity?live=no" aria-describedby="tail-state">Pause</a>`;
  }
  return html`<p>This list stands still.</p><a class="button button-small" href="/activity">Follow live</a>`;
}

const KINDS: readonly Choice[] = [
  { value: '', text: 'Everything' },
  { value: 'peer', text: 'Offices: connected, added, removed' },
  { value: 'people', text: 'Signing in' },
  { value: 'user', text: 'People added or changed' },
  { value: 'session', text: 'Browsers signed out' },
  { value: 'token', text: 'API tokens' },
  { value: 'trial', text: 'Changes on trial' },
  { value: 'update', text: 'Updates' },
  { value: 'system', text: 'The box itself' },
  { value: 'audit', text: 'This log' },
];

/** The kinds to choose from; one that came with the address and is not among them stays chosen. */
function kindChoices(chosen: string): readonly Choice[] {
  return KINDS.some(({ value }) => value === chosen) ? KINDS : [...KINDS, { value: chosen, text: chosen }];
}

function entries(frame: Frame, model: ActivityModel): Markup {
  const { filter, events } = model;
  return html`<form class="filters" method="get" action="/activity" role="search" aria-label="Filter entries">
${field(frame, { id: 'text', label: 'Words', type: 'search', value: filter.text, most: 128 })}
${field(frame, { id: 'who', label: 'Person', value: filter.who, most: 64, autocomplete: 'off' })}
${select('event', 'event', 'Kind', kindChoices(filter.event), filter.event)}
<button class="button" type="submit">Filter</button></form>
${entryList(frame, model)}
<nav class="actions" aria-label="More entries">
${model.nextBefore !== null && html`<a class="button" href="/activity${queryOf({ ...filter, before: model.nextBefore })}">Show older entries</a>`}
${model.before !== null && html`<a class="button" href="/activity${queryOf({ ...filter })}">Back to the newest</a>`}
<span class="muted small">${range(frame, events)}</span></nav>`;
}

/** The list itself, also as it comes live. */
export function entryList(page: Parameters<typeof log>[0], model: Pick<ActivityModel, 'events' | 'filter'>): Markup {
  const isFiltered = model.filter.who !== '' || model.filter.event !== '' || model.filter.text !== '';
  if (model.events.length === 0) {
    return html`<div id="audit-log">${emptyList(isFiltered ? 'No entry fits this filter. Take a word away.' : 'What people and offices do will stand here.')}</div>`;
  }
  return log(page, model.events, { id: 'audit-log', label: 'Audit entries', full: true });
}

function range(frame: Frame, events: readonly AuditEvent[]): string {
  const [newest, oldest] = [events[0], events.at(-1)];
  if (!newest || !oldest) return '';
  return `${events.length} entries, from ${roughTime(oldest.ts_ms, frame.when)} to ${roughTime(newest.ts_ms, frame.when)}`;
}
