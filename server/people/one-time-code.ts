import type { Digest } from './ports.ts';
import { base32 } from './secrets.ts';

/** RFC 6238 with what every authenticator app has: SHA-1, 30 seconds, 6 digits. */
const STEP_MS = 30_000;
const DIGITS = 6;
/** Steps to either side that are taken, for clocks that differ. */
const WINDOW = 1;
/** RFC 4226, 4: as long as the hash. */
export const SECRET_BYTES = 20;

/** The number of the time step at `nowMs`. */
export function stepAt(nowMs: number): number {
  return Math.floor(nowMs / STEP_MS);
}

/** The code of one step (RFC 4226, 5.3). */
export function codeAt(digest: Digest, secret: Uint8Array, step: number, digits = DIGITS): string {
  const message = new Uint8Array(8);
  new DataView(message.buffer).setBigUint64(0, BigInt(step));
  const hash = digest.hmacSha1(secret, message);
  const offset = (hash.at(-1) ?? 0) & 0xf;
  const number = new DataView(hash.buffer, hash.byteOffset, hash.byteLength).getUint32(offset) & 0x7fffffff;
  return String(number % 10 ** digits).padStart(digits, '0');
}

/** What a typed code is worth: the step to remember, or why it is not taken. */
export type CodeVerdict =
  | { readonly kind: 'right'; readonly step: number }
  | { readonly kind: 'used' }
  | { readonly kind: 'wrong' };

/** Decides on a typed code; one of a step that was taken before, or of an earlier one, is never taken again. */
export function decideCode(
  digest: Digest,
  factor: { readonly secret: Uint8Array; readonly lastStep: number },
  typed: string,
  nowMs: number,
): CodeVerdict {
  const now = stepAt(nowMs);
  const bytes = ascii(typed);
  // A code was taken while the clock was ahead: held against every code until then, it would lock the person out.
  const lastStep = factor.lastStep > now + WINDOW ? -1 : factor.lastStep;
  let verdict: CodeVerdict = { kind: 'wrong' };
  // All steps are looked at: how long it takes tells nothing.
  for (let step = now - WINDOW; step <= now + WINDOW; step++) {
    if (step < 0 || !digest.equal(ascii(codeAt(digest, factor.secret, step)), bytes)) continue;
    verdict = step > lastStep ? { kind: 'right', step } : { kind: 'used' };
  }
  return verdict;
}

/** The six digits of a typed code, or undefined when it is none, so that it may be a recovery code. */
export function readCode(typed: string): string | undefined {
  const digits = typed.replace(/[\s-]/g, '');
  return /^[0-9]{6}$/.test(digits) ? digits : undefined;
}

/** For the QR code of authenticator apps (Google's key URI format). */
export function enrolmentUri(boxName: string, userName: string, secret: Uint8Array): string {
  const issuer = `QuicEther ${boxName}`.replaceAll(':', ' ');
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(userName)}`;
  const query = `secret=${base32(secret)}&issuer=${encodeURIComponent(issuer)}`;
  return `otpauth://totp/${label}?${query}&algorithm=SHA1&digits=${DIGITS}&period=${STEP_MS / 1000}`;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0x7f);
}
