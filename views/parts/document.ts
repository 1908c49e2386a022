import { html, type Markup, type Part } from '../markup.ts';
import type { Page } from '../model.ts';

const MARK = html`<svg viewBox="0 0 36 28" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" aria-hidden="true"><path d="M2 4c11 0 10 10 20 10M2 14h20M2 24c11 0 10-10 20-10"/><path stroke-width="6" d="M25 14h7"/></svg>`;

/** No history, no styles of its own, no extension but the one that is here: what it may do is told, not left to it. */
const HTMX = JSON.stringify({
  history: false,
  includeIndicatorCSS: false,
  extensions: 'sse',
  defaultTimeout: 20_000,
  // What a reader has opened stays open when the list around it changes.
  morphIgnore: ['data-htmx-powered', 'open'],
});

export interface Document {
  readonly title: string;
  readonly bodyClass?: string;
  /** Without script the page asks again by itself after so many seconds; pages with long forms do not. */
  readonly refreshSec?: number;
  readonly body: Part;
}

/** A whole page around its body. */
export function htmlDocument(page: Page, of: Document): Markup {
  return html`<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${of.title} · ${page.boxName} · QuicEther</title>
<link rel="stylesheet" href="${page.asset('style.css')}">
<link rel="icon" type="image/svg+xml" href="${page.asset('mark.svg')}">
<meta name="htmx-config" content="${HTMX}">
${['htmx.js', 'live.js'].map((name) => html`<script defer nonce="${page.nonce}" src="${page.asset(name)}"></script>`)}
${of.refreshSec && html`<noscript><meta http-equiv="refresh" content="${of.refreshSec}"></noscript>`}
</head>
<body${of.bodyClass && html` class="${of.bodyClass}"`}>
<a class="skip" href="#main">Skip to content</a>
${of.body}
</body>
</html>`;
}

/** Logo, product and whose box this is. */
export function brand(name: string, small: string, href: string | null): Markup {
  const inside = html`${MARK}<span>${name} <small>${small}</small></span>`;
  return href === null ? html`<p class="brand">${inside}</p>` : html`<a class="brand" href="${href}">${inside}</a>`;
}
