const NEWLINE = 0x0a;
const FIRST_HOLD_BYTES = 4_096;

/** Cuts a byte stream into lines, holding at most one unfinished line of `maxBytes`. */
export class LineSplitter {
  readonly #maxBytes: number;
  /** The line that has begun. One buffer and not a list of pieces, which cost far more than a byte each. */
  #held = new Uint8Array(0);
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
    this.#hold(tail);
    return lines;
  }

  #take(last: Uint8Array): Uint8Array {
    if (this.#heldBytes === 0) return last;
    this.#hold(last);
    const line = this.#held.subarray(0, this.#heldBytes);
    this.#held = new Uint8Array(0);
    this.#heldBytes = 0;
    return line;
  }

  // Copied: the chunk that a line begins in must not stay alive until it ends.
  #hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const neededBytes = this.#heldBytes + bytes.length;
    if (neededBytes > this.#held.length) {
      const grown = new Uint8Array(Math.max(FIRST_HOLD_BYTES, neededBytes, 2 * this.#held.length));
      grown.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = grown;
    }
    this.#held.set(bytes, this.#heldBytes);
    this.#heldBytes = neededBytes;
  }
}
