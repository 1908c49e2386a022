import { entityTag, hasTag } from './entity-tag.ts';
import { BASE, type Route } from './routes.ts';

/** What an answer depends on besides what the daemon said. */
export interface AnswerContext {
  readonly request: Request;
  readonly url: URL;
  /** Of every answer to this request. */
  readonly headers: Readonly<Record<string, string>>;
}

const SAFE = { 'X-Content-Type-Options': 'nosniff' };

/** What was read, with its tag; or that it is as the caller has it already. */
export function readAnswer(value: unknown, { request, url, headers }: AnswerContext): Response {
  const body = encodeBody(value);
  const tag = entityTag(body);
  const common = {
    ...SAFE,
    ...headers,
    ETag: tag,
    'Cache-Control': 'private, no-cache',
    Vary: 'Authorization, Cookie',
  };
  const known = request.headers.get('if-none-match');
  if (known !== null && hasTag(known, tag, 'weak')) return new Response(null, { status: 304, headers: common });
  const next = (value as { next_cursor?: unknown } | null)?.next_cursor;
  return new Response(body, {
    headers: {
      ...common,
      'Content-Type': 'application/json',
      ...(typeof next === 'string' ? { Link: `<${nextUrl(url, next)}>; rel="next"` } : {}),
    },
  });
}

/** What came of a change; something new has a place of its own. */
export function changeAnswer(
  value: unknown,
  { headers }: AnswerContext,
  route: Route,
  routes: readonly Route[],
): Response {
  const common = { ...SAFE, ...headers, 'Cache-Control': 'no-store' };
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) {
    return new Response(null, { status: 204, headers: common });
  }
  const place = placeOfMade(value, route, routes);
  return new Response(encodeBody(value), {
    status: place === undefined ? 200 : 201,
    headers: { ...common, 'Content-Type': 'application/json', ...(place === undefined ? {} : { Location: place }) },
  });
}

/** The body as it is sent, and as its tag is worked out. */
export function encodeBody(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/** `POST /users` answers `user_id`, under which `/users` has it from now on. */
function placeOfMade(value: unknown, { verb, path }: Route, routes: readonly Route[]): string | undefined {
  const key = routes.find((list) => list.verb === 'GET' && list.path === path)?.collection?.key;
  if (verb !== 'POST' || key === undefined) return undefined;
  const name = (value as Readonly<Record<string, unknown>> | null)?.[key];
  return typeof name === 'string' ? `${BASE}${path}/${encodeURIComponent(name)}` : undefined;
}

function nextUrl(url: URL, cursor: string): string {
  const query = new URLSearchParams(url.search);
  query.set('cursor', cursor);
  return `${url.pathname}?${query}`;
}
