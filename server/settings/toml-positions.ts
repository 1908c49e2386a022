/** Line and column, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export type TomlPath = readonly (string | number)[];

/** A key or table that is given a second time. */
export interface TomlDuplicate {
  readonly path: TomlPath;
  readonly first: Position;
  readonly again: Position;
}

/**
 * Where every key and value of a TOML text stands.
 *
 * The parser proper (smol-toml) gives values without places; this scan gives places without
 * values. It never throws and follows only the shape, so what it says of a text that the parser
 * refuses is a guess.
 */
export interface TomlPositions {
  /** Where the key, or the header of the table, stands. */
  key(path: TomlPath): Position | undefined;
  /** Where the value begins; for a table its header. */
  value(path: TomlPath): Position | undefined;
  readonly duplicates: readonly TomlDuplicate[];
}

/** Keys of more parts are cut, the rest of them skipped: no key of ours is that long. */
const MAX_KEY_PARTS = 20;
/** Deeper nesting is skipped; nothing in our schema is deeper than four. */
const MAX_DEPTH = 50;

export function indexPositions(text: string): TomlPositions {
  const scan = new Scan(text);
  scan.document();
  return {
    key: (path) => scan.keys.get(JSON.stringify(path)),
    value: (path) => scan.values.get(JSON.stringify(path)) ?? scan.keys.get(JSON.stringify(path)),
    duplicates: scan.duplicates,
  };
}

