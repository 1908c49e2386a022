import { ok } from '../../core/result.ts';
import type { Daemon, DaemonCall } from '../daemon-lines.ts';
import { type RestResult, refuse } from './rest-failure.ts';

/** What a stream may tell of. */
export const EVENT_KINDS = ['offices', 'trial', 'system', 'audit'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Where a state comes from, and what of it only says when it was looked at. */
const STATES = {
  offices: { method: 'GetOffices', passing: 'checked_ms' },
  trial: { method: 'GetTrial', passing: '' },
  system: { method: 'GetSystem', passing: 'uptime_sec' },
} as const;

/** Events of the audit told at once; of what is older only that there is more. */
const MOST_AT_ONCE = 1_000;

interface AuditEvent {
  readonly seq: number;
}

interface AuditPage {
  readonly events: readonly AuditEvent[];
  readonly next_before: number | null;
}

/** What has happened since it was last asked, as text of a stream. */
export class EventSource {
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
  async #state(kind: keyof typeof STATES): Promise<RestResult<string>> {
    const { method, passing } = STATES[kind];
    const answer = await this.#ask(method, {});
    if (!answer.ok) return answer;
    const data = JSON.stringify({ ...(answer.value as object), [passing]: undefined });
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

/** Which kinds are asked for; offices when none is named. */
export function readKinds(query: URLSearchParams): RestResult<readonly EventKind[]> {
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

/** After which event of the audit to go on. */
export function readSince(text: string | null): RestResult<number | undefined> {
  if (text === null || text === '') return ok(undefined);
  if (/^\d{1,15}$/.test(text)) return ok(Number(text));
  return refuse('rest.value', '"Last-Event-ID" is not a number that this stream gave', {
    where: { in: 'header', field: 'Last-Event-ID' },
  });
}
