import * as z from 'zod';
import type { Mistakes } from '../../../views/model.ts';
import { type PeopleModel, peoplePage, tokenMadePage } from '../../../views/pages/people.ts';
import type { Failure } from '../../core/result.ts';
import { ROLES } from '../../operations/actor.ts';
import { fieldOf } from '../form.ts';
import type { App, FormFields, Front, PageModule, WebContext } from '../front.ts';
import { askFor, mistakesOf, orElse, proveWith } from './asking.ts';
import { registerYou } from './you.ts';

const Password = z.string().min(1, 'Type a password.').max(1_024, 'Take at most 1024 characters.');
/** What proves who it is, where it came with the form. */
const PROOF = { password: z.string().max(1_024).optional(), code: z.string().max(64).optional() };
const Id = z.string().min(1).max(64);
const RoleName = z.enum(ROLES, 'Choose one of the roles.');

const AddForm = z.object({
  new_name: z.string('Type a name.').trim().min(1, 'Type a name.').max(64, 'Take at most 64 characters.'),
  new_role: RoleName,
  new_password: Password,
  ...PROOF,
});
const RoleForm = z.object({ user_id: Id, role: RoleName, was: RoleName.optional(), ...PROOF });
const RemoveForm = z.object({ user_id: Id, ...PROOF });
const TokenForm = z.object({
  token_name: z.string('Type a name.').trim().min(1, 'Type a name.').max(64, 'Take at most 64 characters.'),
  token_role: RoleName,
  token_days: z.coerce
    .number('Type a number of days.')
    .int('Type a whole number of days.')
    .min(1, 'At least 1 day.')
    .max(365, 'At most 365 days: a token that never ends is never missed.'),
  token_sources: z.string().trim().max(1_000).default(''),
  ...PROOF,
});

/** Who may sign in, and the tokens of programs. */
export const peoplePages: PageModule = (app, front) => {
  app.get('/people', (c) => showPeople(front, c, {}, {}));
  app.post('/people/add', (c) => addPerson(front, c));
  app.post('/people/role', (c) => setRole(front, c));
  app.post('/people/remove', (c) => removePerson(front, c));
  for (const path of ['/people/add', '/people/role', '/people/remove', '/people/tokens/add', '/people/tokens/remove']) {
    // A browser that asks again for the page that a form led to.
    app.get(path, (c) => c.redirect('/people', 303));
  }
  registerTokens(app, front);
  registerYou(app, front);
};

/** The page with all of it; each part only for those who may see it. */
export async function showPeople(
  front: Front,
  c: WebContext,
  typed: FormFields,
  mistakes: Mistakes,
): Promise<Response> {
  const me = await front.me(c);
  if (!me.ok) return front.failed(c, me.error);
  const ask = askFor(front, c);
  const maySee = me.value.role === 'owner' || me.value.role === 'admin';
  const [people, tokens, sessions] = await Promise.all([
    maySee ? orElse(ask('GetUsers', {}), null) : null,
    maySee ? orElse(ask('GetTokens', {}), null) : null,
    ask('GetSessions', {}),
  ]);
  if (!sessions.ok) return front.failed(c, sessions.error);
  const model: PeopleModel = {
    people: people?.users ?? null,
    tokens: tokens?.tokens ?? null,
    sessions: sessions.value.sessions,
    typed: Object.fromEntries(Object.keys(typed).map((name) => [name, fieldOf(typed, name) ?? ''])),
    mistakes,
  };
  const status = Object.keys(mistakes).length > 0 ? 422 : 200;
  return front.page(c, (frame) => peoplePage(frame, model), status);
}

/** The page again with what was wrong beside the field, or the page of a failure that no field is about. */
function again(front: Front, c: WebContext, typed: FormFields, failure: Failure, mistakes: Mistakes | undefined) {
  return mistakes ? showPeople(front, c, typed, mistakes) : front.failed(c, failure);
}

const PERSON_FIELDS: Readonly<Record<string, string>> = {
  'people.user-name': 'new_name',
  'people.user-exists': 'new_name',
  'people.weak-password': 'new_password',
  'rpc.bad-params': 'new_name',
};

