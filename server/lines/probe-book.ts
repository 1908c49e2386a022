/** Outcomes that the loss is counted over. */
const WINDOW = 20;
/** Round trips that the usual one is the least of; older ones are forgotten half by half. */
const USUAL_WINDOW = 200;
/** Last round trips whose middle one is shown, so that a single slow answer says nothing. */
const RECENT = 5;
/** A probe without an answer for so long is late, when no better measure is known. */
const LATE_MIN_MS = 600;
const LATE_MAX_MS = 2_000;
/** Between two probes while the last one is late. */
const QUICK_MS = 500;
const MAX_IN_FLIGHT = 6;
/** So many in a row without an answer were an outage and no loss. */
const OUTAGE = 5;

/** What the probes of one office have shown. */
export interface ProbeView {
  /** Monotonic time of the last answer. */
  readonly lastGoodMs: number | undefined;
  /** Sent since the last answer. */
  readonly unanswered: number;
  /** When the first of those went out. */
  readonly firstUnansweredMs: number | undefined;
  /** Lost of the last ones; undefined while there are too few to say. */
  readonly lossRatio: number | undefined;
  readonly rttMs: number | undefined;
  /** What the round trip is at its best. */
  readonly usualRttMs: number | undefined;
}

/**
 * The probes of one office: when the next is due, and what the last ones say. All times are monotonic.
 *
 * While an answer is late probes follow each other quickly, so that a cut line is told from a lost
 * packet within seconds without sending much while all is well.
 */
export class ProbeBook {
  #outcomes: boolean[] = [];
  #rtts: number[] = [];
  #usual: number[] = [];
  #inFlight = 0;
  /** Which connection the probes belong to: what is left of an earlier one says nothing. */
  #epoch = 0;
  #lastSentMs = -Infinity;
  #lastGoodMs: number | undefined;
  #unanswered = 0;
  #firstUnansweredMs: number | undefined;

  /** Whether an answer is waited for. */
  get isWaiting(): boolean {
    return this.#unanswered > 0;
  }

  get view(): ProbeView {
    const sorted = this.#rtts.toSorted((a, b) => a - b);
    const lost = this.#outcomes.filter((isAnswered) => !isAnswered).length;
    return {
      lastGoodMs: this.#lastGoodMs,
      unanswered: this.#unanswered,
      firstUnansweredMs: this.#firstUnansweredMs,
      lossRatio: this.#outcomes.length >= WINDOW / 2 ? lost / this.#outcomes.length : undefined,
      rttMs: sorted[Math.floor(sorted.length / 2)],
      usualRttMs: this.#usual.length >= RECENT ? Math.min(...this.#usual) : undefined,
    };
  }

  /** Whether to send one now, when `intervalMs` is the pace of good times. */
  isDue(nowMs: number, intervalMs: number): boolean {
    if (this.#inFlight >= MAX_IN_FLIGHT) return false;
    const restedMs = nowMs - this.#lastSentMs;
    if (restedMs >= intervalMs) return true;
    if (this.#unanswered === 0) return false;
    const rttMs = this.view.rttMs ?? 0;
    const lateMs = Math.min(LATE_MAX_MS, Math.max(LATE_MIN_MS, 4 * rttMs));
    const isLate = nowMs - (this.#firstUnansweredMs ?? nowMs) >= lateMs;
    return isLate && restedMs >= QUICK_MS;
  }

  /** Gives what the outcome is to be told with. */
  sent(nowMs: number): number {
    this.#inFlight++;
    this.#lastSentMs = nowMs;
    this.#unanswered++;
    this.#firstUnansweredMs ??= nowMs;
    return this.#epoch;
  }

  answered(epoch: number, nowMs: number, rttMs: number): void {
    this.#inFlight--;
    if (epoch !== this.#epoch) return;
    // It was told as such while it lasted, and is over: what is left of it would look like a bad line for long.
    if (this.#unanswered > OUTAGE) {
      this.#epoch++;
      this.#outcomes = [];
    }
    this.#lastGoodMs = nowMs;
    this.#unanswered = 0;
    this.#firstUnansweredMs = undefined;
    this.#note(true);
    this.#rtts = [...this.#rtts, rttMs].slice(-RECENT);
    this.#usual.push(rttMs);
    if (this.#usual.length > USUAL_WINDOW) this.#usual = this.#usual.slice(USUAL_WINDOW / 2);
  }

  lost(epoch: number): void {
    this.#inFlight--;
    if (epoch !== this.#epoch) return;
    this.#note(false);
  }

  /** It could not be sent, which says nothing about the office. */
  notSent(epoch: number): void {
    this.#inFlight--;
    if (epoch !== this.#epoch) return;
    this.#unanswered = Math.max(0, this.#unanswered - 1);
    if (this.#unanswered === 0) this.#firstUnansweredMs = undefined;
  }

  /** The connection is gone: what was seen on it says nothing about the next one. */
  disconnected(): void {
    this.#epoch++;
    this.#outcomes = [];
    this.#rtts = [];
    this.#unanswered = 0;
    this.#firstUnansweredMs = undefined;
    this.#lastSentMs = -Infinity;
  }

  #note(isAnswered: boolean): void {
    this.#outcomes = [...this.#outcomes, isAnswered].slice(-WINDOW);
  }
}
