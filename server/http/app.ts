import { Hono } from 'hono';
import type { Assets } from './assets.ts';
import { tokenCookie } from './cookies.ts';
import { FORGED, isCsrfToken } from './csrf.ts';
import { fieldOf } from './form.ts';
import type { App, PageModule, WebContext, WebEnv } from './front.ts';
import type { LiveHub } from './live-hub.ts';
import type { WebFront } from './make-front.ts';
import { claimedBefore } from './pages/claim.ts';
import { registerEvents } from './pages/live.ts';

/** What the routes are built from. */
export interface AppParts {
  readonly front: WebFront;
  readonly hub: LiveHub;
  readonly assets: Assets;
  readonly pages: readonly PageModule[];
  /** Mounts what is below `/api`, which checks for itself who asks and from where. */
  readonly mountApi: ((app: App) => void) | undefined;
  readonly log: { error(fields: object, text: string): void };
}

/** Takes a body that is not kept: its handler checks the token in what it reads first. */
export const STREAMED_PATHS: ReadonlySet<string> = new Set(['/system/update']);

/** All routes; what is refused before any of them is decided in `guard.ts`. */
export function buildApp(parts: AppParts): App {
  const { front } = parts;
  const app = new Hono<WebEnv>();
  app.use(fitHttp2);
  app.onError((error, c) => {
    parts.log.error({ err: error, path: c.req.path }, 'a page failed in an unexpected way: this is a bug');
    return front.errorPage(c, { status: 500 });
  });
  app.notFound((c) => front.errorPage(c, { status: 404 }));
  app.get('/assets/*', (c) => sendAsset(c, parts));
  app.get('/health', async (c) => {
    const answers = await front.ask(c, 'GetClaimState', {});
    return c.json({ status: answers.ok ? 'ok' : 'failing' }, answers.ok ? 200 : 503);
  });
  parts.mountApi?.(app);
  app.use((c, next) => leadToClaim(c, next, front));
  app.use((c, next) => checkToken(c, next, front));
  registerEvents(app, front, parts.hub);
  for (const register of parts.pages) register(app, front);
  return app;
}

/** Headers of HTTP/1.1 that the browser's library adds to streams end an HTTP/2 connection, and the process. */
async function fitHttp2(c: WebContext, next: () => Promise<void>): Promise<void> {
  await next();
  if (c.env.incoming.httpVersionMajor !== 2) return;
  for (const name of ['transfer-encoding', 'connection', 'keep-alive']) c.res.headers.delete(name);
}

/** A box that belongs to nobody shows one page; one that belongs to somebody never shows it again. */
async function leadToClaim(c: WebContext, next: () => Promise<void>, front: WebFront): Promise<Response | undefined> {
  const claimed = await front.isClaimed(c);
  if (!claimed.ok) return front.failed(c, claimed.error);
  const isClaimPage = c.req.path === '/claim';
  if (claimed.value && isClaimPage) return c.req.method === 'POST' ? claimedBefore(c, front) : c.redirect('/', 303);
  if (!claimed.value && !isClaimPage) return c.redirect('/claim', 303);
  await next();
  return undefined;
}

const READING = new Set(['GET', 'HEAD']);

/** Whatever changes something carries the token that only a page of ours has. */
async function checkToken(c: WebContext, next: () => Promise<void>, front: WebFront): Promise<Response | undefined> {
  if (!READING.has(c.req.method) && !STREAMED_PATHS.has(c.req.path)) {
    const fields = await front.fields(c);
    if (!fields.ok) return front.failed(c, fields.error);
    const token = fieldOf(fields.value, 'csrf') ?? c.req.header('x-csrf-token');
    if (!isCsrfToken(token, tokenCookie(c))) return front.failed(c, FORGED.error);
  }
  await next();
  return undefined;
}

async function sendAsset(c: WebContext, { assets, front }: AppParts): Promise<Response> {
  const asset = assets.at(c.req.path);
  if (!asset) return front.errorPage(c, { status: 404 });
  const accepted = c.req.header('accept-encoding') ?? '';
  const encoding = (['br', 'gzip'] as const).find((one) => new RegExp(`\\b${one}\\b(?!;q=0)`).test(accepted));
  const small = encoding && (await asset.encoded(encoding));
  c.header('Content-Type', asset.type);
  c.header('Vary', 'Accept-Encoding');
  c.header('Cache-Control', 'public, max-age=31536000, immutable');
  if (small && encoding) c.header('Content-Encoding', encoding);
  return c.body(new Uint8Array(small ?? asset.plain));
}
