import { ftruncateSync, readSync } from 'node:fs';
import type { Digest } from '../audit/chain.ts';
import type { ChainHead } from '../audit/chain-check.ts';
import type { AuditEvent } from '../audit/event.ts';
import type { AuditRules } from '../audit/rules.ts';

/** Longer than any line of ours. */
const MAX_TAIL_BYTES = 256 << 10;

/** Where the chain goes on after a start, and what is to be said about how it was found. */
export interface Recovered {
  readonly seq: number;
  readonly prev: string;
  readonly fileBytes: number;
  readonly notes: readonly AuditEvent[];
}

interface Found {
  /** Descriptor of the file that is written to, and its size. */
  readonly file: number;
  readonly bytes: number;
  /** Last line of the newest file that was put aside; for when this one is empty. */
  readonly olderLine: string | undefined;
  /** The end of the chain as noted beside the state; and whether it was noted for this file. */
  readonly noted: ChainHead | undefined;
  readonly isSameFile: boolean;
  readonly digest: Digest;
  readonly rules: AuditRules;
}

/**
 * Finds where the chain goes on.
 *
 * A line that a crash cut short is taken off and said; events that were noted and are not there are
 * said; a file that does not end in an event of ours is left as it is. Nothing is made to look whole.
 */
export function recoverChain({ file, bytes, olderLine, noted, isSameFile, digest, rules }: Found): Recovered {
  const notes: AuditEvent[] = [];
  const tail = Buffer.alloc(Math.min(bytes, MAX_TAIL_BYTES));
  readSync(file, tail, 0, tail.length, bytes - tail.length);
  const end = tail.lastIndexOf(10) + 1;
  const tornBytes = tail.length - end;
  if (tornBytes > 0) {
    ftruncateSync(file, bytes - tornBytes);
    const detail = `the last line was not written to its end (${tornBytes} bytes); it was no event yet and was taken off`;
    notes.push(note('audit.torn', detail, { count: tornBytes }));
  }
  const fileBytes = bytes - tornBytes;
  const lines = tail.subarray(0, end).toString('utf8').split('\n').filter(Boolean);
  const last = lines.at(-1) ?? olderLine;
  const place = last === undefined ? { seq: 0, prev: rules.genesis } : placeAfter(last, lines, { digest, rules });
  if (!noted) return { ...place, fileBytes, notes };
  const same = lines.findLast((line) => rules.seqOf(line) === noted.seq);
  if (same !== undefined && digest(same) !== noted.hash) {
    const detail = `event ${noted.seq} is not the one that had been written: it was changed`;
    notes.push(note('audit.changed', detail, { up_to: noted.seq }));
    // What goes on continues what was written, so that the change stays visible for as long as the line is kept.
    if (place.seq === noted.seq) return { seq: noted.seq, prev: noted.hash, fileBytes, notes };
  }
  if (noted.seq <= place.seq) return { ...place, fileBytes, notes };
  const isMoved = last === undefined && !isSameFile;
  const detail = isMoved
    ? `events 1 to ${noted.seq} are in the file that was used before`
    : `events ${place.seq + 1} to ${noted.seq} had been written and are not there any more`;
  notes.push(note(isMoved ? 'audit.moved' : 'audit.gap', detail, { up_to: noted.seq }));
  return { seq: noted.seq, prev: noted.hash, fileBytes, notes };
}

// Whatever the last line is, the next one names its hash; its number may have to be found further up.
function placeAfter(
  last: string,
  lines: readonly string[],
  { digest, rules }: Pick<Found, 'digest' | 'rules'>,
): { seq: number; prev: string } {
  const readable = lines.toReversed().find((line) => rules.decodeLine(line) !== undefined);
  const seq = rules.decodeLine(last)?.seq ?? (readable === undefined ? 0 : rules.seqOf(readable)) ?? 0;
  return { seq, prev: digest(last) };
}

function note(event: string, detail: string, facts: NonNullable<AuditEvent['facts']>): AuditEvent {
  return { event, who: 'box', source: '', surface: 'box', outcome: 'done', detail, facts };
}
