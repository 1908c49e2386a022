import { apiReference } from '../../../views/api.ts';
import type { App, Front, WebContext } from '../front.ts';
import { referenceOf } from './reference.ts';
import { RestService, type ServiceParts } from './service.ts';

/** What REST is handed. */
export interface RestDeps extends ServiceParts {
  /** Address of whoever asks; the daemon believes it. */
  readonly sourceOf: (c: WebContext) => string;
  /** Renders the reference for people. */
  readonly gate: Front['gate'];
}

/** Serves everything below `/api`; pages and their forms have nothing to do with it. */
export function mountRest(app: App, deps: RestDeps): void {
  const service = new RestService(deps);
  const reference = referenceOf(service.routes);
  app.get('/api', (c) => c.redirect('/api/v1/', 308));
  app.get('/api/v1', (c) => c.redirect('/api/v1/', 308));
  app.get('/api/v1/', (c) => deps.gate(c, (page) => apiReference(page, reference)));
  app.all('/api/*', (c) => service.handle(c.req.raw, deps.sourceOf(c)));
}
