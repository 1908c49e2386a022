import { parse, TomlError } from 'smol-toml';
import { nearest } from '../core/nearest.ts';
import type { Failure, Place } from '../core/result.ts';
import { isTable } from './collections.ts';
import type { Draft, Given, GivenPeer } from './draft.ts';
import type { Field } from './field.ts';
import { type Problem, quote } from './kinds.ts';
import { readPeer } from './peers.ts';
import { CONFIG_VERSION, FIELDS } from './schema.ts';
import { indexPositions, type TomlPath, type TomlPositions } from './toml-positions.ts';

/** A configuration file as text, and the name that messages call it by. */
export interface ConfigFile {
  readonly name: string;
  readonly text: string;
}

/** Larger files are refused: thousands of peers take a tenth of it. */
export const MAX_CONFIG_LENGTH = 1 << 20;
const MAX_PEERS = 10_000;

const BY_KEY: ReadonlyMap<string, Field<unknown>> = new Map(FIELDS.map(({ field }) => [field.key, field]));
const TABLES: ReadonlySet<string> = new Set([...BY_KEY.keys()].flatMap(parents));

function parents(key: string): string[] {
  const parts = key.split('.');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'));
}

/** What a configuration file says, with everything that is wrong in it. */
export function draftFromFile(file: ConfigFile): Draft {
  if (file.text.length > MAX_CONFIG_LENGTH) {
    return onlyFailures({ code: 'settings.syntax', message: `${file.name}: larger than ${MAX_CONFIG_LENGTH} bytes` });
  }
  const positions = indexPositions(file.text);
  const parsed = parseToml(file);
  if ('code' in parsed) {
    // The parser stops at the first duplicate, and less clearly than we can say it.
    const duplicates = positions.duplicates.map(
      (twice): Failure => ({
        code: 'settings.duplicate',
        message: `${dotted(twice.path)}: given twice, first in line ${twice.first.line}`,
        where: { file: file.name, ...twice.again },
      }),
    );
    return onlyFailures(...(duplicates.length > 0 ? duplicates : [parsed]));
  }
  const walk = new Walk(file.name, positions);
  walk.root(parsed.table);
  return walk;
}

function onlyFailures(...failures: Failure[]): Draft {
  return { values: new Map(), peers: [], failures };
}

