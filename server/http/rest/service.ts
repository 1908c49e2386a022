import type { Clock } from '../../core/clock.ts';
import { failWith, ok } from '../../core/result.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Daemon, DaemonCall } from '../daemon-lines.ts';
import { changeAnswer, readAnswer } from './answer.ts';
import { itemOf } from './collections.ts';
import { readCredentials, type Shown } from './credentials.ts';
import { EventStreams } from './events.ts';
import { openApi } from './openapi.ts';
import { cutPage, readPage } from './paging.ts';
import { type AskHere, checkPrecondition } from './precondition.ts';
import { problemResponse } from './problem.ts';
import { RATE_LIMITS, RateLimiter, type RateLimits } from './rate-limit.ts';
import { readInput } from './read-input.ts';
import { referencePage } from './reference.ts';
import { type RestFailure, type RestResult, refuse } from './rest-failure.ts';
import { BASE, buildRoutes, type Found, findRoutes, nearestPath, type Route } from './routes.ts';
import { decideStanding } from './standing.ts';

/** What a request is carried out with. */
interface Asking {
  readonly request: Request;
  readonly url: URL;
  readonly source: string;
  readonly shown: Shown;
  readonly headers: Readonly<Record<string, string>>;
}

type Fixed = (asking: Asking) => Response | Promise<Response>;

export interface ServiceParts {
  readonly daemon: Daemon;
  readonly clock: Clock;
  readonly operations: readonly Operation[];
  readonly limits?: RateLimits;
}

/** REST: requests in, answers out; what may be done is decided by the daemon. */
export class RestService {
  readonly #daemon: Daemon;
  readonly #routes: readonly Route[];
  readonly #limiter: RateLimiter;
  readonly #fixed: ReadonlyMap<string, Fixed>;
  /** Checks and changes of one thing, one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor({ daemon, clock, operations, limits = RATE_LIMITS }: ServiceParts) {
    this.#daemon = daemon;
    this.#routes = buildRoutes(operations);
    this.#limiter = new RateLimiter(clock, limits);
    const events = new EventStreams(daemon, clock);
    const document = JSON.stringify(openApi(this.#routes));
    this.#fixed = new Map<string, Fixed>([
      ['/', () => html(referencePage(this.#routes))],
      ['/openapi.json', (asking) => readAnswer(JSON.parse(document), { route: FIXED, ...asking })],
      ['/events', (asking) => events.open(asking)],
    ]);
  }
}
