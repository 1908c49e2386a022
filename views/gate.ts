import { html, type Markup, type Part } from './markup.ts';
import type { Page } from './model.ts';
import { brand, htmlDocument } from './parts/document.ts';
import { word } from './parts/sheet.ts';

export interface Gate {
  readonly title: string;
  /** Beside the logo: which box this is. */
  readonly small: string;
  readonly body: Part;
  readonly foot?: Part;
  readonly narrow?: boolean;
  readonly refreshSec?: number;
}

/** A page from before the sign-in: no menu, no state of anything. */
export function gate(page: Page, of: Gate): Markup {
  return htmlDocument(page, {
    title: of.title,
    bodyClass: of.narrow ? 'gate gate-narrow' : 'gate',
    ...(of.refreshSec === undefined ? {} : { refreshSec: of.refreshSec }),
    body: html`<header class="masthead">${brand('QuicEther', of.small, null)}</header>
<main id="main" tabindex="-1">${word(page, page.word)}${of.body}</main>
${of.foot && html`<footer class="colophon"><p>${of.foot}</p></footer>`}`,
  });
}
