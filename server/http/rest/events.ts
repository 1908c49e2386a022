import type { Clock } from '../../core/clock.ts';
import type { Daemon, DaemonCall } from '../daemon-lines.ts';
import { EventSource, readKinds, readSince } from './event-source.ts';
import { problemResponse } from './problem.ts';
import { refuse } from './rest-failure.ts';

/** Streams at one time, and of one caller. */
const MOST_STREAMS = 32;
const MOST_OF_ONE = 4;
const POLL_MS = 2_000;
const HEARTBEAT_MS = 15_000;
/** A stream ends by itself, so that what a caller may is looked at again by a new request now and then. */
const LONGEST_MS = 3_600_000;
/** Unread bytes of a stream; who does not read is cut off. */
const MOST_UNREAD = 256 * 1024;

export interface EventRequest {
  readonly request: Request;
  readonly url: URL;
  readonly onBehalf: DaemonCall['onBehalf'];
  readonly headers: Readonly<Record<string, string>>;
}

/** Server-sent events, made of asking the daemon now and then in the caller's name. */
export class EventStreams {
  readonly #daemon: Daemon;
  readonly #clock: Clock;
  readonly #open = new Map<string, number>();

  constructor(daemon: Daemon, clock: Clock) {
    this.#daemon = daemon;
    this.#clock = clock;
  }

  async open(asked: EventRequest): Promise<Response> {
    const { onBehalf, headers, request } = asked;
    const kinds = readKinds(asked.url.searchParams);
    const since = kinds.ok ? readSince(request.headers.get('last-event-id')) : kinds;
    const me = await this.#daemon.call('GetMe', {}, { onBehalf });
    if (!me.ok) return problemResponse(me.error, headers);
    if (!kinds.ok) return problemResponse(kinds.error, headers);
    if (!since.ok) return problemResponse(since.error, headers);
    const source = new EventSource(this.#daemon, onBehalf, kinds.value, since.value);
    const first = await source.poll();
    if (!first.ok) return problemResponse(first.error, headers);
    const who = onBehalf.session ?? onBehalf.token ?? '';
    if (!this.#enter(who)) {
      const full = refuse('rest.too-many', `${MOST_OF_ONE} streams of one caller and ${MOST_STREAMS} in all are open`, {
        remedy: 'close one, or try again in 30 s',
      });
      return problemResponse(full.error, headers);
    }
    const sent = { ...headers, 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' };
    if (request.method === 'HEAD') {
      this.#leave(who);
      return new Response(null, { headers: sent });
    }
    const stream = new EventStream(source, this.#clock, () => this.#leave(who));
    return new Response(stream.start(first.value), { headers: { ...sent, 'X-Accel-Buffering': 'no' } });
  }

  #enter(who: string): boolean {
    const all = [...this.#open.values()].reduce((sum, count) => sum + count, 0);
    const own = this.#open.get(who) ?? 0;
    if (all >= MOST_STREAMS || own >= MOST_OF_ONE) return false;
    this.#open.set(who, own + 1);
    return true;
  }

  #leave(who: string): void {
    const left = (this.#open.get(who) ?? 1) - 1;
    if (left > 0) this.#open.set(who, left);
    else this.#open.delete(who);
  }
}

/** One open stream: asks, writes, beats, and ends when the caller goes, may no more, or does not read. */
class EventStream {
  readonly #source: EventSource;
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  readonly #startedMs: number;
  #saidMs: number;
  #isAway = false;
  #cancel: () => void = () => {};
  #isOver = false;

  constructor(source: EventSource, clock: Clock, onEnd: () => void) {
    this.#source = source;
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#startedMs = clock.monotonicMs();
    this.#saidMs = this.#startedMs;
  }

  start(first: string): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#say(controller, `retry: 3000\n\n${first}`);
          this.#again(controller);
        },
        cancel: () => this.#end(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: MOST_UNREAD }),
    );
  }

  #again(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#cancel = this.#clock.setTimer(POLL_MS, () => void this.#step(controller));
  }

  async #step(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    // What was said at the last step is still not read; one message may be as large as it is.
    if ((controller.desiredSize ?? 0) <= 0) {
      this.#close(controller, 'rest.slow');
      return;
    }
    const polled = await this.#source.poll();
    if (this.#isOver) return;
    const nowMs = this.#clock.monotonicMs();
    if (polled.ok) {
      if (this.#isAway) this.#say(controller, 'event: back\ndata: {}\n\n');
      this.#isAway = false;
      if (polled.value !== '') this.#say(controller, polled.value);
      else if (nowMs - this.#saidMs >= HEARTBEAT_MS) this.#say(controller, ': still here\n\n');
    } else if (polled.error.code.startsWith('permission.')) {
      this.#close(controller, polled.error.code);
      return;
    } else if (!this.#isAway) {
      this.#isAway = true;
      this.#say(controller, `event: stale\ndata: ${JSON.stringify({ code: polled.error.code })}\n\n`);
    } else if (nowMs - this.#saidMs >= HEARTBEAT_MS) this.#say(controller, ': still here\n\n');
    if (nowMs - this.#startedMs > LONGEST_MS) this.#close(controller, 'rest.over');
    else this.#again(controller);
  }

  #say(controller: ReadableStreamDefaultController<Uint8Array>, text: string): void {
    this.#saidMs = this.#clock.monotonicMs();
    controller.enqueue(new TextEncoder().encode(text));
  }

  #close(controller: ReadableStreamDefaultController<Uint8Array>, code: string): void {
    this.#say(controller, `event: end\ndata: ${JSON.stringify({ code })}\n\n`);
    this.#end();
    controller.close();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancel();
    this.#onEnd();
  }
}
