import * as z from 'zod';
import { recoveryCodesPage, secondFactorPage } from '../../../views/pages/you.ts';
import type { App, Front, WebContext } from '../front.ts';
import { mistakesOf, proveWith } from './asking.ts';
import { proofOf, showPeople } from './people.ts';

const PasswordForm = z.object({
  old_password: z.string('Type your password.').min(1, 'Type your password.').max(1_024),
  own_password: z.string('Choose a password.').min(1, 'Choose a password.').max(1_024, 'Take at most 1024 characters.'),
});
const ConfirmForm = z.object({
  code: z.string('Type the six digits.').trim().min(1, 'Type the six digits.').max(64),
  secret: z.string().max(256),
  uri: z.string().max(1_024),
});
const ProofForm = z.object({ password: z.string().max(1_024).optional(), code: z.string().max(64).optional() });

/** One's own password, phone code and browsers. */
export function registerYou(app: App, front: Front): void {
  app.post('/people/password', (c) => changePassword(front, c));
  for (const path of ['password', 'second-factor', 'second-factor/confirm', 'second-factor/drop', 'sessions/end']) {
    app.get(`/people/${path}`, (c) => c.redirect('/people#you', 303));
  }
  app.post('/people/second-factor', (c) => beginSecondFactor(front, c));
  app.post('/people/second-factor/confirm', (c) => confirmSecondFactor(front, c));
  app.post('/people/second-factor/drop', (c) => dropSecondFactor(front, c));
  app.post('/people/sessions/end', async (c) => {
    const form = await front.form(c, z.object({ session_id: z.string().min(1).max(64) }));
    if (!form.ok) return showPeople(front, c, form.typed, form.mistakes);
    const ended = await front.ask(c, 'EndSession', form.value);
    if (!ended.ok) return front.failed(c, ended.error);
    return front.redirectTo(c, '/people#sessions', { state: 'working', title: 'That browser is signed out' });
  });
}

const PASSWORD_FIELDS: Readonly<Record<string, string>> = {
  'people.wrong-password': 'old_password',
  'people.throttled': 'old_password',
  'people.weak-password': 'own_password',
};

async function changePassword(front: Front, c: WebContext): Promise<Response> {
  const form = await front.form(c, PasswordForm);
  if (!form.ok) return showPeople(front, c, form.typed, form.mistakes);
  const { old_password: password, own_password: new_password } = form.value;
  const changed = await front.ask(c, 'ChangePassword', { password, new_password });
  if (!changed.ok) {
    const mistakes = mistakesOf(changed.error, PASSWORD_FIELDS);
    return mistakes ? showPeople(front, c, form.typed, mistakes) : front.failed(c, changed.error);
  }
  return front.redirectTo(c, '/people#you', {
    state: 'working',
    title: 'Your password is changed',
    detail: 'Your other browsers are signed out.',
  });
}

async function beginSecondFactor(front: Front, c: WebContext): Promise<Response> {
  const form = await front.form(c, ProofForm);
  const proven = await proveWith(front, c, form.ok ? proofOf(form.value) : {});
  if (!proven.ok) {
    const mistakes = mistakesOf(proven.error, {}, 'enrol_');
    return mistakes ? showPeople(front, c, {}, mistakes) : front.failed(c, proven.error);
  }
  const begun = await front.ask(c, 'BeginSecondFactor', {});
  if (!begun.ok) return front.failed(c, begun.error);
  return front.page(c, (frame) => secondFactorPage(frame, { ...begun.value, mistakes: {} }));
}

async function confirmSecondFactor(front: Front, c: WebContext): Promise<Response> {
  const form = await front.form(c, ConfirmForm);
  if (!form.ok) return front.failed(c, { code: 'web.bad-form', message: 'this is not the form of that page' });
  const { code, secret, uri } = form.value;
  const confirmed = await front.ask(c, 'ConfirmSecondFactor', { code });
  if (confirmed.ok) return front.page(c, (frame) => recoveryCodesPage(frame, confirmed.value.recovery_codes));
  const mistakes = mistakesOf(confirmed.error, { 'people.throttled': 'code' });
  if (!mistakes) return front.failed(c, confirmed.error);
  return front.page(c, (frame) => secondFactorPage(frame, { secret, uri, mistakes }), 422);
}

async function dropSecondFactor(front: Front, c: WebContext): Promise<Response> {
  const form = await front.form(c, ProofForm);
  const proven = await proveWith(front, c, form.ok ? proofOf(form.value) : {});
  if (!proven.ok) {
    const mistakes = mistakesOf(proven.error, {}, 'drop_');
    return mistakes ? showPeople(front, c, {}, mistakes) : front.failed(c, proven.error);
  }
  const dropped = await front.ask(c, 'DropSecondFactor', {});
  if (!dropped.ok) return front.failed(c, dropped.error);
  return front.redirectTo(c, '/people#you', {
    state: 'degraded',
    title: 'The phone code is off',
    detail: 'Your password alone opens this box now.',
  });
}
