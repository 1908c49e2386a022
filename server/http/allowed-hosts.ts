/** Where the box's own addresses come from; `os.networkInterfaces()` in life. */
export type ObserveAddresses = () => readonly string[];

/** Addresses of the box change now and then; a stranger must not make us look more often. */
const LOOK_AGAIN_MS = 2_000;

/** Names that every box answers to besides its own: the one its LAN side hands out, and itself. */
export const EVERY_BOX = ['localhost', 'gateway.home.arpa'];

/**
 * Under which names and addresses this box may be asked for; anything else is refused, so that a
 * name that somebody points at us (DNS rebinding) opens nothing.
 */
export class AllowedHosts {
  readonly #names: ReadonlySet<string>;
  readonly #observe: ObserveAddresses;
  readonly #nowMs: () => number;
  #addresses: ReadonlySet<string> = new Set();
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(names: readonly string[], observe: ObserveAddresses, nowMs: () => number) {
    this.#names = new Set([...EVERY_BOX, ...names].map(plainName));
    this.#observe = observe;
    this.#nowMs = nowMs;
  }

  /** Whether `host` (of a Host header, its port included) is us. */
  allows(host: string): boolean {
    const name = hostOf(host);
    if (name === undefined) return false;
    if (this.#names.has(name) || this.#addresses.has(name)) return true;
    if (this.#nowMs() - this.#lookedMs < LOOK_AGAIN_MS) return false;
    this.#lookedMs = this.#nowMs();
    this.#addresses = new Set(this.#observe().map(plainName));
    return this.#addresses.has(name);
  }
}

/** The host of a Host header without port and brackets, in lower case; undefined when it is none. */
export function hostOf(header: string): string | undefined {
  if (header.length > 261) return undefined;
  const split = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::([0-9]{1,5}))?$/i.exec(header);
  return split ? plainName(split[1] ?? split[2] ?? '') : undefined;
}

function plainName(name: string): string {
  const lower = name.toLowerCase();
  if (!lower.includes(':')) return lower.replace(/\.$/, '');
  // One spelling for an IPv6 address, without the zone that `fe80::1%eth0` has.
  const address = lower.replace(/%.*$/, '');
  try {
    return new URL(`http://[${address}]/`).hostname.slice(1, -1);
  } catch {
    return address;
  }
}
