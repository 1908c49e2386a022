import { fail, ok, type Result } from '../core/result.ts';
import { wrongCredentials } from './failures.ts';
import { type PasswordCheck, passwordGuess } from './password-check.ts';
import { decidePassword } from './password-policy.ts';
import type { PeoplePorts } from './ports.ts';
import type { SecondFactors } from './second-factors.ts';
import { foldReadableCode, makeId, makeReadableCode, makeSecret } from './secrets.ts';
import type { BegunSession, Origin, SessionBook } from './sessions.ts';
import type { PeopleTables, User } from './store.ts';
import { MAX_USER_NAME_LENGTH, parseUserName } from './user-name.ts';

/** 60 bits, in three groups. */
const CLAIM_CODE_CHARACTERS = 12;
/** Between the password and the code. */
const TICKET_MS = 5 * 60_000;
const TICKET_TRIES = 5;
const MAX_TICKETS = 1_000;

interface Ticket {
  readonly userId: string;
  /** What was right when it was given: after a change of the password it is worth nothing. */
  readonly passwordHash: string;
  readonly untilMs: number;
  tries: number;
}

/** What came of a sign-in: a session, or a ticket that a code turns into one. */
export type SignInOutcome = { readonly user: User } & (
  | { readonly session: BegunSession; readonly ticket: null }
  | { readonly session: null; readonly ticket: string }
);

/** The ways in: the claim of a new box, name and password, the second factor. */
export class SignInDesk {
  readonly #ports: PeoplePorts;
  readonly #passwords: PasswordCheck;
  readonly #sessions: SessionBook;
  readonly #factors: SecondFactors;
  readonly #tickets = new Map<string, Ticket>();

  constructor(ports: PeoplePorts, parts: { passwords: PasswordCheck; sessions: SessionBook; factors: SecondFactors }) {
    this.#ports = ports;
    this.#passwords = parts.passwords;
    this.#sessions = parts.sessions;
    this.#factors = parts.factors;
  }

  /** Whether the box has an owner. */
  isClaimed(): Result<boolean> {
    return this.#ports.store.read(hasOwner);
  }

