import { closeSync, fstatSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import type { Clock } from '../core/clock.ts';
import type { LogLine, LogView } from '../operations/world.ts';

/** The file is put aside beyond this, and the one put aside before is gone. */
const MAX_FILE_BYTES = 4 << 20;
/** Lines that can be asked for. */
const MAX_LINES = 2_000;
/** Of the file that is there already, for the first lines to ask for. */
const MAX_TAIL_BYTES = 256 << 10;
const MAX_WAITING = 64;

/** Where log lines go: a bounded file, the lines kept for asking, and standard error when wanted. */
export class LogBook implements LogView {
  readonly #path: string;
  readonly #toStderr: boolean;
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #lines: LogLine[] = [];
  #seq = 0;
  #file: number | undefined;
  #fileBytes = 0;
  /** Lines that a full disk did not take. */
  #lost = 0;

  constructor(path: string, options: { toStderr: boolean; clock: Clock }) {
    this.#path = path;
    this.#toStderr = options.toStderr;
    this.#clock = options.clock;
    for (const line of readTail(path)) this.#keep(line);
    this.#open();
  }

  /** Takes one line as pino makes it; never throws: a full disk must not stop traffic. */
  write(text: string): void {
    if (this.#toStderr) writeSafely(2, text);
    this.#append(text);
    this.#keep(text.trimEnd());
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  tail(count: number, afterSeq: number): readonly LogLine[] {
    return this.#lines.filter(({ seq }) => seq > afterSeq).slice(-count);
  }

  wait(afterSeq: number, timeoutMs: number): Promise<void> {
    if (this.#seq > afterSeq || this.#waiting.size >= MAX_WAITING) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const cancel = this.#clock.setTimer(timeoutMs, done);
      this.#waiting.add(done);
    });
  }

  #keep(line: string): void {
    this.#lines.push({ seq: ++this.#seq, line });
    if (this.#lines.length > 2 * MAX_LINES) this.#lines = this.#lines.slice(-MAX_LINES);
  }

  #append(text: string): void {
    if (this.#fileBytes > MAX_FILE_BYTES) this.#rotate();
    if (this.#file === undefined) this.#open();
    if (this.#file === undefined) return;
    const note =
      this.#lost > 0
        ? `${JSON.stringify({ level: 'warn', time: new Date(this.#clock.nowMs()).toISOString(), msg: `${this.#lost} lines were lost: the disk was full` })}\n`
        : '';
    const isWritten = writeSafely(this.#file, note + text);
    this.#lost = isWritten ? 0 : this.#lost + 1;
    this.#fileBytes += Buffer.byteLength(text);
  }

  #rotate(): void {
    try {
      if (this.#file !== undefined) closeSync(this.#file);
      this.#file = undefined;
      renameSync(this.#path, `${this.#path}.1`);
    } catch {
      // Then the next try rotates.
    }
    this.#fileBytes = 0;
  }

  #open(): void {
    try {
      this.#file = openSync(this.#path, 'a', 0o600);
      this.#fileBytes = fstatSync(this.#file).size;
    } catch {
      this.#file = undefined;
    }
  }
}

function writeSafely(file: number, text: string): boolean {
  try {
    writeSync(file, text);
    return true;
  } catch {
    return false;
  }
}

function readTail(path: string): string[] {
  try {
    const file = openSync(path, 'r');
    try {
      const size = fstatSync(file).size;
      const from = Math.max(0, size - MAX_TAIL_BYTES);
      const bytes = Buffer.alloc(size - from);
      const lines = bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, from)).split('\n');
      // The first one may lack its beginning.
      if (from > 0) lines.shift();
      return lines.filter((line) => line !== '').slice(-MAX_LINES);
    } finally {
      closeSync(file);
    }
  } catch {
    return [];
  }
}
