import type { ChainState } from '../audit/chain-check.ts';
import type { AuditEvent, AuditFilter, ChainedEvent } from '../audit/event.ts';
import type { Failure, Result } from '../core/result.ts';

export type { AuditEvent } from '../audit/event.ts';

export interface AuditPage {
  /** Newest first. */
  readonly events: readonly ChainedEvent[];
  /** What to give as `before` for the older ones; undefined when there are none. */
  readonly nextBefore: number | undefined;
}

export interface AuditLines {
  readonly lines: readonly string[];
  /** What to give as `after` for more; undefined when there is no more. */
  readonly next: number | undefined;
}

/** Where what happened is written down. */
export interface AuditPort {
  /** Never fails and never waits: a full disk stops neither traffic nor operations. */
  append(event: AuditEvent): void;
  /** Newest first, from memory and files. */
  query(filter: AuditFilter, limit: number): Promise<Result<AuditPage>>;
  /** The same of what is in memory: the last thousand or so; costs next to nothing. */
  recent(filter: AuditFilter, limit: number): readonly ChainedEvent[];
  /** Why it is not written just now. */
  readonly problem: Failure | undefined;
  /** Number of the newest event; 0 before the first. */
  readonly lastSeq: number;
  /** Resolves when there is an event after `afterSeq`, or after `timeoutMs`. */
  wait(afterSeq: number, timeoutMs: number): Promise<void>;
  verify(): Promise<Result<ChainState>>;
  /** Lines as they stand in the file, oldest first. */
  lines(afterSeq: number, limit: number): Promise<Result<AuditLines>>;
}
