import { randomBytes } from 'node:crypto';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { Word } from '../../views/model.ts';
import { isZone } from '../../views/words/time.ts';
import type { WebContext } from './front.ts';

/** `__Host-` is put in front of all: only this very host can set them, for all of its paths, over TLS. */
const SESSION = 'session';
/** Before there is a session: what the token of the sign-in form is made of. */
const VISIT = 'visit';
/** What the next page says once. */
const WORD = 'word';

const STRICT = { prefix: 'host', path: '/', secure: true, httpOnly: true, sameSite: 'Lax' } as const;
/** A longer one is not ours. */
const LONGEST_SECRET = 128;
const LONGEST_WORD = 1_500;
const WORD_SEC = 30;

/** The session that the browser sent; only the daemon knows whether it is one. */
export function sessionOf(c: WebContext): string | undefined {
  return plausible(getCookie(c, SESSION, 'host'));
}

/** Hands the browser a new session; whatever it had before is overwritten, so that nobody can fix one for it. */
export function keepSession(c: WebContext, session: string): void {
  setCookie(c, SESSION, session, STRICT);
  deleteCookie(c, VISIT, STRICT);
}

export function dropSession(c: WebContext): void {
  deleteCookie(c, SESSION, STRICT);
}

/** The cookie that form tokens are made of: the session, else the visit. */
export function tokenCookie(c: WebContext): string | undefined {
  return sessionOf(c) ?? plausible(getCookie(c, VISIT, 'host'));
}

/** The same, made now when the browser has neither. */
export function tokenCookieOrNew(c: WebContext): string {
  const known = tokenCookie(c);
  if (known) return known;
  const made = randomBytes(18).toString('base64url');
  setCookie(c, VISIT, made, STRICT);
  return made;
}

/** Has the next page say `word`. */
export function leaveWord(c: WebContext, word: Word): void {
  const text = Buffer.from(JSON.stringify(word)).toString('base64url');
  if (text.length <= LONGEST_WORD) setCookie(c, WORD, text, { ...STRICT, maxAge: WORD_SEC });
}

/** What the page before wanted to have said; taken away with it. */
export function takeWord(c: WebContext): Word | null {
  const text = getCookie(c, WORD, 'host');
  if (text === undefined) return null;
  deleteCookie(c, WORD, STRICT);
  if (text.length > LONGEST_WORD) return null;
  try {
    const { state, title, detail } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<Word>;
    if (typeof title !== 'string' || (detail !== undefined && typeof detail !== 'string')) return null;
    const shape = (['working', 'degraded', 'failed', 'unknown', 'busy'] as const).find((one) => one === state);
    return { state: shape ?? 'unknown', title, detail };
  } catch {
    return null;
  }
}

/** Time zone that the browser says it is in, else the one of the box. */
export function zoneOf(c: WebContext): string {
  const zone = getCookie(c, 'zone');
  return zone && isZone(zone) ? zone : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function plausible(value: string | undefined): string | undefined {
  return value !== undefined && value.length <= LONGEST_SECRET && /^[\x21-\x7e]+$/.test(value) ? value : undefined;
}
