import type { Clock } from '../../core/clock.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Daemon } from '../daemon-lines.ts';
import type { App, WebContext } from '../front.ts';
import type { RateLimits } from './rate-limit.ts';
import { RestService } from './service.ts';

/** What REST is handed. */
export interface RestDeps {
  readonly daemon: Daemon;
  readonly clock: Clock;
  /** Address of whoever asks, as the daemon may believe it. */
  readonly sourceOf: (c: WebContext) => string;
  /** What can be asked for; all operations in life. */
  readonly operations: readonly Operation[];
  readonly limits?: RateLimits;
}

/** Serves everything below `/api`; pages and their forms have nothing to do with it. */
export function mountRest(app: App, deps: RestDeps): RestService {
  const service = new RestService(deps);
  const handle = (c: WebContext): Promise<Response> => service.handle(c.req.raw, deps.sourceOf(c));
  app.all('/api', (c) => c.redirect('/api/v1/', 308));
  app.all('/api/*', handle);
  return service;
}
