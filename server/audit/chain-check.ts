import { type Digest, decodeLine, GENESIS } from './chain.ts';
import type { ChainedEvent } from './event.ts';

/** These say how far back events are no longer kept here, so that a chain may begin behind them. */
const EXCUSES = ['audit.forgotten', 'audit.moved'];

/** An end of the chain that was noted elsewhere. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

/** What reading a whole chain has shown. */
export interface ChainState {
  readonly isIntact: boolean;
  readonly events: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Hash of the last line. */
  readonly head: string;
  /** The first thing that is wrong, with its place. */
  readonly problem: string | undefined;
}

/**
 * Reads a chain line by line and tells what is wrong with it first.
 *
 * Finds a line that was changed, removed, added or moved. A cut at the end, or a log that was written anew
 * as a whole, contradicts only a head that was noted elsewhere.
 */
export class ChainCheck {
  readonly #digest: Digest;
  readonly #noted: ChainHead | undefined;
  #events = 0;
  #firstSeq = 0;
  #lastSeq = 0;
  #head = GENESIS;
  #excusedUpTo = 0;
  #problem: string | undefined;

  constructor(digest: Digest, noted: ChainHead | undefined) {
    this.#digest = digest;
    this.#noted = noted;
  }

  /** The next line; `place` is what people find it by. */
  push(line: string, place: string): void {
    const event = decodeLine(line);
    const hash = this.#digest(line);
    if (!event) {
      this.#blame(`${place}: is not an event as this box writes them`);
      this.#head = hash;
      return;
    }
    if (this.#events === 0) this.#begin(event);
    else this.#follow(event, place);
    this.#events++;
    this.#lastSeq = event.seq;
    this.#head = hash;
    if (EXCUSES.includes(event.event)) this.#excusedUpTo = Math.max(this.#excusedUpTo, event.facts?.up_to ?? 0);
    if (this.#noted?.seq === event.seq && this.#noted.hash !== hash) {
      this.#blame(`${place}: event ${event.seq} is not the one whose hash this box noted when it was written`);
    }
  }

  finish(): ChainState {
    if (this.#firstSeq > 1 && this.#excusedUpTo < this.#firstSeq - 1) {
      this.#blame(`events 1 to ${this.#firstSeq - 1} are missing, and nothing says that they were put away`);
    }
    if (this.#noted && this.#noted.seq > this.#lastSeq) {
      this.#blame(
        `events ${this.#lastSeq + 1} to ${this.#noted.seq} are missing at the end: this box had written them`,
      );
    }
    return {
      isIntact: this.#problem === undefined,
      events: this.#events,
      firstSeq: this.#firstSeq,
      lastSeq: this.#lastSeq,
      head: this.#head,
      problem: this.#problem,
    };
  }

  #begin(event: ChainedEvent): void {
    this.#firstSeq = event.seq;
    if (event.seq === 1 && event.prev !== GENESIS) this.#blame('event 1 names an event before it');
  }

  #follow({ seq, prev }: ChainedEvent, place: string): void {
    const wanted = this.#lastSeq + 1;
    if (seq > wanted) {
      const missing = seq - 1 === wanted ? `event ${wanted} is` : `events ${wanted} to ${seq - 1} are`;
      this.#blame(`${place}: ${missing} missing before event ${seq}`);
    } else if (seq < wanted) {
      this.#blame(`${place}: event ${seq} stands where event ${wanted} belongs`);
    } else if (prev !== this.#head) {
      this.#blame(`${place}: event ${seq} does not continue event ${seq - 1}: that one was changed`);
    }
  }

  #blame(problem: string): void {
    this.#problem ??= problem;
  }
}
