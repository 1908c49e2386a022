import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { fail, type Result } from '../core/result.ts';
import type { Actor } from '../operations/actor.ts';

/** What is remembered, and for how long. */
export interface IdempotencyLimits {
  readonly keepMs: number;
  /** Of one actor: the oldest goes first. */
  readonly ofOne: number;
  readonly inAll: number;
}

const LIMITS: IdempotencyLimits = { keepMs: 86_400_000, ofOne: 200, inAll: 2_000 };

/** What is asked under a key. */
export interface KeyedCall {
  readonly actor: Actor;
  readonly key: string;
  readonly method: string;
  readonly params: unknown;
}

interface Remembered {
  readonly actor: string;
  readonly asked: string;
  readonly atMs: number;
  readonly result: Promise<Result<unknown>>;
}

/**
 * Carries out what comes under one key of one actor once, and gives its answer again when it is repeated.
 *
 * Only what was done is remembered: what failed has changed nothing and may be tried again under the same
 * key. In memory, because answers hold secrets (a new token); a restart of the daemon forgets them.
 */
export class IdempotencyKeys {
  readonly #clock: Clock;
  readonly #limits: IdempotencyLimits;
  /** What was asked may hold a password: not even its hash is worth anything elsewhere. */
  readonly #secret = randomBytes(32);
  /** Oldest first. */
  readonly #known = new Map<string, Remembered>();

  constructor(clock: Clock, limits: IdempotencyLimits = LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** The caller has been authorised for this very call: what is remembered goes to nobody else. */
  async carryOut(call: KeyedCall, run: () => Promise<Result<unknown>>): Promise<Result<unknown>> {
    const actor = nameOf(call.actor);
    if (actor === undefined) {
      return fail('idempotency.anonymous', 'who has not signed in has no idempotency keys', {
        remedy: 'leave Idempotency-Key out',
      });
    }
    this.#forgetOld();
    const name = JSON.stringify([actor, call.key]);
    const asked = createHmac('sha256', this.#secret)
      .update(JSON.stringify([call.method, call.params]))
      .digest('base64');
    const before = this.#known.get(name);
    if (before && before.asked !== asked) {
      return fail('idempotency.other-request', `"Idempotency-Key" ${call.key}: something else was asked under it`, {
        remedy: 'send a new key with each thing to be done',
      });
    }
    if (before) return before.result;
    return this.#remember(name, { actor, asked, atMs: this.#clock.monotonicMs(), result: run() });
  }

  async #remember(name: string, one: Remembered): Promise<Result<unknown>> {
    this.#makeRoom(one.actor);
    this.#known.set(name, one);
    const forget = (): void => {
      if (this.#known.get(name) === one) this.#known.delete(name);
    };
    try {
      const result = await one.result;
      if (!result.ok) forget();
      return result;
    } catch (bug) {
      forget();
      throw bug;
    }
  }

  #makeRoom(actor: string): void {
    const own = [...this.#known].filter(([, one]) => one.actor === actor);
    const [oldest] = own.length >= this.#limits.ofOne ? own : this.#known.size >= this.#limits.inAll ? this.#known : [];
    if (oldest) this.#known.delete(oldest[0]);
  }

  #forgetOld(): void {
    const oldestMs = this.#clock.monotonicMs() - this.#limits.keepMs;
    for (const [name, { atMs }] of this.#known) {
      if (atMs > oldestMs) return;
      this.#known.delete(name);
    }
  }
}

/** A person is the same in all sessions; a token is itself. */
function nameOf({ kind, name, userId, tokenId }: Actor): string | undefined {
  if (kind === 'anonymous') return undefined;
  return `${kind} ${tokenId ?? userId ?? name}`;
}
