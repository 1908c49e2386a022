import { html, type Markup } from '../markup.ts';
import type { Office, Page, Shape } from '../model.ts';

export const WORD_OF: Readonly<Record<Shape, string>> = {
  working: 'Working',
  degraded: 'Degraded',
  failed: 'Not working',
  unknown: 'Unknown',
  busy: 'Working on it',
};

/** What parts of a page need of it: where the drawings are. */
export type Assets = Pick<Page, 'asset'>;

/** One drawing out of the sprite; it says nothing by itself. */
export function icon(page: Assets, name: string): Markup {
  return html`<svg class="icon" aria-hidden="true"><use href="${page.asset('icons.svg')}#${name}"/></svg>`;
}

/** A state as shape and word; the word may be fitted, the shape may not. */
export function state(page: Assets, shape: Shape, word: string = WORD_OF[shape]): Markup {
  return html`<span class="state" data-state="${shape}">${icon(page, shape)} ${word}</span>`;
}

/** How an office is drawn: one that has to be accepted there waits for a person, which is no fault. */
export function officeShape({ state: condition, waiting }: Pick<Office, 'state' | 'waiting'>): [Shape, string] {
  return waiting ? ['busy', 'Waiting to be accepted there'] : [condition, WORD_OF[condition]];
}

/** The same as a paragraph of its own, as rows and cards begin with. */
export function stateLine(page: Assets, shape: Shape, word: string = WORD_OF[shape]): Markup {
  return html`<p class="state" data-state="${shape}">${icon(page, shape)} ${word}</p>`;
}
