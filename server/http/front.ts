import type { Http2Bindings, HttpBindings } from '@hono/node-server';
import type { Context, Hono, MiddlewareHandler } from 'hono';
import type * as z from 'zod';
import type { Markup } from '../../views/markup.ts';
import type { Frame, Me, Mistakes, Page, Word } from '../../views/model.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Role } from '../operations/actor.ts';
import type { MethodName, ParamsOf, ResultOf } from '../rpc/methods.ts';
import type { Daemon } from './daemon-lines.ts';
import type { LiveTopic } from './live.ts';

/** What a request carries through the handlers; each is worked out at most once. */
interface Carried {
  readonly form?: Promise<Result<FormFields>>;
  readonly whoIsIt?: Promise<Result<WhoIsIt>>;
  /** Questions that this request has asked already. */
  readonly answers?: Map<string, Promise<Result<unknown>>>;
}

export type WebEnv = { Bindings: HttpBindings | Http2Bindings; Variables: Carried };
export type App = Hono<WebEnv>;
export type WebContext = Context<WebEnv>;

/** Registers the routes of one page (or a few that belong together). */
export type PageModule = (app: App, front: Front) => void;

/** Who sent the request, as the daemon says. */
export interface WhoIsIt {
  readonly kind: 'local' | 'person' | 'token' | 'anonymous';
  readonly user_name: string;
  /** Null for who has to set up a second factor before anything else. */
  readonly role: Role | null;
  readonly must_enrol: boolean;
  readonly session_id: string | null;
  readonly second_factor: boolean;
  readonly password_until_ms: number | null;
}

/** What a form sent; a name that came twice has all its values. */
export type FormFields = Readonly<Record<string, string | readonly string[]>>;

/** A form that was understood, or what is wrong with each field, with what was typed to show it again. */
export type Form<T> =
  | { readonly ok: true; readonly value: T; readonly typed: FormFields }
  | { readonly ok: false; readonly mistakes: Mistakes; readonly typed: FormFields };

export interface AskOptions {
  readonly timeoutMs?: number;
  /** It waits on purpose (`wait_ms`): kept apart, so that it does not stand in the way of quick ones. */
  readonly waits?: boolean;
}

/** Asks the daemon, in whoever's name it was made for. */
export type Ask = <M extends MethodName>(method: M, params: ParamsOf<M>) => Promise<Result<ResultOf<M>>>;

/**
 * What page modules are handed: the daemon, asked in the name of whoever sent the request, and the
 * few ways in which a page answers.
 *
 * Every form that reaches a handler has had its origin and token checked. Failures go to {@link failed}.
 */
export interface Front {
  ask<M extends MethodName>(
    c: WebContext,
    method: M,
    params: ParamsOf<M>,
    options?: AskOptions,
  ): Promise<Result<ResultOf<M>>>;
  /** The daemon itself, for who says on whose behalf (REST); {@link sourceOf} says where a request came from. */
  readonly daemon: Daemon;
  sourceOf(c: WebContext): string;
  /** A page behind the sign-in; whoever has no session is sent to sign in. */
  page(c: WebContext, view: (frame: Frame) => Markup, status?: number): Promise<Response>;
  /** A page in front of it. */
  gate(c: WebContext, view: (page: Page) => Markup, status?: number): Promise<Response>;
  /** Who reads it, or why nobody does. */
  me(c: WebContext): Promise<Result<Me>>;
  /** Reads the form of this request. */
  form<S extends z.ZodType>(c: WebContext, schema: S): Promise<Form<z.output<S>>>;
  /** The form of this request as it came, secrets too. */
  fields(c: WebContext): Promise<Result<FormFields>>;
  /** The page that says why it did not work: signed out, not allowed, not there, away, refused. */
  failed(c: WebContext, failure: Failure): Response | Promise<Response>;
  /** After a change: to a page of ours, which shows `word` once. */
  redirectTo(c: WebContext, path: string, word?: Word): Response;
  /** The same to the page the form was on (field `back`, else the referring page), or `otherwise`. */
  redirectBack(c: WebContext, otherwise: string, word?: Word): Promise<Response>;
  /** Lets only people through who have at least this role; the daemon decides again on each call. */
  requireRole(role: Role): MiddlewareHandler<WebEnv>;
  /** Where pages find a file of `views/assets/`; live parts need it too. */
  readonly asset: (name: string) => string;
  /** Adds something to watch at `/events?show=NAME,NAME&of=KEY`. */
  live<Model>(topic: LiveTopic<Model>): void;
}