async function addPerson(front: Front, c: WebContext): Promise<Response> {
  const form = await front.form(c, AddForm);
  if (!form.ok) return showPeople(front, c, form.typed, form.mistakes);
  const { new_name: user_name, new_role: role, new_password: password } = form.value;
  const proven = await proveWith(front, c, proofOf(form.value));
  if (!proven.ok) return again(front, c, form.typed, proven.error, mistakesOf(proven.error, {}, 'person_'));
  const added = await front.ask(c, 'AddUser', { user_name, role, password });
  if (!added.ok) return again(front, c, form.typed, added.error, mistakesOf(added.error, PERSON_FIELDS));
  return front.redirectTo(c, '/people#everybody', {
    state: 'working',
    title: `${user_name} is added`,
    detail: 'Tell the first password in person, and suggest a phone code.',
  });
}

async function setRole(front: Front, c: WebContext): Promise<Response> {
  const form = await front.form(c, RoleForm);
  if (!form.ok) return showPeople(front, c, form.typed, form.mistakes);
  const proven = await proveWith(front, c, proofOf(form.value));
  if (!proven.ok)
    return again(front, c, form.typed, proven.error, mistakesOf(proven.error, {}, `${form.value.user_id}_`));
  const { user_id, role, was } = form.value;
  const changed = await front.ask(c, 'SetUserRole', { user_id, role, ...(was ? { was } : {}) });
  if (!changed.ok) return front.failed(c, changed.error);
  return front.redirectTo(c, '/people#everybody', { state: 'working', title: 'The role is changed' });
}

async function removePerson(front: Front, c: WebContext): Promise<Response> {
  const form = await front.form(c, RemoveForm);
  if (!form.ok) return showPeople(front, c, form.typed, form.mistakes);
  const proven = await proveWith(front, c, proofOf(form.value));
  if (!proven.ok)
    return again(front, c, form.typed, proven.error, mistakesOf(proven.error, {}, `${form.value.user_id}_`));
  const removed = await front.ask(c, 'RemoveUser', { user_id: form.value.user_id });
  if (!removed.ok) return front.failed(c, removed.error);
  return front.redirectTo(c, '/people#everybody', {
    state: 'working',
    title: 'The person is removed',
    detail: 'All sessions of that person have ended.',
  });
}

const TOKEN_FIELDS: Readonly<Record<string, string>> = {
  'people.token-name': 'token_name',
  'people.token-source': 'token_sources',
  'people.token-role': 'token_role',
  'rpc.bad-params': 'token_name',
};

function registerTokens(app: App, front: Front): void {
  app.post('/people/tokens/add', async (c) => {
    const form = await front.form(c, TokenForm);
    if (!form.ok) return showPeople(front, c, form.typed, form.mistakes);
    const { token_name: name, token_role: role, token_days: expires_days, token_sources } = form.value;
    const proven = await proveWith(front, c, proofOf(form.value));
    if (!proven.ok) return again(front, c, form.typed, proven.error, mistakesOf(proven.error, {}, 'token_'));
    const sources = token_sources.split(/[\s,]+/).filter((source) => source !== '');
    const made = await front.ask(c, 'AddToken', { name, role, expires_days, sources });
    if (!made.ok) {
      const known = mistakesOf(made.error, TOKEN_FIELDS) ?? addressMistake(made.error);
      return again(front, c, form.typed, made.error, known);
    }
    return front.page(c, (frame) => tokenMadePage(frame, { name, token: made.value.token }));
  });
  app.post('/people/tokens/remove', async (c) => {
    const form = await front.form(c, z.object({ token_id: Id }));
    if (!form.ok) return showPeople(front, c, form.typed, form.mistakes);
    const removed = await front.ask(c, 'RemoveToken', form.value);
    if (!removed.ok) return front.failed(c, removed.error);
    return front.redirectTo(c, '/people#tokens', { state: 'working', title: 'The token opens nothing any more' });
  });
}

function addressMistake(failure: Failure): Mistakes | undefined {
  return failure.code.startsWith('ip.') ? mistakesOf(failure, { [failure.code]: 'token_sources' }) : undefined;
}

/** The fields of a form that prove who sends it. */
export function proofOf({
  password,
  code,
}: {
  readonly password?: string | undefined;
  readonly code?: string | undefined;
}): FormFields {
  return { ...(password === undefined ? {} : { password }), ...(code === undefined ? {} : { code }) };
}
