import type { Clock } from '../core/clock.ts';

/** Where events go: an HTTP answer that stays open. */
export interface EventSink {
  write(chunk: Buffer): boolean;
  end(): void;
  destroy(): void;
  readonly writableLength: number;
  on(event: 'close' | 'drain' | 'error', listener: () => void): unknown;
}

/** Sent and not yet taken; a reader that is further behind is let go and may come back. */
const MOST_UNREAD_BYTES = 256 * 1024;
/** For a reader to take anything of what waits for it. */
const STALL_MS = 20_000;
/** Longer than this, boxes in between forget the connection. */
const HEARTBEAT_MS = 15_000;
const HEARTBEAT = Buffer.from(': still here\n\n');

/** One browser that watches. */
export class Viewer {
  readonly session: string;
  readonly source: string;
  readonly #sink: EventSink;
  readonly #clock: Clock;
  #isOver = false;
  #waitsSinceMs: number | undefined;
  #saidMs: number;
  /** When the daemon last said that the session is one. */
  checkedMs: number;
  isChecking = false;

  constructor(sink: EventSink, who: { session: string; source: string }, clock: Clock, onGone: () => void) {
    this.session = who.session;
    this.source = who.source;
    this.#sink = sink;
    this.#clock = clock;
    this.#saidMs = clock.monotonicMs();
    this.checkedMs = this.#saidMs;
    sink.on('drain', () => {
      this.#waitsSinceMs = undefined;
    });
    // A browser that goes in the middle of a word is no news; that it has gone is told by `close`.
    sink.on('error', () => undefined);
    sink.on('close', () => {
      this.#isOver = true;
      onGone();
    });
  }

  /** How long it has been told nothing. */
  get silentMs(): number {
    return this.#clock.monotonicMs() - this.#saidMs;
  }

  send(chunk: Buffer): void {
    if (this.#isOver) return;
    const nowMs = this.#clock.monotonicMs();
    if (this.#sink.writableLength + chunk.length > MOST_UNREAD_BYTES) {
      this.drop();
      return;
    }
    this.#saidMs = nowMs;
    if (!this.#sink.write(chunk)) this.#waitsSinceMs ??= nowMs;
  }

  /** Keeps the line open, and lets go of who does not read. */
  tend(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#waitsSinceMs !== undefined && nowMs - this.#waitsSinceMs > STALL_MS) this.drop();
    else if (nowMs - this.#saidMs >= HEARTBEAT_MS) this.send(HEARTBEAT);
  }

  /** Says one last thing and ends. */
  end(lastWord: Buffer): void {
    if (this.#isOver) return;
    this.#sink.write(lastWord);
    this.#sink.end();
    this.#isOver = true;
  }

  drop(): void {
    this.#isOver = true;
    this.#sink.destroy();
  }
}

/** One event as it goes over the line; line breaks in `data` are kept. */
export function encodeEvent(data: string, name?: string): Buffer {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return Buffer.from(`${name ? `event: ${name}\n` : ''}${lines.join('')}\n`);
}
