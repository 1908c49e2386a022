import { formatHostPort, type HostPort, type HostPortRules, parseHostPort } from '../core/host-port.ts';
import { nearest } from '../core/nearest.ts';
import {
  formatInterfaceAddress,
  formatPrefix,
  type InterfaceAddress,
  type Prefix,
  parseInterfaceAddress,
  parsePrefix,
} from '../core/prefix.ts';
import { failWith, ok, type Result } from '../core/result.ts';

/** What is wrong with a value; `path` leads to the part of it that is wrong. */
export interface Problem {
  readonly path: readonly (string | number)[];
  /** Continues `key: `; quotes what was found. */
  readonly message: string;
  /** The key itself is wrong, not its value. */
  readonly isUnknownKey?: boolean;
}

export type Read<T> = Result<T, readonly Problem[]>;

/** A value as JSON and TOML can show it. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** A kind of value: how it is read from TOML, from one text (environment, flags), and shown. */
export interface Kind<T> {
  /** For the documentation: `CIDR list`. */
  readonly name: string;
  read(raw: unknown): Read<T>;
  readText(text: string): Read<T>;
  toPlain(value: T): Plain;
  /** Whether a flag may be repeated, each giving more elements. */
  readonly isList?: boolean;
}

/** A wrong value, in the words people read. */
export function wrong(
  message: string,
  path: Problem['path'] = [],
): { readonly ok: false; readonly error: readonly Problem[] } {
  return failWith([{ path, message }]);
}

const MAX_QUOTE_LENGTH = 80;
/** Deeper parts are left out: a message is one line, and recursion must end. */
const MAX_QUOTE_DEPTH = 3;

/** A value as it is quoted in a message: short, on one line, in TOML's notation. */
export function quote(raw: unknown): string {
  const text = quoteWithin(raw, MAX_QUOTE_DEPTH);
  return text.length > MAX_QUOTE_LENGTH ? `${text.slice(0, MAX_QUOTE_LENGTH - 3)}...` : text;
}

function quoteWithin(raw: unknown, depth: number): string {
  if (typeof raw === 'string') return JSON.stringify(raw.slice(0, MAX_QUOTE_LENGTH));
  if (raw instanceof Date) return raw.toISOString();
  if (typeof raw !== 'object' || raw === null || !isPlainObject(raw)) return String(raw);
  if (depth === 0) return '...';
  // More parts than fit are not even looked at.
  if (Array.isArray(raw))
    return `[${raw
      .slice(0, MAX_QUOTE_LENGTH)
      .map((one) => quoteWithin(one, depth - 1))
      .join(', ')}]`;
  const parts = Object.entries(raw).slice(0, MAX_QUOTE_LENGTH);
  return `{ ${parts.map(([name, one]) => `${name} = ${quoteWithin(one, depth - 1)}`).join(', ')} }`;
}

/** A list or table, and not a date, which is an object of some class too. */
function isPlainObject(raw: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(raw);
  return Array.isArray(raw) || prototype === Object.prototype || prototype === null;
}

function typeOf(raw: unknown): string {
  if (typeof raw === 'bigint') return 'an integer';
  if (typeof raw === 'number') return 'a number with a decimal point';
  if (typeof raw === 'boolean') return 'true or false';
  if (typeof raw === 'string') return 'text';
  if (Array.isArray(raw)) return 'a list';
  return typeof raw === 'object' && raw !== null && isPlainObject(raw) ? 'a table' : 'a date';
}

function wrongType(raw: unknown, wanted: string): ReturnType<typeof wrong> {
  return wrong(`${quote(raw)} is ${typeOf(raw)}; ${wanted} is needed`);
}

/** A kind that is written as text; `parse` says what is wrong in a whole sentence part. */
function textKind<T>(
  name: string,
  wanted: string,
  parse: (text: string) => Result<T, string>,
  format: (value: T) => string,
): Kind<T> {
  const readText = (text: string): Read<T> => {
    const parsed = parse(text);
    return parsed.ok ? parsed : wrong(parsed.error);
  };
  return {
    name,
    read: (raw) => (typeof raw === 'string' ? readText(raw) : wrongType(raw, wanted)),
    readText,
    toPlain: format,
  };
}

const said = <T>(result: Result<T>): Result<T, string> => (result.ok ? result : failWith(result.error.message));

