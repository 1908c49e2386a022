import type { Clock } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import { type Rng, seededRng } from '../core/rng.ts';
import { createPeople, type People } from './people.ts';
import type { Digest, PasswordHasher } from './ports.ts';
import type { PeopleStore, PeopleTables, Session, Token, User } from './store.ts';

const text = (bytes: Uint8Array): string => bytes.join('.');

/** Tables in memory, for tests; a change that fails is undone. */
export class SimulatedPeopleStore implements PeopleStore {
  #users = new Map<string, User>();
  #sessions = new Map<string, Session>();
  #tokens = new Map<string, Token>();
  #recovery = new Map<string, Set<string>>();
  #claimCode: string | undefined;
  /** When set, that is all there is to be had. */
  failure: Extract<Result<never>, { ok: false }> | undefined;

  read<T>(work: (tables: PeopleTables) => T): Result<T> {
    return this.failure ?? ok(work(this.#tables()));
  }

  change<T>(work: (tables: PeopleTables) => Result<T>): Result<T> {
    if (this.failure) return this.failure;
    const before = structuredClone([
      this.#users,
      this.#sessions,
      this.#tokens,
      this.#recovery,
      this.#claimCode,
    ] as const);
    const result = work(this.#tables());
    if (!result.ok) [this.#users, this.#sessions, this.#tokens, this.#recovery, this.#claimCode] = before;
    return result;
  }

  #tables(): PeopleTables {
    const removeSession = (id: string): void => void this.#sessions.delete(id);
    const removeToken = (id: string): void => void this.#tokens.delete(id);
    return {
      users: () => [...this.#users.values()],
      userById: (id) => this.#users.get(id),
      userByName: (name) => this.#users.values().find((user) => user.userName === name),
      putUser: (user) => void this.#users.set(user.userId, user),
      removeUser: (id) => {
        this.#users.delete(id);
        this.#recovery.delete(id);
        for (const { sessionId, userId } of [...this.#sessions.values()]) if (userId === id) removeSession(sessionId);
        for (const { tokenId, userId } of [...this.#tokens.values()]) if (userId === id) removeToken(tokenId);
      },
      setRecoveryCodes: (id, hashes) => void this.#recovery.set(id, new Set(hashes.map(text))),
      takeRecoveryCode: (id, hash) => this.#recovery.get(id)?.delete(text(hash)) ?? false,
      recoveryCodesLeft: (id) => this.#recovery.get(id)?.size ?? 0,
      sessions: () => [...this.#sessions.values()],
      sessionById: (id) => this.#sessions.get(id),
      sessionBySecret: (hash) =>
        this.#sessions
          .values()
          .find(({ secretHash, old }) => [secretHash, old?.secretHash].some((one) => one && text(one) === text(hash))),
      putSession: (session) => void this.#sessions.set(session.sessionId, session),
      removeSession,
      tokens: () => [...this.#tokens.values()],
      tokenBySecret: (hash) => this.#tokens.values().find(({ secretHash }) => text(secretHash) === text(hash)),
      putToken: (token) => void this.#tokens.set(token.tokenId, token),
      removeToken,
      claimCode: () => this.#claimCode,
      setClaimCode: (code) => {
        this.#claimCode = code;
      },
    };
  }
}

/** Hashes nothing: as quick as a test wants it. */
export const simulatedHasher: PasswordHasher = {
  hash: async (password) => ok(`simulated:${[...password].reverse().join('')}`),
  verify: async (password, stored) => ok(stored === `simulated:${[...password].reverse().join('')}`),
};

/** No hash to trust, but another value for another text (FNV-1a, widened). */
export const simulatedDigest: Digest = {
  sha256: (value) => mix(value),
  hmacSha1: (key, message) => mix(`${text(key)}|${text(message)}`).subarray(0, 20),
  equal: (a, b) => text(a) === text(b),
};

function mix(value: string): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, at) => {
    let hash = 0x811c9dc5 ^ (at * 0x9e3779b1);
    for (const character of value) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
    return (hash ^ (hash >>> 13)) & 0xff;
  });
}

/** People in simulated time, with everything simulated that is not given. */
export function simulatePeople(parts: {
  clock: Clock;
  rng?: Rng;
  digest?: Digest;
  hasher?: PasswordHasher;
  requiresSecondFactor?: boolean;
}): { people: People; store: SimulatedPeopleStore } {
  const store = new SimulatedPeopleStore();
  const people = createPeople({
    store,
    hasher: simulatedHasher,
    digest: simulatedDigest,
    rng: seededRng(4),
    boxName: 'Office',
    requiresSecondFactor: false,
    ...parts,
  });
  return { people, store };
}
