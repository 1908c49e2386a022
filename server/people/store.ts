import type { Result } from '../core/result.ts';
import type { Role } from '../core/role.ts';

/** Somebody who signs in with a name and a password. */
export interface User {
  readonly userId: string;
  readonly userName: string;
  readonly role: Role;
  /** As the hasher writes it, parameters included. */
  readonly passwordHash: string;
  readonly createdMs: number;
  readonly lastSeenMs: number | null;
  readonly secondFactor: SecondFactor | null;
}

export interface SecondFactor {
  readonly secret: Uint8Array;
  /** Step of the last code that was taken; it and earlier ones are never taken again. */
  readonly lastStep: number;
}

/** A browser that somebody signed in with; the secret itself is known to the browser alone. */
export interface Session {
  readonly sessionId: string;
  readonly secretHash: Uint8Array;
  readonly userId: string;
  readonly source: string;
  readonly surface: string;
  readonly startedMs: number;
  readonly seenMs: number;
  /** Until when the password counts as just given. */
  readonly passwordUntilMs: number | null;
  /** The secret before the last rotation, for calls that were on their way. */
  readonly old: { readonly secretHash: Uint8Array; readonly untilMs: number } | null;
}

/** A program's key. */
export interface Token {
  readonly tokenId: string;
  readonly secretHash: Uint8Array;
  readonly name: string;
  readonly role: Role;
  /** Who made it, null for the console: it never may more than he, and goes when he goes. */
  readonly userId: string | null;
  /** Networks that it works from, as text; none: from anywhere. */
  readonly sources: readonly string[];
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly usedMs: number | null;
}

/** What is kept about people. Each call is small; together they are one step of {@link PeopleStore}. */
export interface PeopleTables {
  users(): User[];
  userById(userId: string): User | undefined;
  userByName(userName: string): User | undefined;
  /** Adds or replaces. */
  putUser(user: User): void;
  /** With all sessions, tokens and recovery codes. */
  removeUser(userId: string): void;
  setRecoveryCodes(userId: string, hashes: readonly Uint8Array[]): void;
  /** Takes one away; false when it was not there. */
  takeRecoveryCode(userId: string, hash: Uint8Array): boolean;
  recoveryCodesLeft(userId: string): number;

  sessions(): Session[];
  sessionById(sessionId: string): Session | undefined;
  /** By the secret it has, or had before the last rotation. */
  sessionBySecret(hash: Uint8Array): Session | undefined;
  putSession(session: Session): void;
  removeSession(sessionId: string): void;

  tokens(): Token[];
  tokenBySecret(hash: Uint8Array): Token | undefined;
  putToken(token: Token): void;
  removeToken(tokenId: string): void;

  claimCode(): string | undefined;
  setClaimCode(code: string | undefined): void;
}

/** Where people are kept; a database that cannot be used answers with its failure. */
export interface PeopleStore {
  read<T>(work: (tables: PeopleTables) => T): Result<T>;
  /** All of it, or a failure and nothing changed; a failed result undoes what `work` did. */
  change<T>(work: (tables: PeopleTables) => Result<T>): Result<T>;
}

/** A store of which nothing can be had but the reason. */
export function closedStore(failure: Extract<Result<never>, { ok: false }>): PeopleStore {
  return { read: () => failure, change: () => failure };
}
