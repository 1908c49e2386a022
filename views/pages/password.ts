import { gate } from '../gate.ts';
import { html, type Markup } from '../markup.ts';
import type { Mistakes, Page } from '../model.ts';
import { codeField, field, postForm } from '../parts/form.ts';
import { title } from '../parts/sheet.ts';

export interface PasswordModel {
  /** Path to go to afterwards; checked by who takes the form, not here. */
  readonly next: string;
  readonly needsCode: boolean;
  /** By field: `password`, `code`. */
  readonly mistakes: Mistakes;
}

/** The password once more, before something that asks for it. Posts to `/password`. */
export function passwordPage(page: Page, { next, needsCode, mistakes }: PasswordModel): Markup {
  const form = postForm(
    page,
    '/password',
    html`<input type="hidden" name="next" value="${next}">
${field(page, { id: 'password', label: 'Your password', type: 'password', autocomplete: 'current-password', most: 1024, required: true, error: mistakes['password'] })}
${needsCode && codeField(page, 'code', mistakes['code'])}
<p class="actions"><button class="button button-main" type="submit">Go on</button> <a href="${next}">Leave everything as it is</a></p>`,
    { class: 'stack' },
  );
  const body = html`${title('Your password again', html`<p>What you wanted to do cannot be taken back easily, so the box asks who you are. Nothing has changed yet.</p>`)}
<section class="panel stack" aria-label="Your password again">${form}</section>`;
  return gate(page, {
    title: 'Your password again',
    small: page.boxName,
    body,
    foot: 'It holds for five minutes. Then press the button once more.',
    narrow: true,
  });
}

/** This box asks for a second factor and whoever signed in has none: the one thing he can do. */
export function enrolPage(page: Page): Markup {
  const body = html`${title('Set up a phone code first', html`<p>This box asks everybody for a code from a phone besides the password, and you have none yet.</p>`)}
<section class="panel stack" aria-label="Set up a phone code">
<p>You need an authenticator app on your phone. It takes a minute, and works without the internet.</p>
${postForm(page, '/people/second-factor', html`${field(page, { id: 'password', label: 'Your password', type: 'password', autocomplete: 'current-password', most: 1024, required: true })}<p class="actions"><button class="button button-main" type="submit">Set up a phone code</button></p>`)}
${postForm(page, '/sign-out', html`<button class="button" type="submit">Sign out</button>`)}</section>`;
  return gate(page, { title: 'Set up a phone code', small: page.boxName, body, narrow: true });
}