class Scan {
  readonly keys = new Map<string, Position>();
  readonly values = new Map<string, Position>();
  readonly duplicates: TomlDuplicate[] = [];
  readonly #text: string;
  readonly #headers = new Map<string, Position>();
  /** Elements so far of each array of tables. */
  readonly #counts = new Map<string, number>();
  #at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string) {
    this.#text = text.startsWith('\uFEFF') ? ` ${text.slice(1)}` : text;
  }

  document(): void {
    let table: TomlPath = [];
    for (this.#blank(); this.#at < this.#text.length; this.#blank()) {
      const before = this.#at;
      if (this.#peek() === '[') table = this.#header();
      else this.#pair(table, 0);
      // Whatever a line ends with beyond its value is the parser's to complain about.
      this.#restOfLine();
      if (this.#at === before) this.#step();
    }
  }

  #header(): TomlPath {
    const isArray = this.#text.startsWith('[[', this.#at);
    this.#step(isArray ? 2 : 1);
    const { path: parts, first } = this.#dottedKey();
    const parent = this.#resolve(parts.slice(0, -1));
    const named = [...parent, ...parts.slice(-1)];
    const id = JSON.stringify(named);
    if (isArray) {
      const count = this.#counts.get(id) ?? 0;
      this.#counts.set(id, count + 1);
      if (count === 0) this.keys.set(id, first);
      this.keys.set(JSON.stringify([...named, count]), first);
      return [...named, count];
    }
    const defined = this.#headers.get(id) ?? (this.values.has(id) ? this.keys.get(id) : undefined);
    if (defined) this.duplicates.push({ path: named, first: defined, again: first });
    else this.#headers.set(id, first);
    if (!this.keys.has(id)) this.keys.set(id, first);
    return named;
  }

  /** The path of a header's parents, each array of tables standing for its last element. */
  #resolve(parts: readonly string[]): TomlPath {
    let path: TomlPath = [];
    for (const part of parts) {
      path = [...path, part];
      const count = this.#counts.get(JSON.stringify(path));
      if (count !== undefined) path = [...path, count - 1];
      else if (!this.keys.has(JSON.stringify(path))) this.keys.set(JSON.stringify(path), this.#position());
    }
    return path;
  }

  #pair(table: TomlPath, depth: number): void {
    const { path: parts, first } = this.#dottedKey();
    const path = [...table, ...parts];
    for (let i = table.length + 1; i < path.length; i++) {
      const id = JSON.stringify(path.slice(0, i));
      if (!this.keys.has(id)) this.keys.set(id, first);
    }
    const id = JSON.stringify(path);
    const defined = this.keys.get(id);
    if (defined) this.duplicates.push({ path, first: defined, again: first });
    else this.keys.set(id, first);
    this.#space();
    if (this.#peek() !== '=') return;
    this.#step();
    this.#space();
    this.#value(path, depth);
  }

  #dottedKey(): { path: string[]; first: Position } {
    this.#space();
    const first = this.#position();
    const path: string[] = [];
    for (;;) {
      this.#space();
      const part = this.#simpleKey();
      if (path.length < MAX_KEY_PARTS) path.push(part);
      this.#space();
      if (this.#peek() !== '.') return { path, first };
      this.#step();
    }
  }

  #simpleKey(): string {
    const quote = this.#peek();
    const from = this.#at;
    if (quote === '"' || quote === "'") {
      this.#string();
      const inner = this.#text.slice(from + 1, Math.max(from + 1, this.#at - 1));
      return quote === '"' ? unquote(inner) : inner;
    }
    while (/[A-Za-z0-9_-]/.test(this.#peek())) this.#step();
    return this.#text.slice(from, this.#at);
  }

  #value(path: TomlPath, depth: number): void {
    this.values.set(JSON.stringify(path), this.#position());
    const first = this.#peek();
    if (first === '"' || first === "'") this.#string();
    else if (first === '[' && depth < MAX_DEPTH) this.#elements(path, depth + 1);
    else if (first === '{' && depth < MAX_DEPTH) this.#inlineTable(path, depth + 1);
    else while (this.#peek() !== '' && !/[,\]}\n#]/.test(this.#peek())) this.#step();
  }

  #elements(path: TomlPath, depth: number): void {
    this.#step();
    for (let index = 0; ; index++) {
      this.#blank();
      if (this.#peek() === '' || this.#peek() === ']') break;
      const before = this.#at;
      this.#value([...path, index], depth);
      this.#blank();
      if (this.#peek() === ',') this.#step();
      if (this.#at === before) return;
    }
    this.#step();
  }

  #inlineTable(path: TomlPath, depth: number): void {
    this.#step();
    for (;;) {
      this.#blank();
      if (this.#peek() === '' || this.#peek() === '}') break;
      const before = this.#at;
      this.#pair(path, depth);
      this.#blank();
      if (this.#peek() === ',') this.#step();
      if (this.#at === before) return;
    }
    this.#step();
  }

  /** Skips a string of any of the four kinds. */
  #string(): void {
    const quote = this.#peek();
    const isLong = this.#text.startsWith(quote.repeat(3), this.#at);
    const end = isLong ? quote.repeat(3) : quote;
    this.#step(end.length);
    while (this.#peek() !== '' && !this.#text.startsWith(end, this.#at)) {
      if (!isLong && this.#peek() === '\n') return;
      this.#step(quote === '"' && this.#peek() === '\\' ? 2 : 1);
    }
    this.#step(end.length);
    // A long string may end in up to two more quotes that belong to it.
    while (isLong && this.#peek() === quote) this.#step();
  }

  #space(): void {
    while (this.#peek() === ' ' || this.#peek() === '\t') this.#step();
  }

  #blank(): void {
    while (/[ \t\r\n#]/.test(this.#peek())) {
      if (this.#peek() === '#') this.#restOfLine();
      else this.#step();
    }
  }

  #restOfLine(): void {
    while (this.#peek() !== '' && this.#peek() !== '\n') this.#step();
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  #step(count = 1): void {
    for (let i = 0; i < count && this.#at < this.#text.length; i++) {
      if (this.#text[this.#at++] === '\n') {
        this.#line++;
        this.#lineStart = this.#at;
      }
    }
  }

  #position(): Position {
    return { line: this.#line, column: this.#at - this.#lineStart + 1 };
  }
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\x1b' };

function unquote(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))/gsu, (all, u, U, x, short) => {
    if (short !== undefined) return SHORT_ESCAPES[short] ?? short;
    const code = Number.parseInt(u ?? U ?? x, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
