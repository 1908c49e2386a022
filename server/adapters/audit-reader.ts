import type { Digest } from '../audit/chain.ts';
import type { ChainHead, ChainState } from '../audit/chain-check.ts';
import type { AuditFilter, ChainedEvent } from '../audit/event.ts';
import type { AuditRules } from '../audit/rules.ts';
import { ok, type Result } from '../core/result.ts';
import type { AuditLines, AuditPage } from '../operations/audit-port.ts';
import { olderSegments, openSegments, readLastLines, readLines } from './audit-segments.ts';

/** Lines read for one question; what is older is asked for with the next one. */
const MAX_SCANNED = 50_000;
/** In one answer of lines. */
const MAX_LINES_BYTES = 4 << 20;

/** The audit as it is at one moment. */
export interface Readable {
  readonly path: string;
  /** The newest ones, oldest of them first. */
  readonly recent: readonly ChainedEvent[];
  readonly lastSeq: number;
  /** Of all that is kept. */
  readonly oldestSeq: number;
  /** First number of the file that is written to, and its size. */
  readonly firstSeq: number;
  readonly bytes: number;
  readonly noted: ChainHead | undefined;
  readonly digest: Digest;
  readonly rules: AuditRules;
}

/** The newest events that are looked for in memory; `isAll` when the files hold no more of them for this answer. */
export function findRecent(audit: Readable, filter: AuditFilter, limit: number): { page: AuditPage; isAll: boolean } {
  const found: ChainedEvent[] = [];
  for (const event of audit.recent.toReversed()) {
    if (audit.rules.fits(event, filter)) found.push(event);
    if (found.length === limit)
      return { page: { events: found, nextBefore: olderThan(event.seq, filter) }, isAll: true };
  }
  const isAll = belowRecent(audit, filter) <= Math.max(audit.oldestSeq, (filter.after ?? 0) + 1);
  return { page: { events: found, nextBefore: undefined }, isAll };
}

/** The newest events that are looked for: from memory, then from the files. */
export async function readPage(audit: Readable, filter: AuditFilter, limit: number): Promise<Result<AuditPage>> {
  const { page, isAll } = findRecent(audit, filter, limit);
  if (isAll) return ok(page);
  return ok(await search(audit, { filter, limit, below: belowRecent(audit, filter), found: [...page.events] }));
}

function belowRecent({ recent, lastSeq }: Readable, { before }: AuditFilter): number {
  const oldest = recent[0]?.seq ?? lastSeq + 1;
  return Math.min(oldest, before ?? oldest);
}

interface Search {
  readonly filter: AuditFilter;
  readonly limit: number;
  readonly below: number;
  readonly found: ChainedEvent[];
}

async function search(audit: Readable, { filter, limit, below, found }: Search): Promise<AuditPage> {
  let scanned = 0;
  const segments = await openSegments(audit.path);
  try {
    for (const { segment, file } of segments.toReversed()) {
      const firstSeq = segment.firstSeq ?? audit.firstSeq;
      if (firstSeq >= below) continue;
      const fitting: ChainedEvent[] = [];
      for await (const line of readLines(file)) {
        if ((audit.rules.seqOf(line) ?? below) >= below) continue;
        scanned++;
        const event = audit.rules.decodeLine(line);
        if (event && audit.rules.fits(event, filter)) fitting.push(event);
      }
      for (const event of fitting.toReversed()) {
        found.push(event);
        if (found.length === limit) return { events: found, nextBefore: olderThan(event.seq, filter) };
      }
      if (firstSeq <= (filter.after ?? 0) + 1) break;
      if (scanned > MAX_SCANNED) return { events: found, nextBefore: olderThan(firstSeq, filter) };
    }
    return { events: found, nextBefore: undefined };
  } finally {
    for (const { file } of segments) await file.close();
  }
}

/** What to give as `before` for the older ones; undefined when there can be none. */
function olderThan(seq: number, filter: AuditFilter): number | undefined {
  return seq - 1 > (filter.after ?? 0) ? seq : undefined;
}

/** Lines as they stand in the files, oldest first. */
export async function readRaw(audit: Readable, afterSeq: number, limit: number): Promise<Result<AuditLines>> {
  const lines: string[] = [];
  let bytes = 0;
  let last = afterSeq;
  const segments = await openSegments(audit.path);
  try {
    for (const [at, { file }] of segments.entries()) {
      const next = segments[at + 1];
      // All of it was asked for before.
      if (next && (next.segment.firstSeq ?? audit.firstSeq) <= afterSeq + 1) continue;
      for await (const line of readLines(file)) {
        const seq = audit.rules.seqOf(line);
        if (seq !== undefined && seq <= afterSeq) continue;
        if (lines.length >= limit || bytes > MAX_LINES_BYTES) return ok({ lines, next: last });
        lines.push(line);
        bytes += Buffer.byteLength(line);
        last = seq ?? last;
      }
    }
    return ok({ lines, next: undefined });
  } finally {
    for (const { file } of segments) await file.close();
  }
}

/** Reads the whole chain and tells what is wrong with it. */
export async function readChain({ path, bytes, noted, digest, rules }: Readable): Promise<Result<ChainState>> {
  const check = rules.createCheck(digest, noted);
  const segments = await openSegments(path);
  try {
    for (const { segment, file } of segments) {
      let line = 0;
      // What is written while this reads is not what was asked about.
      for await (const text of readLines(file, segment.firstSeq === undefined ? bytes : undefined)) {
        check.push(text, `${segment.path}:${++line}`);
      }
    }
  } finally {
    for (const { file } of segments) await file.close();
  }
  return ok(check.finish());
}

/** The first event of the file that is written to, and the last `count` of all, of this file and the one before. */
export async function readTail(path: string, count: number, { decodeLine }: AuditRules) {
  let first: ChainedEvent | undefined;
  let lines: string[] = [];
  const segments = await openSegments(path);
  try {
    // Without a gap: the file before is of use only when all of this one is here.
    for (const { segment, file } of segments.slice(-2).reverse()) {
      const tail = await readLastLines(file);
      lines = [...tail.lines, ...lines];
      if (segment.firstSeq !== undefined) break;
      for await (const line of readLines(file)) {
        first = decodeLine(line);
        if (first) break;
      }
      if (!tail.isAll) break;
    }
  } finally {
    for (const { file } of segments) await file.close();
  }
  const last = lines.slice(-count).flatMap((line) => decodeLine(line) ?? []);
  return { first, last };
}

/** The last line of the newest file that was put aside. */
export async function lastOlderLine(path: string): Promise<string | undefined> {
  const newest = olderSegments(path).at(-1);
  const segments = newest ? await openSegments(path) : [];
  try {
    const found = segments.find(({ segment }) => segment.path === newest?.path);
    return found && (await readLastLines(found.file)).lines.at(-1);
  } finally {
    for (const { file } of segments) await file.close();
  }
}
