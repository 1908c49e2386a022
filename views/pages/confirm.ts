import { html, type Markup } from '../markup.ts';
import type { Frame, Mistakes } from '../model.ts';
import { codeField, field, postForm } from '../parts/form.ts';
import { sheet, title } from '../parts/sheet.ts';
import type { Place } from '../shell.ts';
import { shell } from '../shell.ts';

export interface ConfirmModel {
  /** What is about to be done, as a button says it: "Remove Bradford". */
  readonly what: string;
  /** Where the form goes that was stopped for the password. */
  readonly action: string;
  /** What it held, to be sent again with the password. */
  readonly fields: readonly (readonly [string, string])[];
  /** Where to go instead. */
  readonly back: string;
  readonly place: Place;
  /** By field: `password`, `code`. */
  readonly mistakes: Mistakes;
}

/** The password again, before something that a stolen session must not be able to do. */
export function confirmPage(frame: Frame, model: ConfirmModel): Markup {
  return shell(frame, {
    title: 'Your password again',
    place: model.place,
    cli: 'quicether',
    rest: 'POST /api/v1/password',
    body: html`${title('Your password again', html`<p>Then: ${model.what}. You are not asked again for five minutes.</p>`)}
${sheet(
  'again',
  'Is it you?',
  html`<p>A browser that somebody else found open must not be able to do this.</p>`,
  postForm(
    frame,
    model.action,
    html`${model.fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
${field(frame, { id: 'password', label: 'Your password', type: 'password', autocomplete: 'current-password', most: 1024, required: true, error: model.mistakes['password'] })}
${frame.me.secondFactor && codeField(frame, 'code', model.mistakes['code'])}
<p class="actions"><button class="button button-main" type="submit">${model.what}</button><a class="button" href="${model.back}">Leave it as it is</a></p>`,
    { class: 'stack gate-narrow' },
  ),
)}`,
  });
}
