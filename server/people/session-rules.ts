import type { Session } from './store.ts';

/** A session that nobody used for this long is over. */
export const IDLE_MS = 30 * 60_000;
/** And in any case after a working day. */
export const ABSOLUTE_MS = 12 * 60 * 60_000;
/** How long a password counts as just given. */
export const PASSWORD_PROOF_MS = 5 * 60_000;
/** After a rotation, for calls that were on their way with the old secret. */
export const OLD_SECRET_MS = 15_000;
/** Of one person; the one that was quiet for longest ends for a new one. */
export const MAX_SESSIONS = 20;
/** Being used is written down at most this often. */
const TOUCH_MS = 60_000;
/** Further in the future than clocks are set: the box's clock was wrong when it was made, or is now. */
const FUTURE_MS = 5 * 60_000;

type Times = Pick<Session, 'startedMs' | 'seenMs'>;

/** Whether a session still counts at `nowMs`. */
export function isLive({ startedMs, seenMs }: Times, nowMs: number): boolean {
  if (startedMs > nowMs + FUTURE_MS || seenMs > nowMs + FUTURE_MS) return false;
  return nowMs - seenMs < IDLE_MS && nowMs - startedMs < ABSOLUTE_MS;
}

/** The session as used at `nowMs`, or undefined when that need not be written down. */
export function touched<T extends Times>(session: T, nowMs: number): T | undefined {
  return nowMs - session.seenMs >= TOUCH_MS ? { ...session, seenMs: nowMs } : undefined;
}

/** Sessions of one person that have to end so that one more fits, those that were quiet for longest first. */
export function surplus(sessions: readonly Session[]): readonly Session[] {
  const count = sessions.length - MAX_SESSIONS + 1;
  return count <= 0 ? [] : [...sessions].sort((a, b) => a.seenMs - b.seenMs).slice(0, count);
}
