import type { AuditEvent, AuditFilter, ChainedEvent } from '../audit/event.ts';
import type { Result } from '../core/result.ts';

export type { AuditEvent } from '../audit/event.ts';

export interface AuditPage {
  /** Newest first. */
  readonly events: readonly ChainedEvent[];
  /** What to give as `before` for the older ones; undefined when there are none. */
  readonly nextBefore: number | undefined;
}

/** What reading the whole chain has shown. */
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

/** Where what happened is written down. */
export interface AuditPort {
  /** Never fails and never waits: a full disk stops neither traffic nor operations. */
  append(event: AuditEvent): void;
  query(filter: AuditFilter, limit: number): Promise<Result<AuditPage>>;
  /** Number of the newest event; 0 before the first. */
  readonly lastSeq: number;
  /** Resolves when there is an event after `afterSeq`, or after `timeoutMs`. */
  wait(afterSeq: number, timeoutMs: number): Promise<void>;
  verify(): Promise<Result<ChainState>>;
  /** Lines as they stand in the file, oldest first. */
  lines(afterSeq: number, limit: number): Promise<Result<{ lines: readonly string[]; next: number | undefined }>>;
}
