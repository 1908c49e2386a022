import { ok, type Result } from '../core/result.ts';
import { wrongPassword } from './failures.ts';
import { MAX_PASSWORD_LENGTH, normalizePassword } from './password-policy.ts';
import type { PeoplePorts } from './ports.ts';
import { makeSecret } from './secrets.ts';
import type { User } from './store.ts';
import { type Admitted, type Guess, Throttle } from './throttle.ts';

/** Whether somebody knows a password or a code, at a pace that guessing cannot use. */
export class PasswordCheck {
  readonly #ports: PeoplePorts;
  readonly #throttle: Throttle;
  #decoy: Promise<Result<string>> | undefined;

  constructor(ports: PeoplePorts) {
    this.#ports = ports;
    this.#throttle = new Throttle(ports.clock);
  }

  /** Lets a guess through when it may be made now, after the delay that everybody has at the moment. */
  async admit(...guesses: readonly Guess[]): Promise<Result<Pick<Admitted, 'forgive' | 'succeed'>>> {
    const admitted: Admitted[] = [];
    for (const guess of guesses) {
      const one = this.#throttle.begin(guess);
      if (!one.ok) {
        for (const { forgive } of admitted) forgive();
        return one;
      }
      admitted.push(one.value);
    }
    const delayMs = Math.max(...admitted.map((one) => one.delayMs));
    if (delayMs > 0) await new Promise<void>((resolve) => void this.#ports.clock.setTimer(delayMs, resolve));
    return ok({
      forgive: () => {
        for (const { forgive } of admitted) forgive();
      },
      succeed: () => {
        for (const { succeed } of admitted) succeed();
      },
    });
  }

  /** Whether a guess of that kind was right from that place before. */
  knows(guess: Guess): boolean {
    return this.#throttle.knows(guess);
  }

  /** Whether the password is this user's; for nobody it takes as long and is wrong. */
  async fits(user: User | undefined, password: string, guesses: readonly Guess[]): Promise<Result<boolean>> {
    const decoy = await this.#decoyHash();
    if (!decoy.ok) return decoy;
    const admitted = await this.admit(...guesses);
    if (!admitted.ok) return admitted;
    const typed = normalizePassword(password.slice(0, 2 * MAX_PASSWORD_LENGTH));
    const verified = await this.#ports.hasher.verify(typed, user?.passwordHash ?? decoy.value);
    const isRight = verified.ok && verified.value && user !== undefined;
    if (isRight) admitted.value.succeed();
    // Somebody who could not even be asked did not guess.
    if (!verified.ok) admitted.value.forgive();
    return verified.ok ? ok(isRight) : verified;
  }

  /** Asks somebody who has signed in once more. Counts for his session, too: a stolen one is no place to guess. */
  async confirm(user: User, password: string, at: { sessionId: string; source: string }): Promise<Result<void>> {
    const guesses = [passwordGuess(at.source, user.userName), { from: `session ${at.sessionId}`, at: 'password' }];
    const fits = await this.fits(user, password, guesses);
    if (!fits.ok) return fits;
    return fits.value ? ok(undefined) : wrongPassword();
  }

  #decoyHash(): Promise<Result<string>> {
    this.#decoy ??= this.#ports.hasher.hash(makeSecret(this.#ports.rng)).then((made) => {
      if (!made.ok) this.#decoy = undefined;
      return made;
    });
    return this.#decoy;
  }
}

/** A guess at the password of a user, whether there is one of that name or not. */
export function passwordGuess(source: string, userName: string): Guess {
  return { from: source, at: `password of ${userName}` };
}
