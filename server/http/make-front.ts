import { randomBytes } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { Markup } from '../../views/markup.ts';
import type { Frame, Me, Page, Word } from '../../views/model.ts';
import { type ErrorModel, errorPage } from '../../views/pages/errors.ts';
import { enrolPage } from '../../views/pages/password.ts';
import type { Clock } from '../core/clock.ts';
import { surfaceOf } from '../core/failures.ts';
import { type Failure, fail, ok, type Result } from '../core/result.ts';
import { ROLES, type Role } from '../operations/actor.ts';
import type { MethodName, ParamsOf, ResultOf } from '../rpc/methods.ts';
import { dropSession, leaveWord, sessionOf, takeWord, tokenCookieOrNew, zoneOf } from './cookies.ts';
import { csrfToken, FORGED } from './csrf.ts';
import type { Daemon } from './daemon-lines.ts';
import { checkForm, fieldOf, readForm } from './form.ts';
import type { AskOptions, FormFields, Front, WebContext, WebEnv, WhoIsIt } from './front.ts';
import type { LiveTopic } from './live.ts';
import { localPath, ownPath, ownReferer } from './local-path.ts';
import { pagePolicy } from './policy.ts';
import { plainAddress } from './rates.ts';

export interface FrontParts {
  readonly daemon: Daemon;
  readonly clock: Clock;
  readonly assetOf: (name: string) => string;
  readonly addTopic: (topic: LiveTopic<unknown>) => void;
}

/** What hardly ever changes about the box, asked again after a while. */
interface BoxFacts {
  readonly version: string;
  readonly nodeId: string | null;
}

const FACTS_MS = 60_000;
/** Forms for whom nobody is signed in. */
const GATE_FORMS: ReadonlySet<string> = new Set(['/sign-in', '/sign-in/code', '/claim']);
/** Until a page that has no daemon asks again by itself. */
const RETRY_SEC = 5;

/** The front that page modules are handed. */
export class WebFront implements Front {
  readonly daemon: Daemon;
  readonly asset: (name: string) => string;
  readonly #parts: FrontParts;
  #boxName = 'this box';
  #facts: { readonly atMs: number; readonly value: BoxFacts } | undefined;
  #claimed: { readonly atMs: number } | undefined;

  constructor(parts: FrontParts) {
    this.#parts = parts;
    this.daemon = parts.daemon;
    this.asset = parts.assetOf;
  }

  ask<M extends MethodName>(
    c: WebContext,
    method: M,
    params: ParamsOf<M>,
    options: AskOptions = {},
  ): Promise<Result<ResultOf<M>>> {
    const session = sessionOf(c);
    const onBehalf = { ...(session ? { session } : {}), source: this.sourceOf(c), surface: 'page' } as const;
    const call = () => this.daemon.call(method, params, { onBehalf, ...options });
    return answerOnce(c, method, params, call) as Promise<Result<ResultOf<M>>>;
  }

  sourceOf(c: WebContext): string {
    return plainAddress(c.env.incoming.socket.remoteAddress);
  }

