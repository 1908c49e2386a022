import { ok } from '../core/result.ts';
import { type Kind, type Plain, type Problem, quote, type Read, wrong } from './kinds.ts';

/** Longest list that is accepted; far above need, so that a broken generator is noticed. */
const MAX_LIST_LENGTH = 4096;

/** A list without duplicates; from one text its elements are separated by commas. */
export function list<T>(kind: Kind<T>): Kind<readonly T[]> {
  const readAll = <R>(raws: readonly R[], readOne: (raw: R) => Read<T>): Read<readonly T[]> => {
    if (raws.length > MAX_LIST_LENGTH)
      return wrong(`the list has ${raws.length} elements; ${MAX_LIST_LENGTH} are allowed`);
    const values: T[] = [];
    const problems: Problem[] = [];
    const seen = new Map<string, number>();
    raws.forEach((raw, index) => {
      const read = readOne(raw);
      if (!read.ok) {
        problems.push(...read.error.map((problem) => ({ ...problem, path: [index, ...problem.path] })));
        return;
      }
      const shown = JSON.stringify(kind.toPlain(read.value));
      if (seen.has(shown)) problems.push({ path: [index], message: `${shown} stands in the list twice` });
      seen.set(shown, index);
      values.push(read.value);
    });
    return problems.length > 0 ? { ok: false, error: problems } : ok(values);
  };
  return {
    name: `list of ${kind.name}`,
    isList: true,
    read: (raw) =>
      Array.isArray(raw)
        ? readAll(raw, (one) => kind.read(one))
        : wrong(`${quote(raw)} is not a list; write [${quote(raw)}]`),
    readText: (text) =>
      readAll(text === '' ? [] : text.split(',').map((part) => part.trim()), (one) => kind.readText(one)),
    toPlain: (values) => values.map((value) => kind.toPlain(value)),
  };
}

/** A list that may also be given as its only element. */
export function oneOrList<T>(kind: Kind<T>): Kind<readonly T[]> {
  const many = list(kind);
  const one = (raw: unknown): Read<readonly T[]> => {
    const read = kind.read(raw);
    return read.ok ? ok([read.value]) : read;
  };
  return {
    ...many,
    name: `${kind.name} or list`,
    read: (raw) => (Array.isArray(raw) ? many.read(raw) : one(raw)),
  };
}

/** Values by name; from one text `name=value,name=value`. */
export function record<T>(keys: Kind<string>, kind: Kind<T>): Kind<Readonly<Record<string, T>>> {
  const readAll = <R>(
    entries: readonly (readonly [string, R])[],
    readOne: (raw: R) => Read<T>,
  ): Read<Readonly<Record<string, T>>> => {
    if (entries.length > MAX_LIST_LENGTH)
      return wrong(`the table has ${entries.length} keys; ${MAX_LIST_LENGTH} are allowed`);
    const values: [string, T][] = [];
    const problems: Problem[] = [];
    for (const [name, raw] of entries) {
      const key = keys.readText(name);
      const value = readOne(raw);
      for (const read of [key, value]) {
        if (!read.ok) problems.push(...read.error.map((problem) => ({ ...problem, path: [name, ...problem.path] })));
      }
      if (value.ok) values.push([name, value.value]);
    }
    return problems.length > 0 ? { ok: false, error: problems } : ok(Object.fromEntries(values));
  };
  return {
    name: `table of ${kind.name}`,
    read: (raw) =>
      isTable(raw) ? readAll(Object.entries(raw), (one) => kind.read(one)) : wrong(`${quote(raw)} is not a table`),
    readText: (text) => readAll(text.split(',').map(splitPair), (one) => kind.readText(one)),
    toPlain: (values) =>
      Object.fromEntries(Object.entries(values).map(([name, value]): [string, Plain] => [name, kind.toPlain(value)])),
  };
}

function splitPair(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text.trim(), ''] : [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
}

/** Whether a parsed TOML value is a table. */
export function isTable(raw: unknown): raw is Readonly<Record<string, unknown>> {
  // Dates are objects too, of whatever class the parser and the runtime agree on.
  if (typeof raw !== 'object' || raw === null) return false;
  const prototype: unknown = Object.getPrototypeOf(raw);
  return prototype === Object.prototype || prototype === null;
}
