import type { Clock } from '../../core/clock.ts';
import { ok } from '../../core/result.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Daemon, DaemonCall } from '../daemon-lines.ts';
import { changeAnswer, readAnswer } from './answer.ts';
import { itemOf } from './collections.ts';
import { readCredentials, type Shown } from './credentials.ts';
import { EventStreams } from './events.ts';
import { openApi } from './openapi.ts';
import { cutPage, type PageRequest, readPage } from './paging.ts';
import { checkPrecondition } from './precondition.ts';
import { problemResponse } from './problem.ts';
import { RATE_LIMITS, RateLimiter, type RateLimits } from './rate-limit.ts';
import { readInput } from './read-input.ts';
import { type RestFailure, type RestResult, refuse } from './rest-failure.ts';
import { BASE, buildRoutes, type Found, findRoutes, nearestPath, ownerOf, type Route } from './routes.ts';
import { askStanding } from './standing.ts';
import { Turns } from './turns.ts';

export interface ServiceParts {
  readonly daemon: Daemon;
  readonly clock: Clock;
  readonly operations: readonly Operation[];
  readonly limits?: RateLimits;
}

/** One request on its way. */
interface Asking {
  readonly request: Request;
  readonly url: URL;
  /** Below {@link BASE}. */
  readonly path: string;
  readonly shown: Shown;
  readonly onBehalf: DaemonCall['onBehalf'];
  readonly headers: Readonly<Record<string, string>>;
}

/** Programs are patient; what waits on purpose is given that much more. */
const CALL_TIMEOUT_MS = 60_000;

/** REST: requests in, answers out; who may do what is decided by the daemon. */
export class RestService {
  readonly #daemon: Daemon;
  readonly #clock: Clock;
  readonly #limiter: RateLimiter;
  readonly #events: EventStreams;
  readonly #document: object;
  readonly #turns = new Turns();
  readonly routes: readonly Route[];

  constructor({ daemon, clock, operations, limits = RATE_LIMITS }: ServiceParts) {
    this.#daemon = daemon;
    this.#clock = clock;
    this.routes = buildRoutes(operations);
    this.#limiter = new RateLimiter(clock, limits);
    this.#events = new EventStreams(daemon, clock);
    this.#document = openApi(this.routes);
  }

  /** Answers one request; `source` is the address that it came from. */
  async handle(request: Request, source: string): Promise<Response> {
    const url = new URL(request.url);
    const credentials = readCredentials(request);
    const shown = credentials.ok ? credentials.value : {};
    const quota = this.#limiter.take(source, shown);
    if (!quota.isAllowed) {
      const tooMany = refuse('rest.too-many', 'this is more than may be asked in a minute', {
        remedy: `try again in ${quota.waitSec} s`,
      });
      return problemResponse(tooMany.error, quota.headers);
    }
    if (!credentials.ok) return problemResponse(credentials.error, quota.headers);
    const path = url.pathname.startsWith(`${BASE}/`) ? url.pathname.slice(BASE.length) : undefined;
    if (path === undefined) return problemResponse(unknownPath(url.pathname, undefined).error, quota.headers);
    const key = readKey(request);
    if (!key.ok) return problemResponse(key.error, quota.headers);
    const onBehalf = { ...shown, source, surface: 'rest', ...key.value } as const;
    return this.#route({ request, url, path, shown, onBehalf, headers: quota.headers });
  }