function parseToml(file: ConfigFile): Failure | { table: Readonly<Record<string, unknown>> } {
  try {
    return { table: parse(file.text, { integersAsBigInt: true, maxDepth: 100 }) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [, reason = ''] = /^Invalid TOML document: (.*)/.exec(error.message) ?? [];
    return {
      code: 'settings.syntax',
      message: `not TOML: ${reason || 'unreadable'}`,
      where: { file: file.name, line: error.line, column: error.column },
    };
  }
}

function dotted(path: TomlPath): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${part}`))
    .join('');
}

class Walk implements Draft {
  readonly values = new Map<string, Given>();
  readonly peers: GivenPeer[] = [];
  readonly failures: Failure[] = [];
  readonly #file: string;
  readonly #positions: TomlPositions;

  constructor(file: string, positions: TomlPositions) {
    this.#file = file;
    this.#positions = positions;
  }

  root(table: Readonly<Record<string, unknown>>): void {
    const { version, peers, ...rest } = table;
    // A document of another version would only drown its one real problem in false ones.
    if (version !== undefined && !this.#version(version)) return;
    this.#table(rest, []);
    if (peers !== undefined) this.#peers(peers);
  }

  #version(version: unknown): boolean {
    if (version === BigInt(CONFIG_VERSION)) return true;
    const shown = quote(version);
    const reason =
      typeof version !== 'bigint' || version < 1n
        ? `${shown} is not a version; this release writes version = ${CONFIG_VERSION}`
        : `${shown} is newer than this release, which reads up to version ${CONFIG_VERSION}; upgrade quicether or write the file for version ${CONFIG_VERSION}`;
    this.#fail('settings.version', ['version'], reason, this.#valuePlace(['version']));
    return false;
  }

  #table(table: Readonly<Record<string, unknown>>, path: TomlPath): void {
    for (const [name, raw] of Object.entries(table)) {
      const here = [...path, name];
      const key = here.join('.');
      const field = name.includes('.') ? undefined : BY_KEY.get(key);
      if (field) this.#field(field, raw, here);
      else if (!name.includes('.') && TABLES.has(key)) {
        if (isTable(raw)) this.#table(raw, here);
        else this.#fail('settings.type', here, `${quote(raw)} is not a table; write [${key}]`, this.#valuePlace(here));
      } else this.#unknown(here);
    }
  }

  #field(field: Field<unknown>, raw: unknown, path: TomlPath): void {
    const read = field.kind.read(raw);
    if (read.ok) this.values.set(field.key, { value: read.value, origin: { kind: 'file', ...this.#keyPlace(path) } });
    else this.#problems(read.error, path);
  }

  #problems(problems: readonly Problem[], path: TomlPath): void {
    for (const problem of problems) {
      const full = [...path, ...problem.path];
      if (problem.isUnknownKey) this.#fail('settings.unknown-key', full, problem.message, this.#keyPlace(full));
      else this.#fail('settings.value', full, problem.message, this.#valuePlace(full));
    }
  }

  #unknown(path: TomlPath): void {
    const meant = suggestKey(path.map(String));
    this.#fail(
      'settings.unknown-key',
      path,
      `unknown key${meant ? `; did you mean "${meant}"?` : ''}`,
      this.#keyPlace(path),
    );
  }

  #peers(raw: unknown): void {
    if (!Array.isArray(raw)) {
      this.#fail('settings.type', ['peers'], 'is a list of tables; write [[peers]]', this.#keyPlace(['peers']));
      return;
    }
    if (raw.length > MAX_PEERS) {
      this.#fail(
        'settings.value',
        ['peers'],
        `${raw.length} peers; ${MAX_PEERS} are allowed`,
        this.#keyPlace(['peers']),
      );
      return;
    }
    raw.forEach((one: unknown, index) => {
      const path = ['peers', index];
      const read = readPeer(one);
      if (!read.ok) {
        this.#problems(read.error, path);
        return;
      }
      this.peers.push({
        peer: read.value,
        origin: { kind: 'file', ...this.#keyPlace(path) },
        partPlace: (part) => this.#valuePlace([...path, ...part]),
      });
    });
  }

  #fail(code: string, path: TomlPath, message: string, where: Place): void {
    this.failures.push({ code, message: `${dotted(path)}: ${message}`, where });
  }

  #keyPlace(path: TomlPath): Place {
    return { file: this.#file, ...(this.#positions.key(path) ?? this.#parentPosition(path)) };
  }

  #valuePlace(path: TomlPath): Place {
    return { file: this.#file, ...(this.#positions.value(path) ?? this.#parentPosition(path)) };
  }

  #parentPosition(path: TomlPath): { line: number; column: number } {
    if (path.length === 0) return { line: 1, column: 1 };
    const parent = path.slice(0, -1);
    return this.#positions.value(parent) ?? this.#parentPosition(parent);
  }
}

/** The full key that was probably meant: a near sibling, the same word in another section, a near section. */
export function suggestKey(path: readonly string[]): string | undefined {
  const name = path.at(-1) ?? '';
  const parent = path.slice(0, -1).join('.');
  const all = [...BY_KEY.keys(), ...TABLES, 'peers', 'version'];
  const siblings = all.filter((key) => key.slice(0, Math.max(0, key.lastIndexOf('.'))) === parent);
  const sibling = nearest(name, siblings.map(lastPart));
  if (sibling !== undefined) return parent ? `${parent}.${sibling}` : sibling;
  const elsewhere = nearest(name, [...BY_KEY.keys()].map(lastPart));
  return elsewhere === undefined ? undefined : [...BY_KEY.keys()].find((key) => lastPart(key) === elsewhere);
}

function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}
