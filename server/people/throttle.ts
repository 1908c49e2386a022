import type { Clock } from '../core/clock.ts';
import { formatIp, readIp } from '../core/ip.ts';
import { containing, formatPrefix } from '../core/prefix.ts';
import { fail, ok, type Result } from '../core/result.ts';

/** Tries that cost nothing: for one thing from one place, and for all things from there: an office has many people. */
const FREE_TRIES = 5;
const FREE_TRIES_OF_ALL = 20;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** A source that was quiet for this long is forgotten. */
const FORGET_MS = 60 * 60_000;
const MAX_SOURCES = 4_096;
/** Places from which somebody was right before. */
const MAX_KNOWN = 1_024;

/** Failures of all sources together that slow nobody down. */
const FREE_FAILURES = 20;
/** One failure of all sources is forgotten in this time. */
const DRAIN_MS = 10_000;
const DELAY_PER_FAILURE_MS = 50;
export const LONGEST_DELAY_MS = 2_000;
const MOST_FAILURES = FREE_FAILURES + LONGEST_DELAY_MS / DELAY_PER_FAILURE_MS;

/** What a try counts against. */
export interface Guess {
  /** Where from: an address, or what else stands for one guesser. */
  readonly from: string;
  /** What is guessed: a user, the claim code. */
  readonly at: string;
}

interface Tries {
  count: number;
  lastMs: number;
  nextMs: number;
}

/** A try that was let through; it counts as wrong until somebody says otherwise. */
export interface Admitted {
  /** How long to wait first: grows with the failures of everybody, and never refuses anybody. */
  readonly delayMs: number;
  /** It did not count after all: nobody could look whether it was right. */
  forgive(): void;
  /** It was right. The same from there will not suffer from what its neighbours guess. */
  succeed(): void;
}

interface Counted {
  readonly key: string;
  readonly free: number;
  /** A right answer clears it; else only takes back its own try. */
  readonly clears: boolean;
  /** When the next try could be made before this one. */
  readonly nextMs: number;
}

/**
 * Slows guessing down without handing anybody the means to lock another one out.
 *
 * Each address has a few tries, then waits that double, and so has its neighbourhood, which is one
 * subscriber's whole IPv6 network, or everybody of a LAN: whoever was right from his address before is
 * not held up by that. Failures of all sources together only delay each answer by up to two seconds,
 * so the right password from a quiet source always gets in.
 */
export class Throttle {
  readonly #clock: Clock;
  readonly #sources = new Map<string, Tries>();
  readonly #known = new Set<string>();
  #failures = 0;
  #drainedMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts as failed from its start, so that many at once are no way around. */
  begin({ from, at }: Guess): Result<Admitted> {
    const nowMs = this.#clock.monotonicMs();
    // Signing in to one's own account does not buy more guesses at another's.
    const own = this.#counted(`${addressKey(from)} ${at}`, { free: FREE_TRIES, clears: true });
    const all = this.#counted(sourceKey(from), { free: FREE_TRIES_OF_ALL, clears: false });
    const counted = this.#known.has(own.key) ? [own] : [own, all];
    const waitMs = Math.max(...counted.map(({ key }) => this.#waitMs(key, nowMs)));
    if (waitMs > 0) return throttled(waitMs);
    for (const one of counted) this.#count(one, nowMs);
    this.#drain(nowMs);
    const delayMs = Math.min(LONGEST_DELAY_MS, Math.max(0, this.#failures - FREE_FAILURES) * DELAY_PER_FAILURE_MS);
    this.#failures = Math.min(MOST_FAILURES, this.#failures + 1);
    let isOver = false;
    const forgive = (): void => {
      if (isOver) return;
      isOver = true;
      // What failed before goes on counting: a try that nobody could look at says nothing about it.
      for (const one of counted) this.#takeBack(one);
      this.#failures = Math.max(0, this.#failures - 1);
    };
    const succeed = (): void => {
      forgive();
      for (const { key, clears } of counted) if (clears) this.#sources.delete(key);
      this.#know(own.key);
    };
    return ok({ delayMs, forgive, succeed });
  }

  /** Whether this was right from there before. */
  knows({ from, at }: Guess): boolean {
    return this.#known.has(`${addressKey(from)} ${at}`);
  }

  #know(key: string): void {
    this.#known.delete(key);
    this.#known.add(key);
    const [oldest] = this.#known;
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }

  #waitMs(key: string, nowMs: number): number {
    const tries = this.#sources.get(key);
    if (tries && nowMs - tries.lastMs > FORGET_MS) this.#sources.delete(key);
    return Math.max(0, (this.#sources.get(key)?.nextMs ?? 0) - nowMs);
  }

  #counted(key: string, rule: Pick<Counted, 'free' | 'clears'>): Counted {
    return { key, ...rule, nextMs: this.#sources.get(key)?.nextMs ?? 0 };
  }

  #takeBack({ key, nextMs }: Counted): void {
    const tries = this.#sources.get(key);
    if (!tries) return;
    if (tries.count <= 1) this.#sources.delete(key);
    else this.#sources.set(key, { ...tries, count: tries.count - 1, nextMs });
  }

  #count({ key, free }: Counted, nowMs: number): void {
    const count = (this.#sources.get(key)?.count ?? 0) + 1;
    const exponent = count - free;
    const waitMs = exponent < 0 ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** exponent);
    // Last in the map: what goes first when it is full is who has been quiet for longest.
    this.#sources.delete(key);
    this.#sources.set(key, { count, lastMs: nowMs, nextMs: nowMs + waitMs });
    if (this.#sources.size <= MAX_SOURCES) return;
    const [oldest] = this.#sources.keys();
    if (oldest !== undefined) this.#sources.delete(oldest);
  }

  #drain(nowMs: number): void {
    const drained = Math.floor((nowMs - this.#drainedMs) / DRAIN_MS);
    if (drained <= 0) return;
    this.#failures = Math.max(0, this.#failures - drained);
    this.#drainedMs += drained * DRAIN_MS;
  }

  /** Sources that are remembered. */
  get size(): number {
    return this.#sources.size;
  }
}

function throttled(waitMs: number): Result<never> {
  const seconds = Math.ceil(waitMs / 1000);
  return fail('people.throttled', 'there were too many failed tries from where you are', {
    remedy: `try again in ${seconds} s`,
  });
}

/** One text for one address. */
function addressKey(source: string): string {
  const ip = readIp(source.replace(/%.*$/, ''));
  return ip.ok && ip.value.family === 6 && ip.value.value >> 32n !== 0xffffn ? formatIp(ip.value) : sourceKey(source);
}

/** What counts as one neighbourhood: an IPv4 address, or an IPv6 /64, which one subscriber has whole. */
export function sourceKey(source: string): string {
  const ip = readIp(source.replace(/%.*$/, ''));
  if (!ip.ok) return source;
  const { family, value } = ip.value;
  if (family === 6 && value >> 32n === 0xffffn) return formatIp({ family: 4, value: value & 0xffffffffn });
  return family === 4 ? formatIp(ip.value) : formatPrefix(containing(ip.value, 64));
}
