import { html, idOf, type Markup, type Part } from '../markup.ts';
import type { Frame, Mistakes, Person, Role, SignedIn, Token } from '../model.ts';
import { csrfField, field, passwordAgain, postForm, ROLE_WORDS, select } from '../parts/form.ts';
import { ledger, sheet, title } from '../parts/sheet.ts';
import { state } from '../parts/state.ts';
import { shell } from '../shell.ts';
import { dateOf, roughTime } from '../words/time.ts';
import { yourSheets } from './you.ts';

export interface PeopleModel {
  /** Null for those who may not see them. */
  readonly people: readonly Person[] | null;
  readonly tokens: readonly Token[] | null;
  readonly sessions: readonly SignedIn[];
  readonly typed: Readonly<Record<string, string>>;
  /** By field id, as the forms name them. */
  readonly mistakes: Mistakes;
}

const ROLES: readonly Role[] = ['owner', 'admin', 'operator', 'viewer'];

/** Who may sign in and what each may do; your own password, phone and browsers; tokens for programs. */
export function peoplePage(frame: Frame, model: PeopleModel): Markup {
  return shell(frame, {
    title: 'People',
    place: '/people',
    live: ['pulse'],
    cli: 'quicether user list',
    rest: 'GET /api/v1/users',
    body: html`${title('People', html`<p>A person signs in here. A token is for a program, and runs out.</p>`)}
${yourSheets(frame, model)}
${model.people && peopleSheet(frame, model, model.people)}
${model.people && frame.me.role === 'owner' && addPersonSheet(frame, model)}
${model.tokens && tokensSheet(frame, model, model.tokens)}`,
  });
}

function peopleSheet(frame: Frame, model: PeopleModel, people: readonly Person[]): Markup {
  const isOwner = frame.me.role === 'owner';
  const rows = people.map((person) => personRow(frame, person, isOwner));
  const columns = ['Name', 'May', 'Phone code', 'Last seen', 'Added'].map((name) => ({ name }));
  return sheet(
    'everybody',
    'Everybody',
    html`<p>${isOwner ? 'What you change holds from the next click of that person on.' : 'Only an owner can change this.'}</p>`,
    html`${ledger('People', isOwner ? [...columns, { name: 'Change', hidden: true }] : columns, rows)}
${
  isOwner &&
  html`<details${model.mistakes['remove_person'] && html` open`}><summary>Change what somebody may do, or remove a person</summary>
<div class="halves">${people.filter((one) => people.length > 1 || one.role !== 'owner').map((one) => changePerson(frame, one, model.mistakes))}</div></details>`
}`,
  );
}

function personRow(frame: Frame, person: Person, isOwner: boolean): Markup {
  const seen = person.last_seen_ms === null ? 'never' : roughTime(person.last_seen_ms, frame.when);
  return html`<tr><th scope="row">${person.user_name}</th><td>${ROLE_WORDS[person.role]}</td>
<td>${person.second_factor ? state(frame, 'working', 'On') : state(frame, 'degraded', 'Off')}</td><td>${seen}</td><td>${dateOf(person.created_ms, frame.when)}</td>
${isOwner && html`<td><a class="button button-small" href="#${idOf('change', person.user_id)}">Change<span class="hidden-text"> ${person.user_name}</span></a></td>`}</tr>`;
}

/** Where the proof of one of a person's two forms was not right. */
function proofErrors(mistakes: Mistakes, userId: string) {
  const [password, code] = [mistakes[`${userId}_password`], mistakes[`${userId}_code`]];
  return { password, code, isWrong: password !== undefined || code !== undefined };
}

function changePerson(frame: Frame, person: Person, mistakes: Mistakes): Markup {
  const id = idOf('change', person.user_id);
  const errors = proofErrors(mistakes, person.user_id);
  return html`<section class="panel stack" id="${id}" aria-labelledby="${id}-name"><h3 id="${id}-name">${person.user_name}</h3>
${postForm(
  frame,
  '/people/role',
  html`<input type="hidden" name="user_id" value="${person.user_id}">
<input type="hidden" name="was" value="${person.role}">
${select(`${id}-role`, 'role', `What ${person.user_name} may do`, roleChoices('owner'), person.role)}
${passwordAgain(frame, `${id}-role`, errors)}<button class="button" type="submit">Change the role</button>`,
  { class: 'stack' },
)}
${postForm(
  frame,
  '/people/remove',
  html`<input type="hidden" name="user_id" value="${person.user_id}">
<p class="small">Removing ends every session of ${person.user_name} at once.</p>
${passwordAgain(frame, `${id}-remove`, errors)}<button class="button button-danger" type="submit">Remove ${person.user_name}</button>`,
  { class: 'stack' },
)}</section>`;
}

/** Roles up to one's own: nobody gives more than he has. */
export function roleChoices(upTo: Role): { readonly value: string; readonly text: string }[] {
  return ROLES.slice(ROLES.indexOf(upTo)).map((role) => ({ value: role, text: ROLE_WORDS[role] }));
}

