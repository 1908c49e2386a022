import { html, idOf, type Markup, type Part } from '../markup.ts';
import type { Me, Page, Role } from '../model.ts';
import { type Assets, icon } from './state.ts';

/** What proves that a form came from our own page. */
export function csrfField(page: Pick<Page, 'csrf'>): Markup {
  return html`<input type="hidden" name="csrf" value="${page.csrf}">`;
}

/** A form that changes something. */
export function postForm(
  page: Pick<Page, 'csrf'>,
  action: string,
  body: Part,
  more: { readonly class?: string; readonly upload?: boolean; readonly id?: string; readonly label?: string } = {},
): Markup {
  return html`<form method="post" action="${action}"${more.class && html` class="${more.class}"`}${
    more.id && html` id="${more.id}"`
  }${more.label && html` aria-label="${more.label}"`}${more.upload && html` enctype="multipart/form-data"`}>${csrfField(page)}${body}</form>`;
}

export interface Field {
  readonly id: string;
  /** Name it is sent under; the id when left out. */
  readonly name?: string;
  readonly label: string;
  readonly hint?: Part;
  readonly error?: string | undefined;
  readonly value?: string | undefined;
  readonly type?: 'text' | 'password' | 'search' | 'number' | 'file' | 'email';
  readonly required?: boolean;
  readonly autocomplete?: string;
  readonly class?: string;
  readonly placeholder?: string;
  readonly most?: number;
  readonly least?: number;
  /** Further attributes that do not come from outside. */
  readonly more?: Markup;
}

/** A label, its control, the mistake between and the hint below. */
export function field(page: Assets, of: Field): Markup {
  const described = [of.error ? `${of.id}-error` : '', of.hint ? `${of.id}-hint` : ''].filter(Boolean).join(' ');
  return html`<div class="field"><label for="${of.id}">${of.label}</label>
<input type="${of.type ?? 'text'}" id="${of.id}" name="${of.name ?? of.id}"${attributesOf(of, described)}>
${fieldError(page, of.id, of.error)}${of.hint && html`<p class="hint" id="${of.id}-hint">${of.hint}</p>`}</div>`;
}

function attributesOf(of: Field, described: string): readonly Part[] {
  return [
    of.class && html` class="${of.class}"`,
    of.value !== undefined && html` value="${of.value}"`,
    of.autocomplete && html` autocomplete="${of.autocomplete}"`,
    of.placeholder && html` placeholder="${of.placeholder}"`,
    of.most && html` maxlength="${of.most}"`,
    of.least && html` minlength="${of.least}"`,
    of.error && html` aria-invalid="true"`,
    described && html` aria-describedby="${described}"`,
    of.more,
    of.required && html` required`,
  ];
}

/** Why a field was not taken. */
export function fieldError(page: Assets, id: string, error: string | undefined): Markup | null {
  return error
    ? html`<p class="error" id="${id}-error" role="alert">${icon(page, 'failed')} <span>${error}</span></p>`
    : null;
}

export interface Choice {
  readonly value: string;
  readonly text: string;
}

/** A label and a list to choose from. */
export function select(id: string, name: string, label: string, choices: readonly Choice[], chosen: string): Markup {
  return html`<div class="field"><label for="${id}">${label}</label><select id="${id}" name="${name}">${choices.map(
    ({ value, text }) => html`<option value="${value}"${value === chosen && html` selected`}>${text}</option>`,
  )}</select></div>`;
}

/** What a role may do, in the words a person chooses by. */
export const ROLE_WORDS: Readonly<Record<Role, string>> = {
  owner: 'do everything (owner)',
  admin: 'change settings (admin)',
  operator: 'read everything (operator)',
  viewer: 'look only (viewer)',
};

/**
 * The password once more, beside something that cannot be undone; nothing while it was just given.
 *
 * A phone code too where one is set up: the password alone would make the second factor worth less.
 */
export function passwordAgain(
  page: Assets & { readonly me: Me; readonly when: { readonly nowMs: number } },
  prefix: string,
  errors: { readonly password?: string | undefined; readonly code?: string | undefined } = {},
): Markup | null {
  const { passwordUntilMs, secondFactor } = page.me;
  // A form that stands open for a minute must still be taken when it is sent.
  if (passwordUntilMs !== null && passwordUntilMs > page.when.nowMs + 60_000) return null;
  return html`${field(page, {
    id: idOf(prefix, 'password'),
    name: 'password',
    label: 'Your password',
    type: 'password',
    autocomplete: 'current-password',
    required: true,
    error: errors.password,
  })}${secondFactor && codeField(page, idOf(prefix, 'code'), errors.code)}`;
}

/** Six digits from the phone, or a recovery code. */
export function codeField(page: Assets, id: string, error?: string): Markup {
  return field(page, {
    id,
    name: 'code',
    label: 'Six digits from your authenticator app',
    class: 'code-input',
    autocomplete: 'one-time-code',
    required: true,
    most: 32,
    error,
    more: html` inputmode="numeric" spellcheck="false"`,
  });
}
