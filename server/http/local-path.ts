/** Longest path that is carried around to come back to. */
const LONGEST = 1_024;

/**
 * A path of ours to go on to, or `otherwise`.
 *
 * What comes in a query or form was written by anybody: only a path stays, never another host
 * (`//evil`, `/\evil`), never one with control characters, and never one that would only lead back
 * to signing in.
 */
export function localPath(text: string | undefined, otherwise = '/'): string {
  if (text === undefined || text.length > LONGEST || !/^\/(?![/\\])[\x21-\x7e]*$/.test(text)) return otherwise;
  if (text.includes('\\')) return otherwise;
  const base = 'https://box.invalid';
  try {
    const url = new URL(text, base);
    if (url.origin !== base) return otherwise;
    const path = url.pathname + url.search;
    // Dots may have made two slashes of it.
    if (path.startsWith('//') || /^\/(?:sign-in|sign-out|claim|password|events)(?:[/?]|$)/.test(path)) return otherwise;
    return path;
  } catch {
    return otherwise;
  }
}

/** The path of a Referer that is on our own host. */
export function ownReferer(referer: string | undefined, host: string | undefined): string | undefined {
  if (!referer || !host || !URL.canParse(referer)) return undefined;
  const url = new URL(referer);
  return url.protocol === 'https:' && url.host === host.toLowerCase() ? url.pathname + url.search : undefined;
}
