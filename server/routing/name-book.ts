import type { CancelTimer, Clock } from '../core/clock.ts';
import type { Result } from '../core/result.ts';

/** Between two look-ups of one name, growing while nothing new comes of them. */
const MIN_GAP_MS = 2_000;
const MAX_GAP_MS = 60_000;
/** A name is looked up again after this even when nobody complains. */
const REFRESH_MS = 300_000;

/** Asks the system for the addresses of a name. */
export type ResolveName = (name: string) => Promise<Result<readonly string[]>>;

interface Entry {
  addresses: readonly string[];
  gapMs: number;
  lastAskedMs: number;
  isAsking: boolean;
  cancel: CancelTimer | undefined;
}

/**
 * Addresses of the names in the configuration, kept fresh.
 *
 * The last known addresses stay in use while a look-up fails: a dead DNS server must not take
 * a working tunnel down.
 */
export class NameBook {
  readonly #clock: Clock;
  readonly #resolve: ResolveName;
  readonly #entries = new Map<string, Entry>();
  readonly #onChange: (name: string, addresses: readonly string[]) => void;
  readonly #onFailure: (name: string, message: string) => void;

  constructor(
    clock: Clock,
    resolve: ResolveName,
    on: {
      change: (name: string, addresses: readonly string[]) => void;
      failure: (name: string, message: string) => void;
    },
  ) {
    this.#clock = clock;
    this.#resolve = resolve;
    this.#onChange = on.change;
    this.#onFailure = on.failure;
  }

  /** Last known addresses. */
  addressesOf(name: string): readonly string[] {
    return this.#entries.get(name)?.addresses ?? [];
  }

  /** Which names have this address now. */
  namesOf(address: string): string[] {
    return [...this.#entries].filter(([, entry]) => entry.addresses.includes(address)).map(([name]) => name);
  }

  /** Makes these names, and no others, the ones that are kept; `cached` are addresses of an earlier run. */
  async keep(names: ReadonlySet<string>, cached: Readonly<Record<string, readonly string[]>> = {}): Promise<void> {
    for (const [name, entry] of this.#entries) {
      if (names.has(name)) continue;
      entry.cancel?.();
      this.#entries.delete(name);
    }
    const added = [...names].filter((name) => !this.#entries.has(name));
    for (const name of added) {
      const addresses = cached[name] ?? [];
      this.#entries.set(name, {
        addresses,
        gapMs: MIN_GAP_MS,
        lastAskedMs: -Infinity,
        isAsking: false,
        cancel: undefined,
      });
    }
    await Promise.all(added.map((name) => this.#ask(name)));
  }

  /** Somebody could not be reached under this name: looked up again, not more often than is polite. */
  doubt(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.isAsking) return;
    const dueMs = entry.lastAskedMs + entry.gapMs - this.#clock.monotonicMs();
    this.#schedule(name, entry, Math.max(0, dueMs));
  }

  /** Ends every timer. */
  close(): void {
    for (const entry of this.#entries.values()) entry.cancel?.();
    this.#entries.clear();
  }

  #schedule(name: string, entry: Entry, delayMs: number): void {
    entry.cancel?.();
    entry.cancel = this.#clock.setTimer(delayMs, () => void this.#ask(name));
  }

  async #ask(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (!entry || entry.isAsking) return;
    entry.isAsking = true;
    entry.lastAskedMs = this.#clock.monotonicMs();
    const resolved = await this.#resolve(name);
    entry.isAsking = false;
    if (this.#entries.get(name) !== entry) return;
    const before = JSON.stringify(entry.addresses);
    if (resolved.ok) entry.addresses = [...resolved.value].sort();
    else this.#onFailure(name, resolved.error.message);
    const isNew = JSON.stringify(entry.addresses) !== before;
    entry.gapMs = isNew ? MIN_GAP_MS : Math.min(MAX_GAP_MS, entry.gapMs * 2);
    this.#schedule(name, entry, resolved.ok ? REFRESH_MS : entry.gapMs);
    if (isNew) this.#onChange(name, entry.addresses);
  }
}
