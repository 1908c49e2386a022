import { fail, ok, type Result } from '../core/result.ts';
import type { PeoplePorts } from './ports.ts';
import { makeId, makeSecret } from './secrets.ts';
import { IDLE_MS, isLive, OLD_SECRET_MS, PASSWORD_PROOF_MS, surplus, touched } from './session-rules.ts';
import type { PeopleTables, Session, User } from './store.ts';

/** Where somebody comes from. */
export interface Origin {
  readonly source: string;
  readonly surface: string;
  /** A session that the browser has already; it ends when another begins. */
  readonly sessionId?: string;
}

/** A session just begun; the secret is told once. */
export interface BegunSession {
  readonly secret: string;
  readonly sessionId: string;
  readonly idleMs: number;
}

/** Somebody with a live session. */
export interface SignedIn {
  readonly user: User;
  readonly session: Session;
  /** Until when the password counts as just given; undefined when it does not. */
  readonly passwordUntilMs: number | undefined;
}

export interface SessionView {
  readonly session: Session;
  readonly userName: string;
}

/** Who is signed in, from where, until when. */
export class SessionBook {
  readonly #ports: PeoplePorts;

  constructor(ports: PeoplePorts) {
    this.#ports = ports;
  }

  /** A new session with a new secret, whatever the browser showed before. */
  begin(tables: PeopleTables, user: User, { source, surface, sessionId: before }: Origin): BegunSession {
    const { clock, rng, digest } = this.#ports;
    const nowMs = clock.nowMs();
    for (const session of tables.sessions()) if (!isLive(session, nowMs)) tables.removeSession(session.sessionId);
    if (before !== undefined) tables.removeSession(before);
    const own = tables.sessions().filter(({ userId }) => userId === user.userId);
    for (const { sessionId } of surplus(own)) tables.removeSession(sessionId);
    const secret = makeSecret(rng);
    const sessionId = makeId(rng, 's');
    tables.putSession({
      sessionId,
      secretHash: digest.sha256(secret),
      userId: user.userId,
      source,
      surface,
      startedMs: nowMs,
      seenMs: nowMs,
      passwordUntilMs: null,
      old: null,
    });
    tables.putUser({ ...user, lastSeenMs: nowMs });
    return { secret, sessionId, idleMs: IDLE_MS };
  }

  /** Whose secret this is, and that he was here; undefined when it is nobody's or over. */
  find(secret: string, isBackground: boolean): Result<SignedIn | undefined> {
    const { store, digest, clock } = this.#ports;
    const nowMs = clock.nowMs();
    const hash = digest.sha256(secret);
    const found = store.read((tables) => {
      const session = tables.sessionBySecret(hash);
      const user = session && tables.userById(session.userId);
      return session && user && { session, user };
    });
    if (!found.ok) return found;
    if (!found.value || !isLive(found.value.session, nowMs)) return ok(undefined);
    const { session, user } = found.value;
    const isCurrent = digest.equal(session.secretHash, hash);
    if (!isCurrent && !(session.old && session.old.untilMs > nowMs)) return ok(undefined);
    const seen = isBackground ? undefined : touched(session, nowMs);
    if (seen) {
      // Not written down on a full disk: the session only ends earlier for it.
      store.change((tables) => {
        tables.putSession(seen);
        tables.putUser({ ...user, lastSeenMs: nowMs });
        return ok(undefined);
      });
    }
    const provenMs = isCurrent ? (session.passwordUntilMs ?? 0) : 0;
    return ok({ user, session, passwordUntilMs: provenMs > nowMs ? provenMs : undefined });
  }

  /** Notes that the password was just given; with `rotate` under a new secret, which is returned. */
  prove(sessionId: string, rotate: boolean): Result<{ untilMs: number; secret: string | null }> {
    const { store, clock, rng, digest } = this.#ports;
    const nowMs = clock.nowMs();
    const untilMs = nowMs + PASSWORD_PROOF_MS;
    const secret = rotate ? makeSecret(rng) : null;
    return store.change((tables) => {
      const session = tables.sessionById(sessionId);
      if (!session) return noSession();
      const rotated = secret && {
        secretHash: digest.sha256(secret),
        old: { secretHash: session.secretHash, untilMs: nowMs + OLD_SECRET_MS },
      };
      tables.putSession({ ...session, passwordUntilMs: untilMs, ...rotated });
      return ok({ untilMs, secret });
    });
  }

  /** Live sessions, of one person or of all, newest first. */
  list(userId: string | undefined): Result<readonly SessionView[]> {
    const nowMs = this.#ports.clock.nowMs();
    return this.#ports.store.read((tables) =>
      tables
        .sessions()
        .filter((session) => isLive(session, nowMs) && (userId === undefined || session.userId === userId))
        .sort((a, b) => b.seenMs - a.seenMs)
        .map((session) => ({ session, userName: tables.userById(session.userId)?.userName ?? '' })),
    );
  }

  /** For the audit: ` of anna`, or nothing when there is no such session. */
  describeOwner(sessionId: string): string {
    const found = this.#ports.store.read((tables) => {
      const session = tables.sessionById(sessionId);
      return session && tables.userById(session.userId)?.userName;
    });
    return found.ok && found.value !== undefined ? ` of ${found.value}` : '';
  }

  /** Ends one, `userId`'s own or (undefined) anybody's. */
  end(sessionId: string, userId: string | undefined): Result<void> {
    return this.#ports.store.change((tables) => {
      const session = tables.sessionById(sessionId);
      // Another's is not there, for who may not see it.
      if (!session || (userId !== undefined && session.userId !== userId)) return noSession();
      tables.removeSession(sessionId);
      return ok(undefined);
    });
  }
}

/** Ends all sessions of a person but one: what he may do has changed, or somebody else may have known his password. */
export function endSessions(tables: PeopleTables, userId: string, except?: string): void {
  for (const session of tables.sessions()) {
    if (session.userId === userId && session.sessionId !== except) tables.removeSession(session.sessionId);
  }
}

function noSession() {
  return fail('people.unknown-session', 'there is no such session, or it has ended already', {
    remedy: 'look at the list again',
  });
}
