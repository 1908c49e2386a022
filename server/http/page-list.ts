import type { Clock } from '../core/clock.ts';
import type { BoxCertificate } from './certificate.ts';
import type { App, PageModule, WebContext, WebEnv } from './front.ts';
import type { WebFront } from './make-front.ts';
import { activityPages } from './pages/activity.ts';
import { addOfficePages } from './pages/add-office.ts';
import { claimPages } from './pages/claim.ts';
import { confirmPages } from './pages/confirm.ts';
import { homePages } from './pages/home.ts';
import { linePages } from './pages/lines.ts';
import { loginPages } from './pages/login.ts';
import { officePages } from './pages/office.ts';
import { peoplePages } from './pages/people.ts';
import { systemPages } from './pages/system.ts';
import { uploadPages } from './pages/upload.ts';

/** Every page; what is not in this list is not there. */
export function allPages(certificate: () => BoxCertificate): readonly PageModule[] {
  return [
    claimPages(certificate),
    loginPages,
    homePages,
    addOfficePages,
    officePages,
    linePages,
    activityPages,
    peoplePages,
    systemPages,
    uploadPages,
    confirmPages,
  ];
}

/**
 * What programs use, below `/api`; loaded when the first one asks: with all operations and their
 * schemas it is half of what this process would hold.
 */
export function mountApi(app: App, front: WebFront, clock: Clock): void {
  let loading: Promise<App> | undefined;
  const load = async (): Promise<App> => {
    const [{ Hono }, { OPERATIONS }, { mountRest }] = await Promise.all([
      import('hono'),
      import('../operations/all.ts'),
      import('./rest/mount.ts'),
    ]);
    const api: App = new Hono<WebEnv>();
    mountRest(api, {
      daemon: front.daemon,
      clock,
      operations: OPERATIONS,
      sourceOf: (c) => front.sourceOf(c),
      gate: (c, view, status) => front.gate(c, view, status),
    });
    return api;
  };
  const serve = async (c: WebContext): Promise<Response> => {
    loading ??= load();
    return (await loading).fetch(c.req.raw, c.env);
  };
  app.all('/api', serve);
  app.all('/api/*', serve);
}
