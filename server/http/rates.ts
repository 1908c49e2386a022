import { isIPv6 } from 'node:net';

/** How much one source may ask, in a burst and in the long run. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  level: number;
  atMs: number;
}

/** Sources that are remembered; the one that asked longest ago goes first. */
const MOST_SOURCES = 4_096;

/** Counts requests of each source, and says how long one that asks too much has to wait. */
export class Rates {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes one; 0 when it may go on, else the seconds until it may. */
  take(source: string, nowMs: number): number {
    const { burst, perSecond } = this.#rate;
    const bucket = this.#buckets.get(source) ?? { level: burst, atMs: nowMs };
    bucket.level = Math.min(burst, bucket.level + (Math.max(0, nowMs - bucket.atMs) / 1000) * perSecond);
    bucket.atMs = nowMs;
    // Last in the map is asked last.
    this.#buckets.delete(source);
    this.#buckets.set(source, bucket);
    if (this.#buckets.size > MOST_SOURCES) this.#forgetOldest();
    if (bucket.level < 1) return Math.ceil((1 - bucket.level) / perSecond);
    bucket.level--;
    return 0;
  }

  #forgetOldest(): void {
    for (const source of this.#buckets.keys()) {
      this.#buckets.delete(source);
      return;
    }
  }
}

/** One household of addresses: an IPv4 address, or the /64 that one IPv6 host picks from as it likes. */
export function sourceGroup(address: string): string {
  if (!isIPv6(address)) return address;
  const groups = address.replace(/%.*$/, '').split('::');
  const head = (groups[0] ?? '').split(':').filter((group) => group !== '');
  const tail = (groups[1] ?? '').split(':').filter((group) => group !== '');
  const zeros = groups.length > 1 ? Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0') : [];
  return `${[...head, ...zeros, ...tail]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

/** An address as it is shown and counted: IPv4 as IPv4, also when it came over an IPv6 socket. */
export function plainAddress(address: string | undefined): string {
  if (!address) return 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return (mapped?.[1] ?? address).replace(/%.*$/, '');
}