/** Text of 1 to `maxLength` characters without control characters. */
export function text(maxLength: number): Kind<string> {
  return textKind(
    'text',
    'text in quotes',
    (value) => {
      if (value.trim() === '') return failWith('must not be empty');
      if (value.length > maxLength) return failWith(`${quote(value)} is longer than ${maxLength} characters`);
      if (/\p{Cc}/u.test(value)) return failWith(`${quote(value)} has control characters`);
      return ok(value);
    },
    (value) => value,
  );
}

/** An absolute path. */
export const path: Kind<string> = textKind(
  'path',
  'a path in quotes',
  (value) => {
    if (!value.startsWith('/')) return failWith(`${quote(value)} is not an absolute path: those begin with /`);
    if (value.includes('\0') || value.length > 4096) return failWith(`${quote(value)} is not a path`);
    return ok(value);
  },
  (value) => value,
);

/** One of a few words. */
export function choice<const T extends string>(...words: readonly T[]): Kind<T> {
  const list = words.join(', ');
  return textKind(
    `one of ${list}`,
    `one of ${list}, in quotes,`,
    (value) => {
      const found = words.find((word) => word === value);
      if (found !== undefined) return ok(found);
      const meant = nearest(value, words);
      return failWith(`${quote(value)} is not one of ${list}${meant ? `; did you mean "${meant}"?` : ''}`);
    },
    (value) => value,
  );
}

/** A name the kernel takes for a network interface. */
export const interfaceName: Kind<string> = textKind(
  'interface name',
  'an interface name in quotes',
  (value) => {
    if (
      /^[^\s/:\p{Cc}]{1,15}$/u.test(value) &&
      new TextEncoder().encode(value).length <= 15 &&
      value !== '.' &&
      value !== '..'
    )
      return ok(value);
    return failWith(`${quote(value)} is not an interface name: 1 to 15 characters, without spaces, / and :`);
  },
  (value) => value,
);

export const prefix: Kind<Prefix> = textKind(
  'CIDR',
  'a network in quotes, as in "192.168.1.0/24",',
  (value) => said(parsePrefix(value)),
  formatPrefix,
);

export const interfaceAddress: Kind<InterfaceAddress> = textKind(
  'CIDR',
  'an address with length in quotes, as in "100.64.3.7/16",',
  (value) => said(parseInterfaceAddress(value)),
  formatInterfaceAddress,
);

export function hostPort(rules: HostPortRules = {}): Kind<HostPort> {
  return textKind('host:port', 'host:port in quotes', (value) => said(parseHostPort(value, rules)), formatHostPort);
}

/** `true` or `false`; from the environment also 1, 0, yes, no, on, off. */
export const bool: Kind<boolean> = {
  name: 'bool',
  read: (raw) => (typeof raw === 'boolean' ? ok(raw) : wrongType(raw, 'true or false, without quotes,')),
  readText: (value) => {
    if (/^(true|1|yes|on)$/i.test(value)) return ok(true);
    if (/^(false|0|no|off)$/i.test(value)) return ok(false);
    return wrong(`${quote(value)} is neither true nor false`);
  },
  toPlain: (value) => value,
};

function within(raw: bigint | number, min: number, max: number): Read<number> {
  if (raw >= min && raw <= max) return ok(Number(raw));
  return wrong(`${raw} is out of range: it goes from ${min} to ${max}`);
}

export function integer(min: number, max: number): Kind<number> {
  return {
    name: 'int',
    read: (raw) => (typeof raw === 'bigint' ? within(raw, min, max) : wrongType(raw, 'a whole number without quotes')),
    readText: (value) =>
      /^-?[0-9]{1,15}$/.test(value) ? within(Number(value), min, max) : wrong(`${quote(value)} is not a whole number`),
    toPlain: (value) => value,
  };
}

export function decimal(min: number, max: number): Kind<number> {
  return {
    name: 'number',
    read: (raw) =>
      typeof raw === 'bigint' || typeof raw === 'number'
        ? within(raw, min, max)
        : wrongType(raw, 'a number without quotes'),
    readText: (value) =>
      /^-?[0-9]{1,15}(\.[0-9]{1,15})?$/.test(value)
        ? within(Number(value), min, max)
        : wrong(`${quote(value)} is not a number`),
    toPlain: (value) => value,
  };
}

/** The kind, or nothing; only a default can be nothing. */
export function optional<T>(kind: Kind<T>): Kind<T | undefined> {
  return { ...kind, toPlain: (value) => (value === undefined ? null : kind.toPlain(value)) };
}
