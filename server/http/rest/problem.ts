import { surfaceOf } from '../../core/failures.ts';
import type { RestFailure } from './rest-failure.ts';

/** Media type of a failure (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json';

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request cannot be read',
  401: 'Nobody is signed in',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Not done that way',
  409: 'Not possible as things are',
  412: 'It has changed meanwhile',
  413: 'Too large',
  415: 'Wrong media type',
  421: 'Wrong host',
  422: 'A value is wrong',
  428: 'Say which state is to be changed',
  429: 'Too many requests',
  500: 'Failed in an unexpected way',
  503: 'Not available now',
  504: 'No answer in time',
  507: 'No room left',
};

/** The answer that tells of a failure, its status taken from the one table of codes. */
export function problemResponse(failure: RestFailure, headers: Readonly<Record<string, string>> = {}): Response {
  const status = surfaceOf(failure.code).http;
  const seconds = status === 429 || status === 503 ? retryAfterSec(failure) : undefined;
  return new Response(`${JSON.stringify(problemOf(failure, status))}\n`, {
    status,
    headers: {
      'Content-Type': PROBLEM_TYPE,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...(status === 401 ? { 'WWW-Authenticate': 'Bearer realm="QuicEther"' } : {}),
      ...(seconds === undefined ? {} : { 'Retry-After': String(seconds) }),
      ...headers,
    },
  });
}

function problemOf({ code, message, remedy, where }: RestFailure, status: number): object {
  return {
    type: `urn:quicether:problem:${code}`,
    title: TITLES[status] ?? 'Failed',
    status,
    detail: message,
    code,
    ...(remedy === undefined ? {} : { remedy }),
    ...(where === undefined ? {} : { where }),
  };
}

/** What the guard in front of all routes refuses, as REST says it; `status` is its own. */
export function refusalProblem(status: number, title: string, text: string): string {
  const code = REFUSED[status] ?? 'web.request';
  return `${JSON.stringify({ type: `urn:quicether:problem:${code}`, title, status, detail: text, code })}\n`;
}

const REFUSED: Readonly<Record<number, string>> = {
  403: 'web.cross-site',
  405: 'web.method',
  414: 'web.long-address',
  421: 'web.host',
  429: 'web.too-many',
  431: 'web.headers',
};

/** Whoever throttles says in the remedy for how long. */
function retryAfterSec({ code, remedy }: RestFailure): number | undefined {
  const [, seconds] = /try again in (\d{1,6}) s/.exec(remedy ?? '') ?? [];
  if (seconds !== undefined) return Number(seconds);
  return code === 'daemon.not-reachable' || code === 'rpc.busy' ? 2 : undefined;
}
