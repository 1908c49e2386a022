import { type AuditEvent, type AuditFacts, type ChainedEvent, OUTCOMES, type Outcome } from './event.ts';

/** Hash of a text, in hexadecimal: SHA-256, handed in. */
export type Digest = (text: string) => string;

/** What the first event of all names as the hash before it. */
export const GENESIS = '0'.repeat(64);

/** Longest texts that are kept; what is longer is cut, and the cut is visible. */
const LONGEST = { event: 64, who: 128, source: 64, surface: 16, detail: 500, fact: 128 } as const;
const CUT = '…';
/** What JSON leaves bare but could draw on a terminal or turn a line around; names in here come from strangers. */
const UNSEEN = /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** An event's place in the chain. */
export interface ChainPlace {
  readonly seq: number;
  readonly tsMs: number;
  readonly prev: string;
}

/** The one line that stands for an event, without its end. Its bytes are what the next line's hash is over. */
export function encodeLine(event: AuditEvent, { seq, tsMs, prev }: ChainPlace): string {
  const facts = Object.entries(event.facts ?? {}).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value === 'string') return [[name, shorten(value, LONGEST.fact)]];
    return typeof value === 'number' && Number.isFinite(value) ? [[name, value]] : [];
  });
  const line = {
    seq,
    ts: new Date(tsMs).toISOString(),
    event: shorten(event.event, LONGEST.event),
    who: shorten(event.who, LONGEST.who),
    source: shorten(event.source, LONGEST.source),
    surface: shorten(event.surface, LONGEST.surface),
    outcome: event.outcome,
    detail: shorten(event.detail, LONGEST.detail),
    ...Object.fromEntries(facts),
    prev,
  };
  return JSON.stringify(line).replace(UNSEEN, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length - 1) + CUT;
}

/** The event of a line; undefined when the line is none. */
export function decodeLine(text: string): ChainedEvent | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { seq, ts, event, who, source, surface, outcome, detail, prev, ...rest } = raw as Record<string, unknown>;
  const tsMs = typeof ts === 'string' ? Date.parse(ts) : Number.NaN;
  if (!Number.isSafeInteger(seq) || (seq as number) < 1 || Number.isNaN(tsMs)) return undefined;
  if (!isText(event) || !isText(who) || !isText(source) || !isText(surface) || !isText(detail)) return undefined;
  if (!OUTCOMES.includes(outcome as Outcome) || !isText(prev) || !/^[0-9a-f]{64}$/.test(prev)) return undefined;
  const facts = rest as AuditFacts;
  const known = { event, who, source, surface, outcome: outcome as Outcome, detail };
  return { seq: seq as number, tsMs, prev, ...known, ...(Object.keys(rest).length > 0 ? { facts } : {}) };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** The number of a line without reading all of it; undefined when it has none. */
export function seqOf(line: string): number | undefined {
  const found = /^\{"seq":(\d{1,15}),/.exec(line);
  return found ? Number(found[1]) : undefined;
}
