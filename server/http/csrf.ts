import { createHmac, timingSafeEqual } from 'node:crypto';
import { fail } from '../core/result.ts';

/**
 * The token that goes with every form.
 *
 * Made of the cookie that the browser sends by itself (the session, or a visit before there is
 * one), so nothing is stored and a restart of the front disturbs nobody. Who has only the token
 * has nothing: the cookie cannot be worked out from it.
 */
export function csrfToken(cookie: string): string {
  return createHmac('sha256', cookie).update('quicether form v1').digest('base64url');
}

/** Whether `token` is the one for this cookie; takes the same time for every wrong one. */
export function isCsrfToken(token: string | undefined, cookie: string | undefined): boolean {
  if (!token || !cookie) return false;
  const expected = Buffer.from(csrfToken(cookie));
  const given = Buffer.from(token);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** A form without the right token. */
export const FORGED = fail('web.forged', 'This form is out of date, nothing was changed', {
  remedy:
    'You signed in or out after it was opened, or your browser takes no cookies. Open it again and send it once more.',
});
