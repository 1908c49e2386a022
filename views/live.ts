import { html, type Markup } from './markup.ts';
import type { AuditEvent, Line, OfficeDetail, Offices, Update } from './model.ts';
import { entryList } from './pages/activity.ts';
import { askingNow } from './pages/add-office.ts';
import { attentionPart, type HomeModel, type LiveContext, linesPart, officesPart, verdictPart } from './pages/home.ts';
import { lineCards } from './pages/lines.ts';
import { numbersPart, officeHead, pathsPart, problemPart } from './pages/office.ts';
import { updatePart } from './pages/system.ts';
import { pulseLine } from './parts/pulse.ts';

/** Parts of a page by the id each replaces; a page that has no such id takes no notice. */
export type LiveParts = Readonly<Record<string, Markup>>;

/** Packs a part so that it takes the place of what has its id, touching only what differs. */
function partial(id: string, part: Markup): Markup {
  return html`<hx-partial hx-target="#${id}" hx-swap="outerMorph">${part}</hx-partial>`;
}

function packed(parts: LiveParts): LiveParts {
  return Object.fromEntries(Object.entries(parts).map(([id, part]) => [id, partial(id, part)]));
}

/** Home and the list of offices. */
export function homeParts(page: LiveContext, model: HomeModel): LiveParts {
  return packed({
    verdict: verdictPart(page, model),
    'attention-part': attentionPart(page, model),
    'office-list': officesPart(page, model),
    'line-list': linesPart(page, model.lines),
  });
}

/** Changes with every answer of the daemon, and shows nothing. */
export function beatParts(nowMs: number): LiveParts {
  return packed({ beat: html`<span id="beat" hidden>${nowMs}</span>` });
}

/** The line under the menu. */
export function pulseParts(page: LiveContext, offices: Offices | null): LiveParts {
  return packed({ pulse: pulseLine(page, offices) });
}

/** What changes of one office; its history does not: it is asked for with the page. */
export function officeParts(page: LiveContext, office: OfficeDetail): LiveParts {
  return packed({
    'office-state': officeHead(page, office),
    'office-problem': problemPart(page, office),
    'office-paths': pathsPart(page, office),
    'office-numbers': numbersPart(office),
  });
}

/** Who asks to connect. */
export function askingParts(offices: Offices): LiveParts {
  return packed({ 'asking-now': askingNow(offices.pending) });
}

export function lineParts(page: LiveContext, lines: readonly Line[]): LiveParts {
  return packed({ 'line-cards': lineCards(page, lines) });
}

export function activityParts(page: LiveContext, events: readonly AuditEvent[]): LiveParts {
  return packed({ 'audit-log': entryList(page, { events, filter: { who: '', event: '', text: '' } }) });
}

export function updateParts(page: LiveContext, update: Update): LiveParts {
  return packed({ 'update-state': updatePart(page, update) });
}
