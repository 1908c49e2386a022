import { type ChainPlace, type Digest, decodeLine, encodeLine, GENESIS, seqOf } from './chain.ts';
import { ChainCheck, type ChainHead } from './chain-check.ts';
import { type AuditEvent, type AuditFilter, type ChainedEvent, fits } from './event.ts';
import { Flood } from './flood.ts';

/** The chain's rules, as whoever keeps the files is handed them. */
export interface AuditRules {
  readonly genesis: string;
  readonly encodeLine: (event: AuditEvent, place: ChainPlace) => string;
  readonly decodeLine: (line: string) => ChainedEvent | undefined;
  readonly seqOf: (line: string) => number | undefined;
  readonly fits: (event: ChainedEvent, filter: AuditFilter) => boolean;
  readonly createFlood: () => Flood;
  readonly createCheck: (digest: Digest, noted: ChainHead | undefined) => ChainCheck;
}

export const AUDIT_RULES: AuditRules = {
  genesis: GENESIS,
  encodeLine,
  decodeLine,
  seqOf,
  fits,
  createFlood: () => new Flood(),
  createCheck: (digest, noted) => new ChainCheck(digest, noted),
};
