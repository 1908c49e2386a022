import { gate } from '../gate.ts';
import { html, type Markup } from '../markup.ts';
import type { Mistakes, Page } from '../model.ts';
import { field, fieldError, postForm } from '../parts/form.ts';
import { sheet, title } from '../parts/sheet.ts';
import { fingerprintWords } from '../parts/words.ts';

/** The rule that the daemon keeps, said before it has to. */
const SHORTEST_PASSWORD = 12;
/** The daemon's rule for names (`user-name.ts`), which lowers capitals and takes blanks off both ends. */
const NAME_PATTERN = '\\s*[A-Za-z][A-Za-z0-9._@+\\-]{0,63}\\s*';

export interface ClaimModel {
  /** Six words over the certificate, as the box's screen shows them. */
  readonly words: readonly string[];
  /** `9C:41:7B:...`, SHA-256. */
  readonly fingerprint: string;
  readonly userName: string;
  readonly code: string;
  /** The words were compared already: something else was wrong. */
  readonly isCompared?: boolean;
  /** By field: `same`, `code`, `user_name`, `password`, `password_again`. */
  readonly mistakes: Mistakes;
}

/** The first page of a new box: compare the words, make it yours. Posts to `/claim`. */
export function claimPage(page: Page, model: ClaimModel): Markup {
  const body = html`${title(
    'Set up this box',
    html`<p>Two short steps on this page, about a minute. You do not need the internet yet.</p>`,
  )}${postForm(page, '/claim', [compare(page, model), own(page, model)])}`;
  return gate(page, {
    title: 'Set up this box',
    small: `new box ${page.boxName}`,
    body,
    foot: 'Stuck? Switch the box off and on: setup starts again here and nothing is lost.',
  });
}

function compare(page: Page, model: ClaimModel): Markup {
  return sheet(
    'compare',
    '1. Compare six words',
    html`<p>They prove that this page comes from your box and not from somebody in between.</p>`,
    html`<p>Your browser warned you before it opened this page. That is normal for a new box: nobody else vouches for it, so you do. Look at a screen plugged into the box, or at what it printed when it started.</p>
${fingerprintWords('Certificate fingerprint in words', model.words)}
<label class="option" for="same"><input type="checkbox" id="same" name="same" value="yes" required${model.isCompared && html` checked`}${
      model.mistakes['same'] && html` aria-invalid="true" aria-describedby="same-error"`
    }>
<span>The six words on the box are the same <small>If even one is different, stop: unplug the box from the internet and call your consultant.</small></span></label>
${fieldError(page, 'same', model.mistakes['same'])}
<details><summary>For your consultant: the full fingerprint</summary><p><code>SHA-256 ${model.fingerprint}</code></p></details>`,
  );
}

function own(page: Page, { mistakes, userName, code }: ClaimModel): Markup {
  const password = (id: string, label: string, hint?: string) =>
    field(page, {
      id,
      label,
      type: 'password',
      autocomplete: 'new-password',
      least: SHORTEST_PASSWORD,
      most: 1024,
      required: true,
      error: mistakes[id],
      hint,
    });
  return sheet(
    'own',
    '2. Make it yours',
    html`<p>The claim code works once. After that only your password opens this box.</p>`,
    html`<div class="halves"><div>
${field(page, {
  id: 'code',
  label: 'Claim code',
  class: 'code-input',
  autocomplete: 'off',
  placeholder: 'XXXX-XXXX-XXXX',
  most: 64,
  required: true,
  value: code,
  error: mistakes['code'],
  hint: 'Shown beside the six words. Dashes and small letters do not matter.',
  more: html` autocapitalize="characters" spellcheck="false"`,
})}
${field(page, {
  id: 'user_name',
  label: 'Your name',
  autocomplete: 'username',
  most: 64,
  required: true,
  value: userName,
  more: html` pattern="${NAME_PATTERN}" title="Begin with a letter; letters a to z, digits and . _ @ + - may follow, without blanks" autocapitalize="none" spellcheck="false"`,
  error: mistakes['user_name'],
  hint: 'Without blanks, as in james or james.hartley. You sign in with it, and it stands beside every change you make.',
})}</div><div>
${password('password', 'Choose a password', `At least ${SHORTEST_PASSWORD} characters. A short sentence is fine.`)}
${password('password_again', 'The same password again')}</div></div>
<p class="actions"><button class="button button-main" type="submit">Make this box mine</button></p>`,
  );
}
