import type { Http2ServerRequest } from 'node:http2';
import { getRequestListener } from '@hono/node-server';
import type { Clock } from '../core/clock.ts';
import type { App } from './front.ts';
import { type Asked, decideGuard, type Refusal } from './guard.ts';
import { EVERY_ANSWER } from './policy.ts';
import { plainAddress, Rates, sourceGroup } from './rates.ts';
import { PROBLEM_TYPE, refusalProblem } from './rest/problem.ts';
import type { Listener, WebRequest, WebResponse } from './tls-door.ts';

export interface ListenerParts {
  readonly app: App;
  readonly clock: Clock;
  readonly isOurHost: (host: string) => boolean;
  readonly rates?: Rates | undefined;
}

/** A page loads in about ten requests; programs ask a few times a second. */
export const PAGE_RATE = { burst: 300, perSecond: 60 };

/** What each request meets first: headers of every answer, then the guard, then the routes. */
export function createListener({ app, clock, isOurHost, rates = new Rates(PAGE_RATE) }: ListenerParts): Listener {
  const serve = getRequestListener(app.fetch as Parameters<typeof getRequestListener>[0]);
  return (request, response) => {
    for (const [name, value] of Object.entries(EVERY_ANSWER)) response.setHeader(name, value);
    const source = sourceGroup(plainAddress(request.socket?.remoteAddress));
    const waitSec = () => rates.take(source, clock.monotonicMs());
    const refusal = decideGuard(askedOf(request), { isOurHost, waitSec });
    if (refusal) refuse(request, response, refusal);
    else void serve(request as Http2ServerRequest, response as never);
  };
}

function askedOf(request: WebRequest): Asked {
  const { rawHeaders, headers, method, url } = request;
  const hosts: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase();
    if (name === 'host' || name === ':authority') hosts.push(rawHeaders[index + 1] ?? '');
  }
  const one = (value: string | string[] | undefined): string | undefined =>
    Array.isArray(value) ? value.join(', ') : value;
  return {
    method: method ?? '',
    target: url ?? '',
    hosts,
    headerCount: rawHeaders.length / 2,
    origin: one(headers['origin']),
    fetchSite: one(headers['sec-fetch-site']),
    fetchMode: one(headers['sec-fetch-mode']),
  };
}

const ALLOWED = 'GET, HEAD, POST, PUT, DELETE, OPTIONS';

function refuse(request: WebRequest, response: WebResponse, { status, title, text, retryAfterSec }: Refusal): void {
  if (retryAfterSec !== undefined) response.setHeader('Retry-After', String(retryAfterSec));
  if (status === 405) response.setHeader('Allow', ALLOWED);
  // What it still sends is not read.
  if (request.httpVersionMajor < 2) response.setHeader('Connection', 'close');
  const isProgram = request.url?.startsWith('/api/') ?? false;
  response.setHeader('Content-Type', isProgram ? PROBLEM_TYPE : 'text/html; charset=utf-8');
  response.statusCode = status;
  response.end(isProgram ? refusalProblem(status, title, text) : refusalPage(title, text));
}

/** As plain as it gets: whoever is refused here gets none of our files either. */
function refusalPage(title: string, text: string): string {
  const escaped = (raw: string): string => raw.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return `<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(title)}</title></head><body><main><h1>${escaped(title)}</h1><p>${escaped(text)}</p></main></body></html>\n`;
}
