import { ok } from '../../core/result.ts';
import { type RestResult, refuse } from './rest-failure.ts';

/** What a request has shown of itself; the daemon decides whether it is worth anything. */
export interface Shown {
  readonly session?: string;
  readonly token?: string;
}

/** Header that a browser sends for another site only after asking us, which is refused. */
export const CSRF_HEADER = 'X-QuicEther';

const SESSION_COOKIE = '__Host-session';
/** Longer than any secret of ours. */
const MAX_SECRET = 128;

/** Tokens carry it in front, so that they are told from sessions and found when they leak. */
export const TOKEN_PREFIX = 'qet_';

/**
 * Reads what a request shows: `Authorization: Bearer` with a token or a session, which no browser adds by
 * itself; or the session cookie of the pages, which counts only together with {@link CSRF_HEADER} and only
 * when the browser does not say that another site has asked.
 */
export function readCredentials({ headers, url }: Request): RestResult<Shown> {
  const authorization = headers.get('authorization');
  if (authorization !== null) return readBearer(authorization);
  const session = cookieOf(headers.get('cookie') ?? '');
  if (session === undefined || headers.get(CSRF_HEADER) === null) return ok({});
  const foreign = foreignSite(headers, new URL(url).host);
  if (foreign) {
    return refuse('rest.cross-site', `the request comes from another site: ${foreign}`, {
      where: { in: 'header', field: foreign.split(':')[0] ?? '' },
      remedy: 'programs use a token: Authorization: Bearer',
    });
  }
  return ok({ session });
}

function readBearer(authorization: string): RestResult<Shown> {
  const [, secret] = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization) ?? [];
  if (secret === undefined || secret.length > MAX_SECRET) {
    return refuse('rest.authorization', 'the header "Authorization" is not "Bearer" and a token', {
      where: { in: 'header', field: 'Authorization' },
      remedy: 'send: Authorization: Bearer TOKEN',
    });
  }
  return ok(secret.startsWith(TOKEN_PREFIX) ? { token: secret } : { session: secret });
}

function cookieOf(cookies: string): string | undefined {
  const found = cookies.split(';').map((one) => one.trim());
  const value = found.find((one) => one.startsWith(`${SESSION_COOKIE}=`))?.slice(SESSION_COOKIE.length + 1);
  return value !== undefined && value.length > 0 && value.length <= MAX_SECRET ? value : undefined;
}

function foreignSite(headers: Headers, host: string): string | undefined {
  const site = headers.get('sec-fetch-site');
  if (site !== null && site !== 'same-origin') return `Sec-Fetch-Site: ${site.slice(0, 32)}`;
  const origin = headers.get('origin');
  if (origin !== null && origin !== `https://${host}`) return `Origin: ${origin.slice(0, 128)}`;
  return undefined;
}