  #route(asking: Asking): Response | Promise<Response> {
    const { request, path, headers } = asking;
    if (path === '/openapi.json' || path === '/events') return this.#ownAnswer(asking);
    const found = findRoutes(this.routes, path);
    if (!found) {
      return problemResponse(refuse('rest.value', 'the path is not UTF-8', { where: { in: 'path', field: '' } }).error);
    }
    if (found.length === 0) {
      return problemResponse(unknownPath(path, nearestPath(this.routes, path)).error, headers);
    }
    const verb = request.method === 'HEAD' ? 'GET' : request.method;
    const fit = found.find(({ route }) => route.verb === verb);
    if (fit) return this.#carryOut(fit, asking);
    return wrongVerb(
      request.method,
      found.map(({ route }) => route.verb),
      headers,
    );
  }

  /** What REST answers without an operation. */
  #ownAnswer(asking: Asking): Response | Promise<Response> {
    const { request, path, headers } = asking;
    if (request.method !== 'GET' && request.method !== 'HEAD') return wrongVerb(request.method, ['GET'], headers);
    return path === '/events' ? this.#events.open(asking) : readAnswer(this.#document, asking);
  }

  async #carryOut(found: Found, asking: Asking): Promise<Response> {
    const { headers, url, request } = asking;
    const { route } = found;
    const paging = readPage(route, url.searchParams);
    if (!paging.ok) return this.#refuse(paging.error, route, asking);
    let standing: Promise<RestResult<void>> | undefined;
    const may = () => (standing ??= this.#mayAtAll(route, asking));
    const terms = { clock: this.#clock, may, isForStrangers: route.operation.role === 'anyone' };
    const input = await readInput(found, paging.value.query, request, terms);
    if (!input.ok) {
      const known = await may();
      return problemResponse(known.ok ? input.error : known.error, headers);
    }
    if (route.verb === 'GET') {
      const read = await this.#read(found, input.value, paging.value.page, asking);
      return read.ok ? readAnswer(read.value, asking) : problemResponse(read.error, headers);
    }
    return this.#change(found, input.value, asking);
  }

  /** Who may not do it at all is told that, and nothing of what would be right. */
  async #refuse(failure: RestFailure, route: Route, asking: Asking): Promise<Response> {
    const may = await this.#mayAtAll(route, asking);
    return problemResponse(may.ok ? failure : may.error, asking.headers);
  }

  #mayAtAll({ operation }: Route, { onBehalf }: Asking): Promise<RestResult<void>> {
    return askStanding(operation, (...what) => this.#ask(onBehalf, ...what));
  }

  async #read(
    { route, params }: Found,
    input: object,
    page: PageRequest | undefined,
    asking: Asking,
  ): Promise<RestResult<unknown>> {
    const { collection, itemParam, operation } = route;
    const result = await this.#ask(asking.onBehalf, operation.method, input);
    if (!result.ok) return result;
    if (!collection || itemParam === undefined) return ok(cutPage(result.value, route, page));
    const name = params[itemParam] ?? '';
    const item = itemOf(result.value, collection, name);
    if (item) return ok(item);
    return refuse('rest.unknown', `there is no ${collection.key} ${JSON.stringify(name.slice(0, 64))}`, {
      where: { in: 'path', field: itemParam },
      remedy: `GET ${BASE}${route.path.slice(0, route.path.lastIndexOf('/'))} lists them`,
    });
  }

  #change(found: Found, input: object, asking: Asking): Promise<Response> {
    const { route } = found;
    const ask = (method: string, params: object) => this.#ask(asking.onBehalf, method, params);
    const carryOut = async (): Promise<Response> => {
      const fits = await checkPrecondition(found, this.routes, asking.request, ask);
      if (!fits.ok) return this.#refuse(fits.error, route, asking);
      const done = await ask(route.operation.method, input);
      if (!done.ok) return problemResponse(done.error, asking.headers);
      return changeAnswer(done.value, asking, route, this.routes);
    };
    // Without a condition nothing is compared, so nothing has to wait for its turn.
    if (!asking.request.headers.has('if-match')) return carryOut();
    const owner = ownerOf(this.routes, found);
    return this.#turns.take(owner ? `${owner.list.path}/${owner.name}` : route.path, carryOut);
  }

  #ask(onBehalf: Asking['onBehalf'], method: string, params: object): Promise<RestResult<unknown>> {
    const { wait_ms, timeout_ms, data } = params as Readonly<Record<string, unknown>>;
    const waitMs = Math.max(...[wait_ms, timeout_ms].map((ms) => (typeof ms === 'number' ? ms : 0)));
    const waits = waitMs > 0 || typeof data === 'string';
    return this.#daemon.call(method, params, { onBehalf, waits, timeoutMs: CALL_TIMEOUT_MS + waitMs });
  }
}

function readKey(request: Request): RestResult<{ idempotency_key?: string }> {
  const text = request.headers.get('idempotency-key');
  if (text === null || request.method !== 'POST') return ok({});
  const key = /^"(.*)"$/.exec(text.trim())?.[1] ?? text.trim();
  if (/^[\x21-\x7e]{1,128}$/.test(key)) return ok({ idempotency_key: key });
  return refuse('rest.key', 'the header "Idempotency-Key" is not 1 to 128 visible characters of ASCII', {
    where: { in: 'header', field: 'Idempotency-Key' },
    remedy: 'send a new random one with each thing to be done, such as a UUID',
  });
}

function unknownPath(path: string, meant: string | undefined) {
  return refuse('rest.unknown-path', `there is no ${JSON.stringify(path.slice(0, 128))}`, {
    where: { in: 'path', field: '' },
    remedy: meant ? `did you mean ${BASE}${meant}?` : `GET ${BASE}/openapi.json lists what there is`,
  });
}

function wrongVerb(method: string, verbs: readonly string[], headers: Readonly<Record<string, string>>): Response {
  const allowed = [...new Set([...verbs.flatMap((verb) => (verb === 'GET' ? ['GET', 'HEAD'] : [verb])), 'OPTIONS'])];
  const Allow = allowed.join(', ');
  if (method === 'OPTIONS') return new Response(null, { status: 204, headers: { ...headers, Allow } });
  const failure = refuse('rest.method', `${method.slice(0, 16)} is not done here; ${Allow} are`);
  return problemResponse(failure.error, { ...headers, Allow });
}
