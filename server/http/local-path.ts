/** Longest path that is carried around to come back to. */
const LONGEST = 1_024;

const BASE = 'https://box.invalid';
/** Pages that only lead somewhere else again, or cannot be asked for as a page. */
const NO_PLACE_TO_BE = /^\/(?:sign-in|sign-out|login|claim|password|events)(?:[/?]|$)/;

/**
 * `text` as a path on this host, or undefined.
 *
 * What comes in a query or form was written by anybody: another host (`//evil`, `/\\evil`) and
 * control characters are no path of ours.
 */
export function ownPath(text: string | undefined): string | undefined {
  if (text === undefined || text.length > LONGEST || !/^\/(?!\/)[\x21-\x7e]*$/.test(text)) return undefined;
  if (text.includes('\\') || !URL.canParse(text, BASE)) return undefined;
  const url = new URL(text, BASE);
  const path = url.pathname + url.search;
  // Dots may have made two slashes of it.
  return url.origin === BASE && !path.startsWith('//') ? path + url.hash : undefined;
}

/** A page of ours to go on to, or `otherwise`; never one that would only lead back to signing in. */
export function localPath(text: string | undefined, otherwise = '/'): string {
  const path = ownPath(text);
  return path === undefined || NO_PLACE_TO_BE.test(path) ? otherwise : path;
}

/** The path of a Referer that is on our own host. */
export function ownReferer(referer: string | undefined, host: string | undefined): string | undefined {
  if (!referer || !host || !URL.canParse(referer)) return undefined;
  const url = new URL(referer);
  return url.protocol === 'https:' && url.host === host.toLowerCase() ? url.pathname + url.search : undefined;
}
