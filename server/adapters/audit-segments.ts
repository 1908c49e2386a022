import { readdirSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Lines that are worked on before others get their turn. */
const LINES_PER_TURN = 1_000;
const READ_BYTES = 256 << 10;

/** One file of the audit. */
export interface Segment {
  readonly path: string;
  /** Number of its first event; undefined for the one that is written to. */
  readonly firstSeq: number | undefined;
}

/** Files that were put aside, oldest first: `audit.json.000000020001` begins with event 20001. */
export function olderSegments(path: string): Segment[] {
  const name = basename(path);
  try {
    return readdirSync(dirname(path))
      .filter((one) => one.startsWith(`${name}.`) && /^\d{12}$/.test(one.slice(name.length + 1)))
      .sort()
      .map((one) => ({ path: join(dirname(path), one), firstSeq: Number(one.slice(name.length + 1)) }));
  } catch {
    return [];
  }
}

/** What a file is called when it is put aside. */
export function segmentPath(path: string, firstSeq: number): string {
  return `${path}.${String(firstSeq).padStart(12, '0')}`;
}

/** Removes the oldest ones beyond `keep`; gives the first number that is still there. */
export function forgetOldest(path: string, keep: number): number | undefined {
  const older = olderSegments(path);
  const gone = older.slice(0, Math.max(0, older.length - keep));
  for (const segment of gone) rmSync(segment.path, { force: true });
  return gone.length > 0 ? older[gone.length]?.firstSeq : undefined;
}

/** All files that can be read now, opened together so that none is renamed or removed meanwhile; oldest first. */
export async function openSegments(path: string): Promise<{ segment: Segment; file: FileHandle }[]> {
  const opened: { segment: Segment; file: FileHandle }[] = [];
  for (const segment of [...olderSegments(path), { path, firstSeq: undefined }]) {
    try {
      opened.push({ segment, file: await open(segment.path, 'r') });
    } catch {
      // Removed by rotation a moment ago, or not made yet: then it has nothing.
    }
  }
  return opened;
}

/** Enough for the last thousand events. */
const TAIL_BYTES = 1 << 20;

/** The last lines of a file, whole ones; `isAll` when there are no others before them. */
export async function readLastLines(file: FileHandle): Promise<{ lines: string[]; isAll: boolean }> {
  const { size } = await file.stat();
  const from = Math.max(0, size - TAIL_BYTES);
  const lines: string[] = [];
  for await (const line of readLines(file, size, from)) lines.push(line);
  // The first one may lack its beginning.
  return { lines: from > 0 ? lines.slice(1) : lines, isAll: from === 0 };
}

/** The lines of a file that end within its first `maxBytes`, without holding the file in memory. */
export async function* readLines(
  file: FileHandle,
  maxBytes = Number.POSITIVE_INFINITY,
  fromByte = 0,
): AsyncGenerator<string> {
  const buffer = Buffer.alloc(READ_BYTES);
  let held = Buffer.alloc(0);
  let count = 0;
  for (let at = fromByte; at < maxBytes; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, maxBytes - at), at);
    if (bytesRead === 0) break;
    at += bytesRead;
    const chunk = Buffer.concat([held, buffer.subarray(0, bytesRead)]);
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      yield chunk.toString('utf8', from, end);
      from = end + 1;
      if (++count % LINES_PER_TURN === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    held = Buffer.from(chunk.subarray(from));
    // No line of ours is that long; one that is must not fill the memory.
    if (held.length > 4 * READ_BYTES) held = held.subarray(0, READ_BYTES);
  }
}
