import type { Clock } from '../core/clock.ts';
import type { Result } from '../core/result.ts';
import type { Rng } from '../core/rng.ts';
import type { PeopleStore } from './store.ts';

/** Slow on purpose, so its work is bounded: too many at once are refused with `people.busy`. */
export interface PasswordHasher {
  hash(password: string): Promise<Result<string>>;
  /** Takes as long as {@link hash}, whether it fits or not. */
  verify(password: string, stored: string): Promise<Result<boolean>>;
}

/** One-way functions and the comparison that takes the same time for every answer. */
export interface Digest {
  sha256(text: string): Uint8Array;
  hmacSha1(key: Uint8Array, message: Uint8Array): Uint8Array;
  equal(a: Uint8Array, b: Uint8Array): boolean;
}

export interface PeoplePorts {
  readonly store: PeopleStore;
  readonly hasher: PasswordHasher;
  readonly digest: Digest;
  readonly clock: Clock;
  /** The real one makes secrets. */
  readonly rng: Rng;
  readonly boxName: string;
  /** `security.require_2fa` */
  readonly requiresSecondFactor: boolean;
}
