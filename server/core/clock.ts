/** Cancels a timer; harmless when it has fired. */
export type CancelTimer = () => void;

/** Time as everything but the composition root sees it, so that tests run in simulated time. */
export interface Clock {
  /** Wall clock in milliseconds since 1970; jumps when somebody sets it, so never measure with it. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Calls back once after `delayMs` of monotonic time. */
  setTimer(delayMs: number, callback: () => void): CancelTimer;
}

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that moves only when told; timers fire in order of their due time. */
export class SimulatedClock implements Clock {
  #monotonicMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(startMs = 0) {
    this.#wallOffsetMs = startMs;
  }

  nowMs(): number {
    return this.#wallOffsetMs + this.#monotonicMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  setTimer(delayMs: number, callback: () => void): CancelTimer {
    const timer = { dueMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#pending.add(timer);
    return () => this.#pending.delete(timer);
  }

  /** Moves on by `deltaMs`, firing every timer that falls due on the way. */
  advance(deltaMs: number): void {
    const endMs = this.#monotonicMs + deltaMs;
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#pending.delete(next);
      this.#monotonicMs = next.dueMs;
      next.callback();
    }
    this.#monotonicMs = endMs;
  }

  /** Sets the wall clock as a person or NTP would; monotonic time and timers do not notice. */
  jumpWall(deltaMs: number): void {
    this.#wallOffsetMs += deltaMs;
  }

  #next(endMs: number): Pending | undefined {
    let first: Pending | undefined;
    for (const timer of this.#pending) {
      if (timer.dueMs > endMs) continue;
      if (!first || timer.dueMs < first.dueMs || (timer.dueMs === first.dueMs && timer.order < first.order)) {
        first = timer;
      }
    }
    return first;
  }
}