  /** Whether somebody owns the box; that it does is remembered for a while, that it does not never. */
  async isClaimed(c: WebContext): Promise<Result<boolean>> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#claimed && nowMs - this.#claimed.atMs < FACTS_MS) return ok(true);
    // In nobody's name: that a page asks this for itself does not keep a session from ending.
    const onBehalf = { source: this.sourceOf(c), surface: 'page' } as const;
    const state = await this.daemon.call('GetClaimState', {}, { onBehalf });
    if (!state.ok) return state;
    const { claimed, box_name } = state.value as { claimed: boolean; box_name: string };
    this.#boxName = box_name;
    this.#claimed = claimed ? { atMs: nowMs } : undefined;
    return ok(claimed);
  }

  async page(c: WebContext, view: (frame: Frame) => Markup, status = 200): Promise<Response> {
    const frame = await this.#frame(c);
    return frame.ok ? this.#send(c, frame.value, view(frame.value), status) : this.failed(c, frame.error);
  }

  async gate(c: WebContext, view: (page: Page) => Markup, status = 200): Promise<Response> {
    const page = this.#pageOf(c);
    return this.#send(c, page, view(page), status);
  }

  async me(c: WebContext): Promise<Result<Me>> {
    const who = await this.#whoIsIt(c);
    if (!who.ok) return who;
    const { user_name: userName, second_factor: secondFactor, password_until_ms: passwordUntilMs } = who.value;
    return ok({ userName, role: who.value.role ?? 'viewer', secondFactor, passwordUntilMs });
  }

  readonly form: Front['form'] = async (c, schema) => {
    const fields = await this.fields(c);
    if (!fields.ok) return { ok: false, mistakes: { form: fields.error.message }, typed: {} };
    return checkForm(fields.value, schema);
  };

  /** The form as it came; read once, whoever asks first. */
  fields(c: WebContext): Promise<Result<FormFields>> {
    const known = c.get('form');
    if (known) return known;
    const reading = readForm(c);
    c.set('form', reading);
    return reading;
  }

  failed(c: WebContext, failure: Failure): Response | Promise<Response> {
    const { http: status } = surfaceOf(failure.code);
    if (status === 401) return this.#signIn(c);
    if (failure.code === FORGED.error.code) return this.#staleForm(c);
    if (failure.code === 'permission.second-factor') return this.gate(c, enrolPage, status);
    // A front that may not use the socket has no daemon either, and whoever reads the page no right too few.
    const isAway = status === 503 || status === 504 || failure.code === 'permission.socket';
    if (isAway) this.#tryAgain(c);
    const wait = /try again in (\d{1,5}) s/.exec(failure.remedy ?? '');
    if (status === 429 && wait?.[1]) c.header('Retry-After', wait[1]);
    if (failure.code === 'permission.password') return c.redirect(`/password?next=${this.#cameFrom(c)}`, 303);
    // Of the daemon's absence the page has its own, calmer words.
    const said = failure.code === 'daemon.not-reachable' ? {} : { message: failure.message, remedy: failure.remedy };
    return this.errorPage(c, { status: isAway ? 503 : status, code: failure.code, ...said });
  }

  errorPage(c: WebContext, model: ErrorModel): Promise<Response> {
    const canRepeat = c.req.method === 'GET';
    return this.gate(c, (page) => errorPage(page, { canRepeat, ...model }), model.status);
  }

  redirectTo(c: WebContext, path: string, word?: Word): Response {
    if (word) leaveWord(c, word);
    return c.redirect(ownPath(path) ?? '/', 303);
  }

  async redirectBack(c: WebContext, otherwise: string, word?: Word): Promise<Response> {
    const fields = await this.fields(c);
    const asked = fields.ok ? fieldOf(fields.value, 'back') : undefined;
    return this.redirectTo(c, localPath(asked ?? this.#referer(c), otherwise), word);
  }

  requireRole(role: Role): MiddlewareHandler<WebEnv> {
    return async (c, next) => {
      const who = await this.#whoIsIt(c);
      if (!who.ok) return this.failed(c, who.error);
      if (who.value.must_enrol) return this.gate(c, enrolPage, 403);
      if (ROLES.indexOf(who.value.role ?? 'viewer') < ROLES.indexOf(role)) {
        const message = `This page is for the role ${role}; you have ${who.value.role}`;
        return this.failed(c, { code: 'permission.role', message, remedy: 'An owner can change it under People.' });
      }
      return next();
    };
  }

  live<Model>(topic: LiveTopic<Model>): void {
    this.#parts.addTopic(topic as unknown as LiveTopic<unknown>);
  }

  #whoIsIt(c: WebContext): Promise<Result<WhoIsIt>> {
    const known = c.get('whoIsIt');
    if (known) return known;
    const asking = sessionOf(c)
      ? this.ask(c, 'GetMe', {})
      : Promise.resolve(fail('permission.signed-out', 'nobody is signed in'));
    c.set('whoIsIt', asking);
    return asking;
  }

  async #frame(c: WebContext): Promise<Result<Frame>> {
    // All at once: a page takes as long as the slowest answer.
    const [me, trial, offices, facts] = await Promise.all([
      this.me(c),
      this.ask(c, 'GetTrial', {}),
      this.ask(c, 'GetOffices', {}),
      this.#boxFacts(c),
    ]);
    if (!me.ok) return me;
    return ok({
      ...this.#pageOf(c),
      me: me.value,
      ...facts,
      trial: trial.ok ? trial.value.trial : null,
      offices: offices.ok ? offices.value : null,
    });
  }

  async #boxFacts(c: WebContext): Promise<BoxFacts> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#facts && nowMs - this.#facts.atMs < FACTS_MS) return this.#facts.value;
    const said = await this.ask(c, 'GetStatus', {});
    if (!said.ok) return { version: '', nodeId: null };
    const value = { version: said.value.version, nodeId: said.value.node_id };
    this.#facts = { atMs: nowMs, value };
    return value;
  }

  #pageOf(c: WebContext): Page {
    return {
      boxName: this.#boxName,
      asset: this.#parts.assetOf,
      nonce: randomBytes(16).toString('base64'),
      csrf: csrfToken(tokenCookieOrNew(c)),
      when: { nowMs: this.#parts.clock.nowMs(), zone: zoneOf(c) },
      word: takeWord(c),
    };
  }

  #send(c: WebContext, { nonce }: Page, markup: Markup, status: number): Response {
    c.header('Content-Security-Policy', pagePolicy(nonce));
    c.header('Content-Type', 'text/html; charset=utf-8');
    return c.body(markup.toString(), status as 200);
  }

  /** The page comes back by itself, with and without script; what was to be changed is not sent again. */
  #tryAgain(c: WebContext): void {
    c.header('Retry-After', String(RETRY_SEC));
    const isReading = c.req.method === 'GET';
    c.header('Refresh', isReading ? String(RETRY_SEC) : `${RETRY_SEC}; url=${localPath(this.#referer(c))}`);
  }

  /** A form without its token: to whom is signed out it says that, to anybody else it leads back to its page. */
  async #staleForm(c: WebContext): Promise<Response> {
    const isGate = GATE_FORMS.has(c.req.path);
    const who = isGate ? undefined : await this.#whoIsIt(c);
    if (who && !who.ok) return this.failed(c, who.error);
    const { code, message, remedy } = FORGED.error;
    const href = ownPath(this.#referer(c)) ?? (isGate ? c.req.path : '/');
    const next = { href, text: 'Open the form again' };
    return this.errorPage(c, { status: 403, code, heading: 'This form is out of date', message, remedy, next });
  }

  /** Signing in leads back to where somebody was. */
  #signIn(c: WebContext): Response {
    const isReading = c.req.method === 'GET' || c.req.method === 'HEAD';
    const detail = isReading
      ? 'Sign in again to go on where you were.'
      : 'Nothing was changed. Sign in and send it again.';
    const hadSession = sessionOf(c) !== undefined;
    if (hadSession) dropSession(c);
    if (c.req.path === '/sign-out') leaveWord(c, { state: 'working', title: 'You are signed out' });
    else if (hadSession || !isReading) leaveWord(c, { state: 'unknown', title: 'You were signed out', detail });
    const target = `/sign-in?next=${this.#cameFrom(c)}`;
    if (c.req.header('hx-request') !== 'true') return c.redirect(target, 303);
    c.header('HX-Redirect', target);
    return c.body(null, 401);
  }

  /** For a query: the page that was asked for, or the one whose form was sent. */
  #cameFrom(c: WebContext): string {
    const isReading = c.req.method === 'GET' && c.req.header('hx-request') !== 'true';
    const url = new URL(c.req.url);
    return encodeURIComponent(localPath(isReading ? url.pathname + url.search : this.#referer(c)));
  }

  #referer(c: WebContext): string | undefined {
    return ownReferer(c.req.header('referer'), c.req.header('host') ?? new URL(c.req.url).host);
  }
}

/** A page and the frame around it ask the same things: each goes to the daemon once, until something is changed. */
function answerOnce(
  c: WebContext,
  method: string,
  params: object,
  call: () => Promise<Result<unknown>>,
): Promise<Result<unknown>> {
  const answers = c.get('answers') ?? new Map<string, Promise<Result<unknown>>>();
  c.set('answers', answers);
  if (!method.startsWith('Get')) {
    answers.clear();
    return call().finally(() => answers.clear());
  }
  const question = `${method} ${JSON.stringify(params)}`;
  const answer = answers.get(question) ?? call();
  answers.set(question, answer);
  return answer;
}
