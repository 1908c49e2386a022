const NEWLINE = 0x0a;

/** Cuts a byte stream into lines, holding at most one unfinished line of `maxBytes`. */
export class LineSplitter {
  readonly #maxBytes: number;
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a line has begun and not ended. */
  get isMidLine(): boolean {
    return this.#heldBytes > 0;
  }

  /** The lines that end in this chunk, newline cut off; `too-long` ends the use of this stream. */
  push(chunk: Uint8Array): Uint8Array[] | 'too-long' {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const rest = chunk.subarray(start, end);
      if (this.#heldBytes + rest.length > this.#maxBytes) return 'too-long';
      lines.push(this.#take(rest));
      start = end + 1;
    }
    const tail = chunk.subarray(start);
    if (this.#heldBytes + tail.length > this.#maxBytes) return 'too-long';
    if (tail.length > 0) {
      // A copy: the socket's buffer may be shared by many small reads and would stay alive whole.
      this.#held.push(tail.slice());
      this.#heldBytes += tail.length;
    }
    return lines;
  }

  #take(last: Uint8Array): Uint8Array {
    if (this.#heldBytes === 0) return last;
    const line = new Uint8Array(this.#heldBytes + last.length);
    let at = 0;
    for (const piece of [...this.#held, last]) {
      line.set(piece, at);
      at += piece.length;
    }
    this.#held = [];
    this.#heldBytes = 0;
    return line;
  }
}
