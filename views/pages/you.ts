import { html, type Markup } from '../markup.ts';
import type { Frame, Mistakes, SignedIn } from '../model.ts';
import { codeField, csrfField, field, passwordAgain, postForm } from '../parts/form.ts';
import { ledger, sheet, title } from '../parts/sheet.ts';
import { state } from '../parts/state.ts';
import { qrCode } from '../parts/words.ts';
import { shell } from '../shell.ts';
import { roughTime } from '../words/time.ts';

export interface YouModel {
  readonly sessions: readonly SignedIn[];
  readonly mistakes: Mistakes;
}

/** What belongs to who reads the page: password, phone code, browsers that are signed in. */
export function yourSheets(frame: Frame, model: YouModel): Markup {
  return html`${sheet('you', 'You', html`<p>Signed in as ${frame.me.userName}.</p>`, html`${secondFactor(frame, model.mistakes)}${password(frame, model.mistakes)}`)}
${sheet('sessions', 'Signed-in browsers', html`<p>End one that you do not know, and change your password.</p>`, sessions(frame, model.sessions))}`;
}

function secondFactor(frame: Frame, mistakes: Mistakes): Markup {
  if (!frame.me.secondFactor) {
    return html`<p>${state(frame, 'degraded', 'Phone code off')} Your password alone opens this box.</p>
${postForm(
  frame,
  '/people/second-factor',
  html`${passwordAgain(frame, 'enrol', { password: mistakes['enrol_password'] })}<button class="button" type="submit">Set up a phone code</button>`,
  { class: 'stack' },
)}`;
  }
  return html`<p>${state(frame, 'working', 'Phone code on')} Signing in takes your password and a code from your phone.</p>
<details${(mistakes['drop_password'] ?? mistakes['drop_code']) && html` open`}><summary>Take the phone code away</summary>${postForm(
    frame,
    '/people/second-factor/drop',
    html`<p class="small">From then on your password alone opens this box. Your recovery codes stop working too.</p>
${passwordAgain(frame, 'drop', { password: mistakes['drop_password'], code: mistakes['drop_code'] })}<button class="button button-danger" type="submit">Take the phone code away</button>`,
    { class: 'stack' },
  )}</details>`;
}

function password(frame: Frame, mistakes: Mistakes): Markup {
  const form = postForm(
    frame,
    '/people/password',
    html`<div class="halves">${field(frame, { id: 'old_password', label: 'Your password now', type: 'password', autocomplete: 'current-password', most: 1024, required: true, error: mistakes['old_password'] })}
${field(frame, { id: 'own_password', label: 'The new one', type: 'password', autocomplete: 'new-password', least: 12, most: 1024, required: true, error: mistakes['own_password'], hint: 'At least 12 characters. A short sentence is fine.' })}</div>
<p class="small">Your other browsers are signed out.</p><button class="button" type="submit">Change the password</button>`,
    { class: 'stack' },
  );
  const isOpen = mistakes['old_password'] !== undefined || mistakes['own_password'] !== undefined;
  return html`<details${isOpen && html` open`}><summary>Change your password</summary>${form}</details>`;
}

function sessions(frame: Frame, all: readonly SignedIn[]): Markup {
  const columns = [
    ...['Who', 'From', 'With', 'Since', 'Last seen'].map((name) => ({ name })),
    { name: 'End', hidden: true },
  ];
  const rows = all.map(
    (
      one,
    ) => html`<tr><th scope="row">${one.user_name}</th><td class="mono">${one.source ?? 'not known'}</td><td>${one.surface ?? ''}</td>
<td>${roughTime(one.started_ms, frame.when)}</td><td>${one.current ? 'this browser, now' : roughTime(one.seen_ms, frame.when)}</td>
<td>${
      one.current
        ? ''
        : html`<button class="button button-small" type="submit" form="end-session" name="session_id" value="${one.session_id}">End<span class="hidden-text"> the session of ${one.user_name} from ${one.source ?? 'somewhere'}</span></button>`
    }</td></tr>`,
  );
  return html`${ledger('Browsers that are signed in', columns, rows)}
<form id="end-session" method="post" action="/people/sessions/end">${csrfField(frame)}</form>`;
}

export interface SecondFactorModel {
  /** In base32, for phones without a camera. */
  readonly secret: string;
  /** `otpauth://...`, what the QR code holds. */
  readonly uri: string;
  readonly mistakes: Mistakes;
}

/** Scan, then prove that it worked. Posts to `/people/second-factor/confirm`. */
export function secondFactorPage(frame: Frame, model: SecondFactorModel): Markup {
  return shell(frame, {
    title: 'Phone code',
    place: '/people',
    rest: 'POST /api/v1/me/second-factor',
    body: html`${title('Set up a phone code', html`<p>Nothing changes until the code below was right.</p>`, html`<a href="/people#you">People</a> / Phone code`)}
${sheet(
  'scan',
  '1. Scan this',
  html`<p>With an authenticator app: any will do.</p>`,
  html`<div class="ticket">${qrCode(model.uri, 'QR code with the secret for your authenticator app')}
<div class="stack"><p>No camera? Type this into the app:</p><p><code class="long-code">${grouped(model.secret)}</code></p>
<p class="small muted">It stays between this page and your phone: the box shows it only now.</p></div></div>`,
)}
${sheet(
  'prove',
  '2. Type what it shows',
  html`<p>This proves that phone and box agree.</p>`,
  postForm(
    frame,
    '/people/second-factor/confirm',
    html`<input type="hidden" name="secret" value="${model.secret}"><input type="hidden" name="uri" value="${model.uri}">
${codeField(frame, 'code', model.mistakes['code'])}
<p class="actions"><button class="button button-main" type="submit">Switch the phone code on</button><a class="button" href="/people#you">Leave it off</a></p>`,
    { class: 'stack' },
  ),
)}`,
  });
}

function grouped(secret: string): string {
  return (secret.match(/.{1,4}/g) ?? []).join(' ');
}

/** The one time that recovery codes are seen. */
export function recoveryCodesPage(frame: Frame, codes: readonly string[]): Markup {
  return shell(frame, {
    title: 'Recovery codes',
    place: '/people',
    rest: 'POST /api/v1/me/second-factor/confirm',
    body: html`${title(
      'Your phone code is on',
      html`<p><strong>Print or copy these codes now.</strong> Each opens the box once when you do not have your phone. They are not shown again.</p>`,
      html`<a href="/people#you">People</a> / Recovery codes`,
    )}
${sheet(
  'codes',
  'Recovery codes',
  html`<p>Keep them where your phone is not.</p>`,
  html`<ol class="words codes" role="list" aria-label="Recovery codes">${codes.map((code) => html`<li class="mono">${code}</li>`)}</ol>
<p><a class="button" href="/people#you">I have kept them</a></p>`,
)}`,
  });
}
