import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { ChainHead, ChainState } from '../audit/chain-check.ts';
import type { AuditEvent, AuditFilter, ChainedEvent } from '../audit/event.ts';
import type { Flood } from '../audit/flood.ts';
import type { AuditRules } from '../audit/rules.ts';
import type { CancelTimer, Clock } from '../core/clock.ts';
import { type Failure, ok, type Result } from '../core/result.ts';
import type { AuditLines, AuditPage, AuditPort } from '../operations/audit-port.ts';
import { findRecent, lastOlderLine, type Readable, readChain, readPage, readRaw, readTail } from './audit-reader.ts';
import { recoverChain } from './audit-recovery.ts';
import { forgetOldest, olderSegments, segmentPath } from './audit-segments.ts';
import { explainStateError, readStateFile, replaceStateFile } from './state-file.ts';

export interface AuditLimits {
  /** A file is put aside beyond this size, or when its first event is this old. */
  readonly fileBytes: number;
  readonly fileAgeMs: number;
  /** Files put aside; the oldest is removed for a new one. */
  readonly files: number;
}

export const AUDIT_LIMITS: AuditLimits = { fileBytes: 8 << 20, fileAgeMs: 30 * 86_400_000, files: 24 };

/** What is lost at most when the power goes. */
const SYNC_MS = 1_000;
const CHORES_MS = 60_000;
/** Kept in memory for those who ask. */
const RECENT = 1_000;
const MAX_WAITING = 256;

export interface AuditFileOptions {
  readonly path: string;
  /** Where the end of the chain is noted, in the state directory. */
  readonly headPath: string;
  readonly clock: Clock;
  readonly rules: AuditRules;
  readonly limits?: AuditLimits;
  readonly log: { warn(fields: object, text: string): void };
  /** Writes all of it or throws; a test's disk may be full. */
  readonly write?: (file: number, bytes: Uint8Array) => void;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * The audit on disk: chained JSON lines, put aside by size and age, continued across restarts.
 *
 * Each event is written at once, so that it survives the daemon; it is on the platter within a second.
 * What a full disk does not take is counted, and the count is an event as soon as there is room.
 */
export class AuditFile implements AuditPort {
  readonly #options: AuditFileOptions;
  readonly #limits: AuditLimits;
  readonly #flood: Flood;
  readonly #waiting = new Set<() => void>();
  #recent: ChainedEvent[] = [];
  #file: number;
  #bytes = 0;
  #seq = 0;
  #prev = '';
  #beganMs: number;
  /** Monotonic; after it could not be put aside. */
  #rotateFromMs = -Infinity;
  /** First number of the file that is written to. */
  #firstSeq = 1;
  /** Of all files. */
  #oldestSeq = 1;
  #dropped = { count: 0, sinceMs: 0 };
  #sync: CancelTimer | undefined;
  #chores: CancelTimer | undefined;
  #noted = 0;
  #reading: Promise<unknown> = Promise.resolve();
  #verifying: Promise<Result<ChainState>> | undefined;

  private constructor(options: AuditFileOptions, file: number) {
    this.#options = options;
    this.#limits = options.limits ?? AUDIT_LIMITS;
    this.#flood = options.rules.createFlood();
    this.#file = file;
    this.#beganMs = options.clock.nowMs();
  }

  /** Opens or makes the file and goes on where the chain ended, or says why the file cannot be used. */
  static async open(options: AuditFileOptions): Promise<Result<AuditFile>> {
    let file: number;
    try {
      mkdirSync(dirname(options.path), { recursive: true, mode: 0o750 });
      file = openSync(options.path, 'a+', 0o640);
    } catch (error) {
      return explainStateError(options.path, error);
    }
    const audit = new AuditFile(options, file);
    try {
      await audit.#recover();
    } catch (error) {
      closeSync(file);
      return explainStateError(options.path, error);
    }
    return ok(audit);
  }

  get path(): string {
    return this.#options.path;
  }

  get lastSeq(): number {
    return this.#seq;
  }

  get problem(): Failure | undefined {
    const { count } = this.#dropped;
    if (count === 0) return undefined;
    return {
      code: 'audit.not-written',
      message: `${this.#options.path}: ${count} events could not be written: the disk is full or broken`,
      remedy: 'make room, or look whether the disk is healthy',
    };
  }

