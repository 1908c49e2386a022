import { gate } from '../gate.ts';
import { html, type Markup } from '../markup.ts';
import type { Page, Shape } from '../model.ts';
import { stateLine } from '../parts/state.ts';

export interface ErrorModel {
  readonly status: number;
  /** What happened, when the answer knows more than its number: a failure's sentence. */
  readonly message?: string | undefined;
  readonly remedy?: string | undefined;
  /** Of the failure, for the consultant: `permission.role`. */
  readonly code?: string | undefined;
  /** In place of what the number says. */
  readonly heading?: string;
  /** Where to go on, in place of what the number says. */
  readonly next?: { readonly href: string; readonly text: string };
  /** Asking again does no harm: it was asked to be shown something. */
  readonly canRepeat?: boolean;
}

interface Told {
  readonly shape: Shape;
  readonly heading: string;
  readonly what: string;
  readonly next: { readonly href: string; readonly text: string };
}

const HOME = { href: '/', text: 'Go to the home page' };

const TOLD: Readonly<Record<number, Told>> = {
  400: {
    shape: 'failed',
    heading: 'The box did not understand this',
    what: 'What your browser sent was not a form of this box. Nothing has changed.',
    next: HOME,
  },
  401: {
    shape: 'unknown',
    heading: 'Sign in to see this page',
    what: 'You are not signed in, or you were signed out because nothing happened for a while. Nothing has changed.',
    next: { href: '/sign-in', text: 'Sign in' },
  },
  403: {
    shape: 'failed',
    heading: 'You may not do this',
    what: 'Your role does not allow it. An owner can change your role under People. Nothing has changed.',
    next: HOME,
  },
  404: {
    shape: 'unknown',
    heading: 'There is no such page',
    what: 'The address is wrong, or what it showed has been removed.',
    next: HOME,
  },
  413: {
    shape: 'failed',
    heading: 'This is too large',
    what: 'The box takes less than your browser sent. Nothing has changed.',
    next: HOME,
  },
  421: {
    shape: 'failed',
    heading: 'This box does not go by that name',
    what: 'The address in your browser is not one of this box’s own. Open it by the address that it shows on its screen.',
    next: HOME,
  },
  429: {
    shape: 'busy',
    heading: 'Too many tries',
    what: 'The next one has to wait, for this computer only. Nobody is locked out.',
    next: { href: '/sign-in', text: 'Try again' },
  },
  500: {
    shape: 'failed',
    heading: 'This page broke',
    what: 'It is our mistake, not yours. The offices stay connected. The log of the box has the details.',
    next: HOME,
  },
  503: {
    shape: 'unknown',
    heading: 'The box’s control service is not answering',
    what: 'Offices that are connected stay connected. It starts again by itself, usually within half a minute; this page then comes back.',
    next: { href: '', text: 'Try again' },
  },
};

const OTHER: Told = { shape: 'failed', heading: 'This did not work', what: 'Nothing has changed.', next: HOME };

/** Why there is no page: what is wrong, then what to do. */
export function errorPage(page: Page, model: ErrorModel): Markup {
  const usual = TOLD[model.status] ?? OTHER;
  const told = { ...usual, heading: model.heading ?? usual.heading, next: model.next ?? usual.next };
  const body = html`<header class="title"><div>${stateLine(page, told.shape, told.heading)}
<h1>${sentence(model.message) ?? told.heading}</h1><p>${sentence(model.remedy) ?? told.what}</p>
${model.status === 503 && html`<p class="muted"${model.canRepeat && html` data-again`}>What you saw before may be out of date by now.</p>`}</div></header>
<p class="actions"><a class="button button-main" href="${told.next.href}">${told.next.text}</a></p>`;
  return gate(page, {
    title: told.heading,
    small: page.boxName,
    body,
    foot: html`For your consultant: HTTP ${model.status}${model.code && html`, <code>${model.code}</code>`}`,
    narrow: true,
    ...(model.status === 503 && model.canRepeat ? { refreshSec: 5 } : {}),
  });
}

/** As a person writes it: failures are made for logs too. */
function sentence(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
