import type { AuditEvent } from './event.ts';

interface Bucket {
  readonly size: number;
  readonly perSecond: number;
}

/** What anybody can cause from outside: so many at once, then 17,000 a day, which push nothing out for months. */
const REFUSED: Bucket = { size: 300, perSecond: 0.2 };
/** Peers that come and go: all of a full gateway twice. */
const PEERS: Bucket = { size: 20_000, perSecond: 5 };
/** What peers do by themselves. */
const BY_PEERS = ['peer.up', 'peer.down', 'peer.moved', 'engine.repaired'];
/** Strangers do it. */
const BY_STRANGERS = ['peer.pending'];
/** Names of events that a summary lists. */
const MAX_NAMES = 8;

/**
 * Keeps a flood from washing the audit away: beyond a measure events are counted instead of written.
 *
 * What people did is always written; refusals, failures and comings and goings of peers have a measure each.
 */
export class Flood {
  readonly #fill = new Map<Bucket, { tokens: number; atMs: number }>();
  #held = new Map<string, number>();

  /** Whether this one is written; else it is counted. `nowMs` is monotonic. */
  admits(one: AuditEvent, nowMs: number): boolean {
    const bucket = bucketOf(one);
    const { event } = one;
    if (!bucket || this.#take(bucket, nowMs)) return true;
    // As many names as there are operations; a bound all the same.
    const name = this.#held.has(event) || this.#held.size < 256 ? event : 'others';
    this.#held.set(name, (this.#held.get(name) ?? 0) + 1);
    return false;
  }

  /** The event that stands for those that were counted since the last one; undefined when there were none. */
  takeSummary(): AuditEvent | undefined {
    if (this.#held.size === 0) return undefined;
    const held = [...this.#held].toSorted(([, a], [, b]) => b - a);
    this.#held = new Map();
    const count = held.reduce((sum, [, one]) => sum + one, 0);
    const names = held.slice(0, MAX_NAMES).map(([name, one]) => `${name} ${one}`);
    const detail = `${count} more events like those before were counted and not written: ${names.join(', ')}`;
    return {
      event: 'audit.counted',
      who: 'box',
      source: '',
      surface: 'box',
      outcome: 'done',
      detail,
      facts: { count },
    };
  }

  #take(bucket: Bucket, nowMs: number): boolean {
    const { tokens, atMs } = this.#fill.get(bucket) ?? { tokens: bucket.size, atMs: nowMs };
    const now = Math.min(bucket.size, tokens + ((nowMs - atMs) / 1000) * bucket.perSecond);
    const isAdmitted = now >= 1;
    this.#fill.set(bucket, { tokens: isAdmitted ? now - 1 : now, atMs: nowMs });
    return isAdmitted;
  }
}

function bucketOf({ event, outcome }: AuditEvent): Bucket | undefined {
  if (outcome !== 'done' || BY_STRANGERS.includes(event)) return REFUSED;
  return BY_PEERS.includes(event) ? PEERS : undefined;
}