  append(event: AuditEvent): void {
    if (!this.#flood.admits(event, this.#options.clock.monotonicMs())) return;
    this.#summarise();
    this.#put(event);
  }

  query(filter: AuditFilter, limit: number): Promise<Result<AuditPage>> {
    const found = findRecent(this.#readable, filter, limit);
    return found.isAll ? Promise.resolve(ok(found.page)) : this.#inTurn(() => readPage(this.#readable, filter, limit));
  }

  recent(filter: AuditFilter, limit: number): readonly ChainedEvent[] {
    return findRecent(this.#readable, filter, limit).page.events;
  }

  wait(afterSeq: number, timeoutMs: number): Promise<void> {
    if (this.#seq > afterSeq || this.#waiting.size >= MAX_WAITING) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const cancel = this.#options.clock.setTimer(timeoutMs, done);
      this.#waiting.add(done);
    });
  }

  /** One at a time: whoever asks meanwhile gets the same answer. */
  verify(): Promise<Result<ChainState>> {
    this.#verifying ??= this.#inTurn(() => readChain(this.#readable)).finally(() => {
      this.#verifying = undefined;
    });
    return this.#verifying;
  }

  lines(afterSeq: number, limit: number): Promise<Result<AuditLines>> {
    return this.#inTurn(() => readRaw(this.#readable, afterSeq, limit));
  }

