import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { fail, ok, type Result } from '../core/result.ts';
import type { PasswordHasher } from '../people/ports.ts';

/** Argon2id's parameters (RFC 9106). */
export interface PasswordCost {
  readonly memoryKib: number;
  readonly passes: number;
}

/** OWASP's first choice: 19 MiB, two passes, one lane. */
const COST: PasswordCost = { memoryKib: 19_456, passes: 2 };
const TAG_BYTES = 32;
const SALT_BYTES = 16;
/** At one time: each takes its memory and a core. */
const MAX_RUNNING = 2;
/** Waiting for their turn; more are told to come back. */
const MAX_WAITING = 64;
/** What a stored hash may ask for, so that a tampered one cannot take the machine down. */
const MOST: PasswordCost = { memoryKib: 1 << 18, passes: 16 };

/** Argon2id hashes as `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`, a few at a time. */
export function createPasswordHasher(cost: PasswordCost = COST): PasswordHasher {
  const turns = new Turns();
  return {
    hash: (password) =>
      turns.take(async () => {
        const salt = randomBytes(SALT_BYTES);
        return encode(cost, salt, await derive(password, salt, cost));
      }),
    verify: (password, stored) =>
      turns.take(async () => {
        const known = decode(stored);
        if (!known) return false;
        return timingSafeEqual(await derive(password, known.salt, known.cost), known.tag);
      }),
  };
}

/** Bounded work: some at a time, some waiting in order, the rest refused. */
class Turns {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  async take<T>(work: () => Promise<T>): Promise<Result<T>> {
    if (this.#running >= MAX_RUNNING) {
      if (this.#waiting.length >= MAX_WAITING) {
        return fail('people.busy', 'too many are signing in at this moment', { remedy: 'try again in a few seconds' });
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return ok(await work());
    } finally {
      // Whoever waits takes over the turn, so that the count stays.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}

function derive(password: string, nonce: Uint8Array, { memoryKib, passes }: PasswordCost): Promise<Buffer> {
  const parameters = { message: password, nonce, parallelism: 1, tagLength: TAG_BYTES, memory: memoryKib, passes };
  return new Promise((resolve, reject) =>
    argon2('argon2id', parameters, (error, tag) => (error ? reject(error) : resolve(tag))),
  );
}

function encode({ memoryKib, passes }: PasswordCost, salt: Buffer, tag: Buffer): string {
  const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=1$${base64(salt)}$${base64(tag)}`;
}

const FORM = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/;

function decode(stored: string): { cost: PasswordCost; salt: Buffer; tag: Buffer } | undefined {
  const [, memory, passes, salt, tag] = FORM.exec(stored) ?? [];
  if (salt === undefined || tag === undefined) return undefined;
  const cost = { memoryKib: Number(memory), passes: Number(passes) };
  if (cost.memoryKib > MOST.memoryKib || cost.passes > MOST.passes) return undefined;
  return { cost, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') };
}