  /** The code that makes the first owner, made when there is none yet; null once the box is claimed. */
  claimCode(): Result<string | null> {
    const found = this.#ports.store.read((tables) => ({ isClaimed: hasOwner(tables), code: tables.claimCode() }));
    if (!found.ok) return found;
    const { isClaimed, code } = found.value;
    if (isClaimed || code !== undefined) return ok(isClaimed ? null : (code ?? null));
    const made = makeReadableCode(this.#ports.rng, CLAIM_CODE_CHARACTERS);
    return this.#ports.store.change((tables) => {
      tables.setClaimCode(made);
      return ok(made);
    });
  }

  /** Makes the first owner. The code works once; a name or password that cannot be used does not use it up. */
  async claim(
    { code, userName, password }: { code: string; userName: string; password: string },
    origin: Origin,
  ): Promise<Result<{ user: User; session: BegunSession }>> {
    const { store, hasher, rng, clock, boxName } = this.#ports;
    const admitted = await this.#passwords.admit({ from: origin.source, at: 'claim code' });
    if (!admitted.ok) return admitted;
    const valid = store.read((tables) => this.#checkClaim(tables, code));
    if (!valid.ok) return valid;
    if (!valid.value.ok) return valid.value;
    admitted.value.succeed();
    const name = parseUserName(userName);
    if (!name.ok) return name;
    const allowed = decidePassword(password, [name.value, boxName]);
    if (!allowed.ok) return allowed;
    const hash = await hasher.hash(allowed.value);
    if (!hash.ok) return hash;
    return store.change((tables) => {
      // Once more: another claim may have come first.
      const still = this.#checkClaim(tables, code);
      if (!still.ok) return still;
      if (tables.userByName(name.value)) return wrongClaimName(name.value);
      const user: User = {
        userId: makeId(rng, 'u'),
        userName: name.value,
        role: 'owner',
        passwordHash: hash.value,
        createdMs: clock.nowMs(),
        lastSeenMs: null,
        secondFactor: null,
      };
      tables.putUser(user);
      tables.setClaimCode(undefined);
      return ok({ user, session: this.#sessions.begin(tables, user, origin) });
    });
  }

  /** A session, or with a second factor a ticket for {@link signInCode}. */
  async signIn(userName: string, password: string, origin: Origin): Promise<Result<SignInOutcome>> {
    const { store } = this.#ports;
    // As it is stored; a name that nobody can have is only a wrong one.
    const name = userName.trim().toLowerCase().slice(0, MAX_USER_NAME_LENGTH);
    const found = store.read((tables) => tables.userByName(name));
    if (!found.ok) return found;
    const user = found.value;
    const fits = await this.#passwords.fits(user, password, [passwordGuess(origin.source, name)]);
    if (!fits.ok) return fits;
    if (!fits.value || !user) return wrongCredentials();
    if (user.secondFactor) return ok({ user, session: null, ticket: this.#giveTicket(user) });
    return this.#begin(user, origin, (session) => ({ user, session, ticket: null }));
  }

  /** Turns a ticket into a session, with a code of the app or a recovery code. */
  async signInCode(
    ticket: string,
    code: string,
    origin: Origin,
  ): Promise<Result<{ user: User; session: BegunSession }>> {
    const key = this.#key(ticket);
    const known = this.#tickets.get(key);
    if (!known || known.untilMs <= this.#ports.clock.monotonicMs() || known.tries >= TICKET_TRIES) {
      this.#tickets.delete(key);
      return expiredTicket();
    }
    known.tries++;
    const found = this.#ports.store.read((tables) => tables.userById(known.userId));
    if (!found.ok) return found;
    const user = found.value;
    if (!user || user.passwordHash !== known.passwordHash) return expiredTicket();
    const verified = await this.#factors.verify(user, code, origin.source);
    if (!verified.ok) return verified;
    // Of two codes at once only the first turns it in.
    if (!this.#tickets.delete(key)) return expiredTicket();
    return this.#begin(user, origin, (session) => ({ user, session }));
  }

  /** Whose ticket this is, for the audit. */
  nameOfTicket(ticket: string): string | undefined {
    const known = this.#tickets.get(this.#key(ticket));
    const found = this.#ports.store.read((tables) => known && tables.userById(known.userId));
    return found.ok ? found.value?.userName : undefined;
  }

  #begin<T>(user: User, origin: Origin, then: (session: BegunSession) => T): Result<T> {
    return this.#ports.store.change((tables) => {
      const now = tables.userById(user.userId);
      if (!now || now.passwordHash !== user.passwordHash) return wrongCredentials();
      return ok(then(this.#sessions.begin(tables, now, origin)));
    });
  }

  #checkClaim(tables: PeopleTables, typed: string): Result<void> {
    const { digest } = this.#ports;
    if (hasOwner(tables)) {
      return fail('people.claimed', 'this box has an owner already', { remedy: 'sign in' });
    }
    const hash = (text: string): Uint8Array => digest.sha256(foldReadableCode(text));
    // Before a first code is made none is right.
    const code = tables.claimCode();
    if (code !== undefined && digest.equal(hash(code), hash(typed))) return ok(undefined);
    return fail('people.wrong-claim-code', 'the claim code is not right', {
      remedy: 'it stands beside the six words, in the terminal where the box was started or on its console',
    });
  }

  #giveTicket(user: User): string {
    const nowMs = this.#ports.clock.monotonicMs();
    for (const [key, { untilMs }] of this.#tickets) if (untilMs <= nowMs) this.#tickets.delete(key);
    const [oldest] = this.#tickets.keys();
    if (this.#tickets.size >= MAX_TICKETS && oldest !== undefined) this.#tickets.delete(oldest);
    const ticket = makeSecret(this.#ports.rng);
    const { userId, passwordHash } = user;
    this.#tickets.set(this.#key(ticket), { userId, passwordHash, untilMs: nowMs + TICKET_MS, tries: 0 });
    return ticket;
  }

  /** Looked up by its hash, so that how long looking takes says nothing of the ticket. */
  #key(ticket: string): string {
    return this.#ports.digest.sha256(ticket).join('.');
  }
}

function hasOwner(tables: PeopleTables): boolean {
  return tables.users().some(({ role }) => role === 'owner');
}

function expiredTicket() {
  return fail('people.ticket', 'too much time has passed, or there were too many wrong codes', {
    remedy: 'sign in with your password again',
  });
}

function wrongClaimName(name: string) {
  return fail('people.user-exists', `there is a user "${name}" already`, { remedy: 'choose another name' });
}
