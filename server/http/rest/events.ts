import type { Clock } from '../../core/clock.ts';
import { ok } from '../../core/result.ts';
import type { Daemon, DaemonCall } from '../daemon-lines.ts';
import { problemResponse } from './problem.ts';
import { type RestResult, refuse } from './rest-failure.ts';

/** What a stream may tell of. */
export const EVENT_KINDS = ['offices', 'trial', 'audit'] as const;
type EventKind = (typeof EVENT_KINDS)[number];

/** Streams at one time, and of one caller. */
const MOST_STREAMS = 32;
const MOST_OF_ONE = 4;
const POLL_MS = 2_000;
const HEARTBEAT_MS = 15_000;
/** A stream ends by itself, so that what a caller may is looked at again by a new request now and then. */
const LONGEST_MS = 3_600_000;
/** Events of the audit told at once; of what is older only that there is more. */
const MOST_AT_ONCE = 1_000;
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

interface AuditEvent {
  readonly seq: number;
}

interface AuditPage {
  readonly events: readonly AuditEvent[];
  readonly next_before: number | null;
}

/** What has happened since it was last asked, as text of a stream. */
class EventSource {
  readonly #daemon: Daemon;
  readonly #onBehalf: DaemonCall['onBehalf'];
  readonly #kinds: readonly EventKind[];
  readonly #last = new Map<EventKind, string>();
  #seq: number | undefined;

  constructor(daemon: Daemon, onBehalf: DaemonCall['onBehalf'], kinds: readonly EventKind[], seq: number | undefined) {
    this.#daemon = daemon;
    this.#onBehalf = { ...onBehalf, is_background: true };
    this.#kinds = kinds;
    this.#seq = seq;
  }

  async poll(): Promise<RestResult<string>> {
    let text = '';
    for (const kind of this.#kinds) {
      const part = kind === 'audit' ? await this.#audit() : await this.#state(kind);
      if (!part.ok) return part;
      text += part.value;
    }
    return ok(text);
  }

  /** The whole state whenever it has changed; what a caller has missed does not matter then. */
  async #state(kind: 'offices' | 'trial'): Promise<RestResult<string>> {
    const answer = await this.#ask(kind === 'offices' ? 'GetOffices' : 'GetTrial', {});
    if (!answer.ok) return answer;
    const { checked_ms: _, ...shown } = answer.value as Readonly<Record<string, unknown>>;
    const data = JSON.stringify(shown);
    if (this.#last.get(kind) === data) return ok('');
    this.#last.set(kind, data);
    return ok(`event: ${kind}\ndata: ${data}\n\n`);
  }

  /** Each event of the audit once, oldest first; its number is the id, so that a caller goes on where he was. */
  async #audit(): Promise<RestResult<string>> {
    const after = this.#seq;
    if (after === undefined) return this.#beginAudit();
    const events: AuditEvent[] = [];
    let before: number | null | undefined;
    do {
      const page = await this.#auditPage({ limit: 200, after, ...(before ? { before } : {}) });
      if (!page.ok) return page;
      events.unshift(...page.value.events.toReversed());
      before = page.value.next_before;
    } while (before && events.length < MOST_AT_ONCE);
    this.#seq = events.at(-1)?.seq ?? after;
    const gap = before ? `event: gap\ndata: ${JSON.stringify({ after, before: events[0]?.seq })}\n\n` : '';
    return ok(
      gap + events.map((event) => `id: ${event.seq}\nevent: audit\ndata: ${JSON.stringify(event)}\n\n`).join(''),
    );
  }

  /** Without Last-Event-ID the stream begins now; the id is said so that the caller can go on from here. */
  async #beginAudit(): Promise<RestResult<string>> {
    const page = await this.#auditPage({ limit: 1 });
    if (!page.ok) return page;
    this.#seq = page.value.events[0]?.seq ?? 0;
    return ok(`id: ${this.#seq}\nevent: begin\ndata: {}\n\n`);
  }

  #auditPage(params: object): Promise<RestResult<AuditPage>> {
    return this.#ask('GetAudit', params) as Promise<RestResult<AuditPage>>;
  }

  #ask(method: string, params: object): Promise<RestResult<unknown>> {
    return this.#daemon.call(method, params, { onBehalf: this.#onBehalf });
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
    if ((controller.desiredSize ?? 0) <= 0) this.#close(controller, 'rest.slow');
    else if (nowMs - this.#startedMs > LONGEST_MS) this.#close(controller, 'rest.over');
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

function readKinds(query: URLSearchParams): RestResult<readonly EventKind[]> {
  const wrong = [...query.keys()].find((name) => name !== 'kinds');
  const named = query.getAll('kinds').flatMap((text) => text.split(','));
  const where = { in: 'query', field: wrong ?? 'kinds' } as const;
  if (wrong !== undefined) {
    return refuse('rest.unknown-field', `${JSON.stringify(wrong.slice(0, 64))}: the only field is kinds`, { where });
  }
  const stranger = named.find((name) => !(EVENT_KINDS as readonly string[]).includes(name));
  if (stranger !== undefined) {
    const message = `"kinds": ${JSON.stringify(stranger.slice(0, 64))} is not one of ${EVENT_KINDS.join(', ')}`;
    return refuse('rest.value', message, { where });
  }
  if (named.length === 0) return ok(['offices']);
  return ok(EVENT_KINDS.filter((kind) => named.includes(kind)));
}

function readSince(text: string | null): RestResult<number | undefined> {
  if (text === null || text === '') return ok(undefined);
  if (/^\d{1,15}$/.test(text)) return ok(Number(text));
  return refuse('rest.value', '"Last-Event-ID" is not a number that this stream gave', {
    where: { in: 'header', field: 'Last-Event-ID' },
  });
}
