import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { sourceGroup } from '../rates.ts';
import type { Shown } from './credentials.ts';

/** So many requests in so many seconds. */
export interface Quota {
  readonly requests: number;
  readonly windowSec: number;
}

/** What a caller may do; a source may hold several callers. */
export interface RateLimits {
  readonly caller: Quota;
  readonly source: Quota;
}

export const RATE_LIMITS: RateLimits = {
  caller: { requests: 600, windowSec: 60 },
  source: { requests: 1_200, windowSec: 60 },
};

/** Buckets kept; the one that was used longest ago goes first. */
const MAX_BUCKETS = 4_096;

interface Bucket {
  left: number;
  atMs: number;
}

/** Whether a request may go on, and what the caller is told of its quota. */
export interface Decision {
  readonly isAllowed: boolean;
  readonly waitSec: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Buckets that fill steadily: one for each caller and one for each source. */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #limits: RateLimits;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, limits: RateLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Takes one request out of both buckets, or out of neither. */
  take(source: string, shown: Shown): Decision {
    const secret = shown.token ?? shown.session;
    const ofSource = this.#look(`source ${sourceGroup(source)}`, this.#limits.source);
    const ofCaller =
      secret === undefined
        ? undefined
        : this.#look(`caller ${createHash('sha256').update(secret).digest('base64')}`, this.#limits.caller);
    const isAllowed = ofSource.left >= 1 && (ofCaller?.left ?? 1) >= 1;
    if (isAllowed) {
      ofSource.left--;
      if (ofCaller) ofCaller.left--;
    }
    const name = ofCaller && ofCaller.left <= ofSource.left ? 'caller' : 'source';
    return this.#decision(isAllowed, name, name === 'caller' && ofCaller ? ofCaller : ofSource);
  }

  #decision(isAllowed: boolean, name: 'caller' | 'source', { left }: Bucket): Decision {
    const { requests, windowSec } = this.#limits[name];
    const perSec = requests / windowSec;
    const waitSec = isAllowed ? 0 : Math.ceil((1 - left) / perSec);
    const untilFullSec = Math.ceil((requests - left) / perSec);
    return {
      isAllowed,
      waitSec,
      headers: {
        'RateLimit-Policy': `"${name}";q=${requests};w=${windowSec}`,
        RateLimit: `"${name}";r=${Math.floor(Math.max(0, left))};t=${isAllowed ? untilFullSec : waitSec}`,
      },
    };
  }

  #look(name: string, { requests, windowSec }: Quota): Bucket {
    const nowMs = this.#clock.monotonicMs();
    const bucket = this.#buckets.get(name) ?? { left: requests, atMs: nowMs };
    bucket.left = Math.min(requests, bucket.left + ((nowMs - bucket.atMs) / 1_000) * (requests / windowSec));
    bucket.atMs = nowMs;
    // Put at the end again: the first one is the one that was used longest ago.
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_BUCKETS && oldest !== undefined) this.#buckets.delete(oldest);
    return bucket;
  }
}
