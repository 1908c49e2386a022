/** What came of it. */
export const OUTCOMES = ['done', 'refused', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What happened, before it has its place in the chain. No secret, no payload; names in it may be hostile. */
export interface AuditEvent {
  /** `domain.what`: the name of an operation, or what happened by itself. */
  readonly event: string;
  /** Who did it: `root`, `anna`, `token backup-script`, `somebody`; `box` for what happened by itself. */
  readonly who: string;
  /** Where it came from: an address, or `uid 0`. */
  readonly source: string;
  readonly surface: string;
  readonly outcome: Outcome;
  /** One sentence. */
  readonly detail: string;
  /** What else is known, under the published names. */
  readonly facts?: AuditFacts;
}

/** Fields of connections, and of what the audit says about itself. */
export interface AuditFacts {
  readonly src_node?: string;
  readonly dest_node?: string;
  readonly src_ip?: string;
  readonly dest_ip?: string;
  readonly protocol?: string;
  readonly bytes_sent?: number;
  readonly bytes_recv?: number;
  readonly duration_ms?: number;
  /** How many events or bytes this one stands for. */
  readonly count?: number;
  /** Events up to this number are meant. */
  readonly up_to?: number;
}

/** An event in its place. */
export interface ChainedEvent extends AuditEvent {
  readonly seq: number;
  readonly tsMs: number;
  /** Hash of the line before, in hexadecimal. */
  readonly prev: string;
}

/** What is looked for; an event fits when all that is given fits. */
export interface AuditFilter {
  /** Numbers below this. */
  readonly before?: number | undefined;
  /** Numbers above this. */
  readonly after?: number | undefined;
  /** Exactly this person or program, whatever the case. */
  readonly who?: string | undefined;
  /** This event, or all of this domain: `peer.accept`, `peer`. */
  readonly event?: string | undefined;
  /** Somewhere in it. */
  readonly text?: string | undefined;
}

/** Whether an event is one of those that are looked for. */
export function fits(event: ChainedEvent, { before, after, who, event: name, text }: AuditFilter): boolean {
  if (before !== undefined && event.seq >= before) return false;
  if (after !== undefined && event.seq <= after) return false;
  if (who !== undefined && event.who.toLowerCase() !== who.toLowerCase()) return false;
  if (name !== undefined && event.event !== name && !event.event.startsWith(`${name}.`)) return false;
  if (text === undefined) return true;
  const sought = text.toLowerCase();
  const { facts, detail, source, surface } = event;
  const parts = [event.event, event.who, detail, source, surface, ...Object.values(facts ?? {}).map(String)];
  return parts.some((part) => part.toLowerCase().includes(sought));
}
