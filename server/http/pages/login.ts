import * as z from 'zod';
import { passwordPage } from '../../../views/pages/password.ts';
import { signInCodePage, signInPage } from '../../../views/pages/sign-in.ts';
import type { Failure } from '../../core/result.ts';
import { dropSession, keepSession, sessionOf } from '../cookies.ts';
import { fieldOf } from '../form.ts';
import type { App, FormFields, Front, PageModule, WebContext } from '../front.ts';
import { localPath } from '../local-path.ts';
import { sentenceOf } from '../sentence.ts';

const Password = z.string('Type your password.').min(1, 'Type your password.').max(1_024, 'That is no password here.');
const SignInForm = z.object({
  user_name: z.string('Type your name.').trim().min(1, 'Type your name.').max(256, 'That is no name here.'),
  password: Password,
  next: z.string().optional(),
});
const Code = z.string('Type the code.').trim().min(1, 'Type the code.').max(64, 'That is no code.');
const CodeForm = z.object({ ticket: z.string().min(1).max(128), code: Code, next: z.string().optional() });
const PasswordForm = z.object({ password: Password, code: Code.optional(), next: z.string().optional() });

/** Signing in, with a code where one is set up, and out; the password once more where it is asked for. */
export const loginPages: PageModule = (app, front) => {
  app.get('/login', (c) => c.redirect(`/sign-in?next=${encodeURIComponent(localPath(c.req.query('next')))}`, 308));
  registerSignIn(app, front);
  registerCode(app, front);
  registerPassword(app, front);

  app.post('/sign-out', async (c) => {
    // Ended here in any case; when the daemon cannot be told, the session runs out by itself.
    const ended = await front.ask(c, 'SignOut', {});
    if (!ended.ok && ended.error.code === 'daemon.not-reachable') return front.failed(c, ended.error);
    dropSession(c);
    return front.redirectTo(c, '/sign-in', { state: 'working', title: 'You are signed out' });
  });
};

function registerSignIn(app: App, front: Front): void {
  app.get('/sign-in', async (c) => {
    const next = localPath(c.req.query('next'));
    if (sessionOf(c) && (await front.me(c)).ok) return c.redirect(next, 303);
    return front.gate(c, (page) => signInPage(page, { userName: '', next, mistakes: {} }));
  });

  app.post('/sign-in', async (c) => {
    const form = await front.form(c, SignInForm);
    const typed = { userName: fieldOf(form.typed, 'user_name') ?? '', next: nextOf(form.typed) };
    if (!form.ok) return front.gate(c, (page) => signInPage(page, { ...typed, mistakes: form.mistakes }), 422);
    const { user_name, password } = form.value;
    const signedIn = await front.ask(c, 'SignIn', { user_name, password });
    if (!signedIn.ok) {
      if (!isAboutTyping(signedIn.error)) return front.failed(c, signedIn.error);
      const mistakes = { password: sentenceOf(signedIn.error) };
      return front.gate(c, (page) => signInPage(page, { ...typed, mistakes }), statusOf(c, signedIn.error));
    }
    const { session, ticket, user_name: userName } = signedIn.value;
    if (session !== null) return welcome(c, front, session, typed.next);
    return front.gate(c, (page) =>
      signInCodePage(page, { userName, ticket: ticket ?? '', next: typed.next, mistakes: {} }),
    );
  });
}

function registerCode(app: App, front: Front): void {
  app.get('/sign-in/code', (c) => c.redirect('/sign-in', 303));

  app.post('/sign-in/code', async (c) => {
    const form = await front.form(c, CodeForm);
    if (!form.ok) return again(c, front, 'Sign in once more', 'The code was missing or took too long.');
    const { ticket, code } = form.value;
    const next = nextOf(form.typed);
    const signedIn = await front.ask(c, 'SignInCode', { ticket, code });
    if (signedIn.ok) return welcome(c, front, signedIn.value.session, next);
    if (signedIn.error.code === 'people.ticket')
      return again(c, front, 'Sign in once more', sentenceOf(signedIn.error));
    if (!isAboutTyping(signedIn.error)) return front.failed(c, signedIn.error);
    // Six digits came from the phone's field; anything else from the one for recovery codes.
    const field = /^[0-9 ]*$/.test(code) ? 'code' : 'recovery';
    const model = { userName: 'you', ticket, next, mistakes: { [field]: sentenceOf(signedIn.error) } };
    return front.gate(c, (page) => signInCodePage(page, model), statusOf(c, signedIn.error));
  });
}

function registerPassword(app: App, front: Front): void {
  app.get('/password', async (c) => {
    const me = await front.me(c);
    if (!me.ok) return front.failed(c, me.error);
    const model = { next: localPath(c.req.query('next')), needsCode: me.value.secondFactor, mistakes: {} };
    return front.gate(c, (page) => passwordPage(page, model));
  });

  app.post('/password', async (c) => {
    const me = await front.me(c);
    if (!me.ok) return front.failed(c, me.error);
    const form = await front.form(c, PasswordForm);
    const model = { next: nextOf(form.typed), needsCode: me.value.secondFactor };
    if (!form.ok) return front.gate(c, (page) => passwordPage(page, { ...model, mistakes: form.mistakes }), 422);
    const { password, code } = form.value;
    const proven = await front.ask(c, 'ProvePassword', { password, ...(code ? { code } : {}), rotate: true });
    if (proven.ok) {
      // What may do more now is not what somebody may have seen before.
      if (proven.value.session !== null) keepSession(c, proven.value.session);
      return front.redirectTo(c, model.next, { state: 'working', title: 'Thank you. Now do it once more.' });
    }
    if (!isAboutTyping(proven.error)) return front.failed(c, proven.error);
    const field = /code/.test(proven.error.code) ? 'code' : 'password';
    const mistakes = { [field]: sentenceOf(proven.error) };
    return front.gate(c, (page) => passwordPage(page, { ...model, mistakes }), statusOf(c, proven.error));
  });
}

/** A new session in place of whatever the browser had, and on to where somebody wanted to go. */
function welcome(c: WebContext, front: Front, session: string, next: string): Response {
  keepSession(c, session);
  return front.redirectTo(c, next);
}

function again(c: WebContext, front: Front, title: string, detail: string): Response {
  return front.redirectTo(c, '/sign-in', { state: 'unknown', title, detail });
}

function nextOf(typed: FormFields): string {
  return localPath(fieldOf(typed, 'next'));
}

/** Whether it is shown beside the field: what somebody typed was wrong, or typed too often. */
function isAboutTyping({ code }: Failure): boolean {
  return /^people\.(?:wrong-|throttled|needs-code)/.test(code) || code === 'rpc.bad-params';
}

function statusOf(c: WebContext, { code, remedy }: Failure): number {
  if (code !== 'people.throttled') return 422;
  const wait = /try again in (\d{1,5}) s/.exec(remedy ?? '');
  if (wait?.[1]) c.header('Retry-After', wait[1]);
  return 429;
}
