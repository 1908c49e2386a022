import { fail, ok, type Result } from '../core/result.ts';
import { unknownUser, usedCode, wrongCode } from './failures.ts';
import { decideCode, enrolmentUri, readCode, SECRET_BYTES } from './one-time-code.ts';
import type { PasswordCheck } from './password-check.ts';
import type { PeoplePorts } from './ports.ts';
import { base32, foldReadableCode, makeReadableCode } from './secrets.ts';
import { endSessions } from './sessions.ts';
import type { User } from './store.ts';

/** Handed out when a second factor is turned on; each works once. */
const RECOVERY_CODES = 10;
/** 80 bits: their hashes are quick ones. */
const RECOVERY_CHARACTERS = 16;
/** For somebody to get the app ready. */
const ENROLMENT_MS = 15 * 60_000;
const MAX_ENROLMENTS = 100;
/** Wrong codes for one secret: whoever has only the session does not get to guess the first code. */
const ENROLMENT_TRIES = 10;

interface Enrolment {
  readonly secret: Uint8Array;
  readonly untilMs: number;
  tries: number;
}

/** Codes of an authenticator app (RFC 6238), and recovery codes for when the telephone is gone. */
export class SecondFactors {
  readonly #ports: PeoplePorts;
  readonly #passwords: PasswordCheck;
  /** Begun and not yet confirmed: gone with a restart, begun again in a moment. */
  readonly #begun = new Map<string, Enrolment>();

  constructor(ports: PeoplePorts, passwords: PasswordCheck) {
    this.#ports = ports;
    this.#passwords = passwords;
  }

  /** A secret for the app; it counts only once a code of it was given to {@link confirm}. */
  begin(user: User): Result<{ secret: string; uri: string }> {
    if (user.secondFactor) return alreadyOn();
    const { rng, clock, boxName } = this.#ports;
    const secret = rng.bytes(SECRET_BYTES);
    const [oldest] = this.#begun.keys();
    if (this.#begun.size >= MAX_ENROLMENTS && oldest !== undefined) this.#begun.delete(oldest);
    this.#begun.set(user.userId, { secret, untilMs: clock.monotonicMs() + ENROLMENT_MS, tries: 0 });
    return ok({ secret: base32(secret), uri: enrolmentUri(boxName, user.userName, secret) });
  }

  /** Turns it on, ends the person's other sessions and tells the recovery codes, once. */
  confirm(user: User, typed: string, sessionId: string): Result<readonly string[]> {
    const { store, digest, clock, rng } = this.#ports;
    const begun = this.#begun.get(user.userId);
    if (!begun || begun.untilMs <= clock.monotonicMs() || begun.tries >= ENROLMENT_TRIES) {
      this.#begun.delete(user.userId);
      return fail('people.second-factor', 'it was not begun, too long ago, or there were too many wrong codes', {
        remedy: 'begin again',
      });
    }
    begun.tries++;
    const verdict = decideCode(digest, { ...begun, lastStep: -1 }, readCode(typed) ?? '', clock.nowMs());
    if (verdict.kind !== 'right') return wrongCode();
    const codes = Array.from({ length: RECOVERY_CODES }, () => makeReadableCode(rng, RECOVERY_CHARACTERS));
    const confirmed = store.change((tables): Result<readonly string[]> => {
      const now = tables.userById(user.userId);
      if (!now) return unknownUser();
      if (now.secondFactor) return alreadyOn();
      tables.putUser({ ...now, secondFactor: { secret: begun.secret, lastStep: verdict.step } });
      tables.setRecoveryCodes(
        user.userId,
        codes.map((code) => this.#hash(code)),
      );
      endSessions(tables, user.userId, sessionId);
      return ok(codes);
    });
    if (confirmed.ok) this.#begun.delete(user.userId);
    return confirmed;
  }

  /** Turns it off; its recovery codes go with it. */
  drop(userId: string): Result<void> {
    return this.#ports.store.change((tables) => {
      const user = tables.userById(userId);
      if (!user) return unknownUser();
      if (!user.secondFactor) return fail('people.second-factor', 'there is no second factor to turn off');
      tables.putUser({ ...user, secondFactor: null });
      tables.setRecoveryCodes(userId, []);
      return ok(undefined);
    });
  }

  recoveryCodesLeft(userId: string): Result<number> {
    return this.#ports.store.read((tables) => tables.recoveryCodesLeft(userId));
  }

  /**
   * Takes a code of the app, or a recovery code, once.
   *
   * Wrong codes of the app slow down the account wherever they come from, as there are only a million.
   * Who is kept out by that gets in from an address where a code of his was right before, or by a
   * recovery code.
   */
  async verify(user: User, typed: string, source: string): Promise<Result<void>> {
    const code = readCode(typed);
    const bySource = { from: source, at: `code of ${user.userName}` };
    const isAlone = code === undefined || this.#passwords.knows(bySource);
    const guesses = isAlone ? [bySource] : [bySource, { from: `code of ${user.userId}`, at: 'app' }];
    const admitted = await this.#passwords.admit(...guesses);
    if (!admitted.ok) return admitted;
    const taken = code === undefined ? this.#takeRecovery(user, typed) : this.#takeCode(user, code);
    if (taken.ok) admitted.value.succeed();
    return taken;
  }

  #takeCode(user: User, code: string): Result<void> {
    const { store, digest, clock } = this.#ports;
    return store.change((tables) => {
      // As it is now, and written before it counts: of two calls with one code only the first is right.
      const now = tables.userById(user.userId);
      if (!now?.secondFactor) return wrongCode();
      const verdict = decideCode(digest, now.secondFactor, code, clock.nowMs());
      if (verdict.kind === 'used') return usedCode();
      if (verdict.kind === 'wrong') return wrongCode();
      tables.putUser({ ...now, secondFactor: { ...now.secondFactor, lastStep: verdict.step } });
      return ok(undefined);
    });
  }

  #takeRecovery(user: User, typed: string): Result<void> {
    return this.#ports.store.change((tables) =>
      tables.takeRecoveryCode(user.userId, this.#hash(typed)) ? ok(undefined) : wrongCode(),
    );
  }

  #hash(code: string): Uint8Array {
    return this.#ports.digest.sha256(foldReadableCode(code));
  }
}

function alreadyOn() {
  return fail('people.second-factor', 'there is a second factor already', { remedy: 'turn it off first' });
}
