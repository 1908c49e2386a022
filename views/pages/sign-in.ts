import { gate } from '../gate.ts';
import { html, type Markup } from '../markup.ts';
import type { Mistakes, Page } from '../model.ts';
import { codeField, field, postForm } from '../parts/form.ts';
import { title } from '../parts/sheet.ts';

export interface SignInModel {
  readonly userName: string;
  /** Path to go to afterwards; checked by who takes the form, not here. */
  readonly next: string;
  /** By field: `user_name`, `password`. */
  readonly mistakes: Mistakes;
}

const FOOT = 'Wrong tries make the next one wait, for this computer only.';

/** Name and password. Posts to `/sign-in`. */
export function signInPage(page: Page, model: SignInModel): Markup {
  const form = postForm(
    page,
    '/sign-in',
    html`<input type="hidden" name="next" value="${model.next}">
${field(page, { id: 'user_name', label: 'Your name', autocomplete: 'username', most: 64, required: true, value: model.userName, error: model.mistakes['user_name'] })}
${field(page, { id: 'password', label: 'Password', type: 'password', autocomplete: 'current-password', most: 1024, required: true, error: model.mistakes['password'] })}
<p class="actions"><button class="button button-main" type="submit">Sign in</button></p>`,
    { class: 'stack' },
  );
  const body = html`${title(`Sign in to ${page.boxName}`, null)}
<section class="panel stack" aria-labelledby="step"><h2 id="step">Your name and password</h2>${form}
<details><summary>I forgot my password</summary><p class="small">An owner can remove you under People and add you again. If you are the only owner: connect a screen and a keyboard to the box and run <code>quicether user reset-password</code> there. Nobody can do this over the network.</p></details></section>`;
  return gate(page, { title: 'Sign in', small: page.boxName, body, foot: FOOT, narrow: true });
}

export interface SignInCodeModel {
  readonly userName: string;
  /** What the first step gave; the second hands it back. */
  readonly ticket: string;
  readonly next: string;
  /** By field: `code`, `recovery`. */
  readonly mistakes: Mistakes;
}

/** The code from the phone, or one of the recovery codes. Posts to `/sign-in/code`. */
export function signInCodePage(page: Page, model: SignInCodeModel): Markup {
  const hidden = html`<input type="hidden" name="ticket" value="${model.ticket}"><input type="hidden" name="next" value="${model.next}">`;
  const phone = postForm(
    page,
    '/sign-in/code',
    html`${hidden}${codeField(page, 'code', model.mistakes['code'])}
<p class="actions"><button class="button button-main" type="submit">Sign in</button></p>`,
    { class: 'stack' },
  );
  const recovery = postForm(
    page,
    '/sign-in/code',
    html`${hidden}${field(page, {
      id: 'recovery',
      name: 'code',
      label: 'One of your recovery codes',
      class: 'code-input',
      autocomplete: 'off',
      most: 64,
      required: true,
      hint: 'Each works once.',
      error: model.mistakes['recovery'],
      more: html` spellcheck="false"`,
    })}<button class="button" type="submit">Sign in with this code</button>`,
    { class: 'stack' },
  );
  const body = html`${title(`Sign in to ${page.boxName}`, null)}
<section class="panel stack" aria-labelledby="step"><h2 id="step">Step 2 of 2: the code from your phone</h2>
<p class="small">Signing in as <strong>${model.userName}</strong>. <a href="/sign-in">Not you?</a></p>${phone}
<details${model.mistakes['recovery'] && html` open`}><summary>I do not have my phone</summary>${recovery}</details></section>`;
  return gate(page, { title: 'Sign in', small: page.boxName, body, foot: FOOT, narrow: true });
}