function addPersonSheet(frame: Frame, { typed, mistakes }: PeopleModel): Markup {
  const form = postForm(
    frame,
    '/people/add',
    html`<div class="halves"><div>${field(frame, { id: 'new_name', label: 'Name', autocomplete: 'off', most: 64, required: true, value: typed['new_name'] ?? '', error: mistakes['new_name'], hint: 'Without blanks, as in sophie or sophie.lindqvist.' })}
${select('new_role', 'new_role', 'May', roleChoices('owner'), typed['new_role'] ?? 'viewer')}</div>
<div>${field(frame, {
      id: 'new_password',
      label: 'First password',
      type: 'password',
      autocomplete: 'new-password',
      least: 12,
      most: 1024,
      required: true,
      error: mistakes['new_password'],
      hint: 'At least 12 characters. Tell it in person; who gets it changes it here.',
    })}</div></div>${passwordAgain(frame, 'person', { password: mistakes['person_password'], code: mistakes['person_code'] })}<p class="actions"><button class="button" type="submit">Add the person</button></p>`,
    { class: 'stack' },
  );
  return sheet('add-person', 'Add a person', html`<p>One for each person: the log says who did what.</p>`, form);
}

function tokensSheet(frame: Frame, model: PeopleModel, tokens: readonly Token[]): Markup {
  const rows: Part[] = tokens.map((token) => tokenRow(frame, token));
  if (rows.length === 0)
    rows.push(html`<tr><td colspan="6">No token yet. A program that reads or changes this box needs one.</td></tr>`);
  return sheet(
    'tokens',
    'API tokens',
    html`<p>For programs. A token is shown once, when it is made.</p>`,
    html`${ledger('All API tokens', [...['Name', 'May', 'Only from', 'Runs out', 'Last used'].map((name) => ({ name })), { name: 'Remove', hidden: true }], rows)}
<form id="remove-token" method="post" action="/people/tokens/remove">${csrfField(frame)}</form>
${addToken(frame, model)}`,
  );
}

function tokenRow(frame: Frame, token: Token): Markup {
  const used = token.used_ms === null ? 'never' : roughTime(token.used_ms, frame.when);
  const isOver = token.expires_ms <= frame.when.nowMs;
  return html`<tr><th scope="row">${token.name}</th><td>${ROLE_WORDS[token.role]}</td>
<td class="mono">${token.sources.length === 0 ? 'anywhere' : token.sources.join(' ')}</td>
<td>${isOver ? state(frame, 'failed', 'Ran out') : dateOf(token.expires_ms, frame.when)}</td><td>${used}</td>
<td><button class="button button-small" type="submit" form="remove-token" name="token_id" value="${token.token_id}">Remove<span class="hidden-text"> ${token.name}</span></button></td></tr>`;
}

function addToken(frame: Frame, { typed, mistakes }: PeopleModel): Markup {
  const form = postForm(
    frame,
    '/people/tokens/add',
    html`<div class="halves"><div>${field(frame, { id: 'token_name', label: 'Name of the token', autocomplete: 'off', most: 64, required: true, value: typed['token_name'] ?? '', error: mistakes['token_name'], hint: 'What uses it: “Grafana”.' })}
${select('token_role', 'token_role', 'What it may do', roleChoices(frame.me.role), typed['token_role'] ?? 'viewer')}</div>
<div>${field(frame, { id: 'token_days', label: 'Runs out after days', type: 'number', required: true, value: typed['token_days'] ?? '90', error: mistakes['token_days'], more: html` min="1" max="365"` })}
${field(frame, { id: 'token_sources', label: 'Only from these addresses', class: 'mono', autocomplete: 'off', most: 1000, required: true, value: typed['token_sources'] ?? '', error: mistakes['token_sources'], placeholder: '192.168.20.9/32', hint: 'Separated by blanks. A stolen token is worth nothing from elsewhere.' })}</div></div>
${passwordAgain(frame, 'token', { password: mistakes['token_password'], code: mistakes['token_code'] })}
<p class="actions"><button class="button" type="submit">Make the token</button></p>`,
    { class: 'stack' },
  );
  const isOpen = Object.keys(mistakes).some((name) => name.startsWith('token_'));
  return html`<details${isOpen && html` open`}><summary>Make a token</summary>${form}</details>`;
}

/** The one time that a token is seen. */
export function tokenMadePage(frame: Frame, made: { readonly name: string; readonly token: string }): Markup {
  return shell(frame, {
    title: 'New token',
    place: '/people',
    cli: 'quicether token add',
    rest: 'POST /api/v1/tokens',
    body: html`${title(
      `The token “${made.name}”`,
      html`<p><strong>Copy it now.</strong> The box keeps only a fingerprint of it and cannot show it again.</p>`,
      html`<a href="/people#tokens">People</a> / New token`,
    )}
${sheet('token', 'The token', html`<p>Like a password: it goes to one program, and nowhere else.</p>`, html`<p><code class="long-code">${made.token}</code></p><p><a class="button" href="/people#tokens">I have copied it</a></p>`)}`,
  });
}