  /** Writes down what is left and lets go of the file. */
  close(): void {
    this.#sync?.();
    this.#chores?.();
    this.#summarise();
    try {
      fsyncSync(this.#file);
      this.#note({ seq: this.#seq, hash: this.#prev });
    } catch {
      // What a broken disk does not take is lost with it.
    }
    closeSync(this.#file);
    for (const wake of this.#waiting) wake();
  }

  // Reading files is work: many who ask at once wait for each other, not the daemon for them.
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#reading.then(work);
    this.#reading = done.catch(() => {});
    return done;
  }

  async #recover(): Promise<void> {
    const { path } = this.#options;
    const noted = this.#readNoted();
    const recovered = recoverChain({
      file: this.#file,
      bytes: fstatSync(this.#file).size,
      olderLine: await lastOlderLine(path),
      noted: noted?.head,
      isSameFile: noted?.path === path,
      digest,
      rules: this.#options.rules,
    });
    this.#seq = recovered.seq;
    this.#prev = recovered.prev;
    this.#bytes = recovered.fileBytes;
    this.#firstSeq = recovered.seq + 1;
    await this.#readRecent();
    for (const event of recovered.notes) this.#put(event);
    this.#doChores();
  }

  #readNoted(): { head: ChainHead; path: string } | undefined {
    const text = readStateFile(this.#options.headPath);
    if (!text.ok || text.value === undefined) return undefined;
    try {
      const { seq, hash, path } = JSON.parse(text.value) as { seq: number; hash: string; path: string };
      if (!Number.isSafeInteger(seq) || !/^[0-9a-f]{64}$/.test(hash)) return undefined;
      return { head: { seq, hash }, path };
    } catch {
      return undefined;
    }
  }

  async #readRecent(): Promise<void> {
    const { first, last } = await readTail(this.#options.path, RECENT, this.#options.rules);
    for (const event of last) this.#keep(event);
    if (!first) return;
    this.#oldestSeq = olderSegments(this.#options.path)[0]?.firstSeq ?? first.seq;
    this.#firstSeq = first.seq;
    this.#beganMs = first.tsMs;
  }

  #keep(event: ChainedEvent): void {
    this.#recent.push(event);
    if (this.#recent.length > 2 * RECENT) this.#recent = this.#recent.slice(-RECENT);
  }

  #summarise(): void {
    const { clock } = this.#options;
    if (this.#dropped.count > 0) {
      const { count, sinceMs } = this.#dropped;
      const detail = `${count} events since ${new Date(sinceMs).toISOString()} could not be written: the disk was full or broken`;
      const isWritten = this.#put({ ...BOX, event: 'audit.dropped', outcome: 'failed', detail, facts: { count } });
      if (!isWritten) return;
      // The summary itself was not counted.
      this.#dropped = { count: 0, sinceMs: clock.nowMs() };
    }
    const summary = this.#flood.takeSummary();
    if (summary) this.#put(summary);
  }

  #put(event: AuditEvent): boolean {
    const { clock, rules } = this.#options;
    if (this.#mustRotate()) this.#rotate();
    const place = { seq: this.#seq + 1, tsMs: clock.nowMs(), prev: this.#prev };
    const line = rules.encodeLine(event, place);
    if (!this.#write(Buffer.from(`${line}\n`))) {
      if (event.event !== 'audit.dropped') this.#drop();
      return false;
    }
    this.#seq = place.seq;
    this.#prev = digest(line);
    const kept = rules.decodeLine(line);
    if (kept) this.#keep(kept);
    this.#sync ??= clock.setTimer(SYNC_MS, () => this.#syncNow());
    for (const wake of this.#waiting) wake();
    return true;
  }

  #drop(): void {
    const { clock, log, path } = this.#options;
    if (this.#dropped.count === 0) {
      this.#dropped = { count: 0, sinceMs: clock.nowMs() };
      log.warn({ path }, 'the audit cannot be written: events are counted until it can');
    }
    this.#dropped = { ...this.#dropped, count: this.#dropped.count + 1 };
  }

  // All of it or nothing: half a line would spoil the next one.
  #write(bytes: Buffer): boolean {
    const write = this.#options.write ?? writeAll;
    try {
      write(this.#file, bytes);
      this.#bytes += bytes.length;
      return true;
    } catch {
      try {
        ftruncateSync(this.#file, this.#bytes);
      } catch {
        // Then the next start takes it off.
      }
      return false;
    }
  }

  #mustRotate(): boolean {
    if (this.#bytes === 0 || this.#options.clock.monotonicMs() < this.#rotateFromMs) return false;
    return (
      this.#bytes >= this.#limits.fileBytes || this.#options.clock.nowMs() - this.#beganMs >= this.#limits.fileAgeMs
    );
  }

  #rotate(): void {
    const { path, clock } = this.#options;
    try {
      fsyncSync(this.#file);
      renameSync(path, segmentPath(path, this.#firstSeq));
    } catch {
      // Then it grows until it can be put aside; not tried with every event.
      this.#rotateFromMs = clock.monotonicMs() + CHORES_MS;
      return;
    }
    this.#reopen();
    const first = forgetOldest(path, this.#limits.files);
    if (first === undefined) return;
    this.#oldestSeq = first;
    const detail = `events 1 to ${first - 1} are no longer kept: the audit keeps ${this.#limits.files} files besides this`;
    this.#put({ ...BOX, event: 'audit.forgotten', outcome: 'done', detail, facts: { up_to: first - 1 } });
  }

  #reopen(): void {
    const { path, clock, log } = this.#options;
    try {
      const file = openSync(path, 'a+', 0o640);
      closeSync(this.#file);
      this.#file = file;
      this.#bytes = fstatSync(file).size;
    } catch (error) {
      log.warn({ path, reason: (error as Error).message }, 'the audit cannot be opened anew');
    }
    this.#firstSeq = this.#seq + 1;
    this.#beganMs = clock.nowMs();
  }

  #syncNow(): void {
    this.#sync = undefined;
    // Asynchronous: a slow disk must not stop the daemon.
    fsync(this.#file, () => {});
  }

  #doChores(): void {
    const { clock, path } = this.#options;
    this.#chores = clock.setTimer(CHORES_MS, () => this.#doChores());
    this.#summarise();
    try {
      // Somebody moved or removed it: what is written from now on goes to a file that people can find.
      const there = statSync(path, { throwIfNoEntry: false });
      if (there?.ino !== fstatSync(this.#file).ino) this.#reopen();
    } catch {
      // Looked at again in a minute.
    }
    const head = { seq: this.#seq, hash: this.#prev };
    if (head.seq !== this.#noted) fsync(this.#file, (error) => (error ? undefined : this.#note(head)));
  }

  /** Notes an end of the chain that is on the disk, in the state directory: what was noted cannot be cut off unseen. */
  #note(head: ChainHead): void {
    const { headPath, path } = this.#options;
    if (head.seq !== this.#noted && replaceStateFile(headPath, `${JSON.stringify({ ...head, path })}\n`).ok) {
      this.#noted = head.seq;
    }
  }

  get #readable(): Readable {
    return {
      path: this.#options.path,
      recent: this.#recent,
      lastSeq: this.#seq,
      oldestSeq: this.#oldestSeq,
      firstSeq: this.#firstSeq,
      bytes: fstatSync(this.#file).size,
      noted: this.#readNoted()?.head,
      digest,
      rules: this.#options.rules,
    };
  }
}

const BOX = { who: 'box', source: '', surface: 'box' } as const;

function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}
