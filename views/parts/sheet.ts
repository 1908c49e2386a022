import { html, type Markup, type Part } from '../markup.ts';
import type { Shape, Word } from '../model.ts';
import { type Assets, icon } from './state.ts';

/** A section: plain words in the margin, facts beside them. */
export function sheet(id: string, title: string, margin: Part, body: Part): Markup {
  return html`<section class="sheet" aria-labelledby="${id}">
<header><h2 id="${id}">${title}</h2>${margin}</header>
<div class="sheet-body">${body}</div>
</section>`;
}

/** The head of a page: where one is, what it answers, at most one action. */
export function title(heading: string, below: Part, crumbs: Part = null, action: Part = null): Markup {
  return html`<header class="title"><div>
${crumbs && html`<p class="crumbs">${crumbs}</p>`}
<h1>${heading}</h1>${below}</div>${action}</header>`;
}

/** One problem, or good news, and what to do about it. */
export function notice(page: Assets, shape: Shape, heading: string, body: Part = null, id = ''): Markup {
  return html`<div class="notice" data-state="${shape}"${id && html` id="${id}"`}>${icon(page, shape)}
<div class="stack"><h3>${heading}</h3>${body}</div></div>`;
}

/** What just happened, said once at the top of the page that follows; focus is brought to it. */
export function word(page: Assets, said: Word | null): Markup | null {
  if (!said) return null;
  return html`<div class="word notice" data-state="${said.state}" role="${said.state === 'failed' ? 'alert' : 'status'}">
${icon(page, said.state)}<div><p><strong>${said.title}</strong></p>${said.detail && html`<p class="small">${said.detail}</p>`}</div></div>`;
}

/** Name and value pairs. */
export function facts(pairs: readonly (readonly [string, Part])[], large = false): Markup {
  return html`<dl class="facts${large && ' facts-large'}">${pairs.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>`;
}

export interface Column {
  readonly name: string;
  readonly number?: boolean;
  /** For columns that hold buttons: said, not shown. */
  readonly hidden?: boolean;
}

/** Numbers to compare; scrolls in its own box, which takes focus so that a keyboard can scroll it. */
export function ledger(
  label: string,
  columns: readonly Column[],
  rows: readonly Part[],
  more: { readonly caption?: string; readonly id?: string } = {},
): Markup {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table class="ledger">
${more.caption && html`<caption>${more.caption}</caption>`}
<thead><tr>${columns.map(
    (column) =>
      html`<th scope="col"${column.number && html` class="num"`}>${
        column.hidden ? html`<span class="hidden-text">${column.name}</span>` : column.name
      }</th>`,
  )}</tr></thead>
<tbody${more.id && html` id="${more.id}"`}>${rows}</tbody></table></div>`;
}
