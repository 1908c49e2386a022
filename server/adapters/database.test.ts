import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fail, ok, type Result } from '../core/result.ts';
import { type Database, openDatabase } from './database.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';

const FIRST: readonly Migration[] = [{ name: 'first', sql: 'CREATE TABLE things (name TEXT NOT NULL) STRICT' }];
const SECOND: readonly Migration[] = [...FIRST, { name: 'second', sql: 'ALTER TABLE things ADD COLUMN size INTEGER' }];

let folder: string;
let path: string;
const opened: Database[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-database-'));
  path = join(folder, 'box.db');
});
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  rmSync(folder, { recursive: true });
});

function open(migrations = FIRST): Database {
  const database = must(openDatabase(path, migrations));
  opened.push(database);
  return database;
}
function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}
const add = (database: Database, ...added: readonly string[]): Result<void> =>
  database.transaction(() => {
    for (const name of added) database.prepare('INSERT INTO things (name) VALUES (?)').run(name);
    return ok(undefined);
  });
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `thing number ${i}, `.repeat(10));
const names = (database: Database): unknown[] =>
  must(
    database.read(() =>
      database
        .prepare('SELECT name FROM things')
        .all()
        .map((row) => row['name']),
    ),
  );

test('what was written is there after the next start, for us alone', () => {
  const first = open();
  must(add(first, 'one'));
  first.close();
  expect(names(open())).toEqual(['one']);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
});

test('a step that fails, by itself or by a bug, leaves nothing behind', () => {
  const database = open();
  const failed = database.transaction(() => {
    database.prepare("INSERT INTO things (name) VALUES ('half')").run();
    return fail('some.reason', 'no');
  });
  expect(failed).toMatchObject({ ok: false, error: { code: 'some.reason' } });
  expect(() =>
    database.transaction(() => {
      database.prepare("INSERT INTO things (name) VALUES ('half')").run();
      throw new TypeError('a bug');
    }),
  ).toThrow('a bug');
  expect(
    database.transaction(() => ok(database.prepare('INSERT INTO things (name) VALUES (NULL)').run())),
  ).toMatchObject({
    ok: false,
    error: { code: 'database.failed' },
  });
  expect(names(database)).toEqual([]);
});

describe('another form', () => {
  test('of an older release is brought to ours, and a copy of the old one stays', () => {
    const old = open();
    must(add(old, 'one'));
    old.close();
    const now = open(SECOND);
    expect(must(now.read(() => now.prepare('SELECT * FROM things').all()))).toEqual([{ name: 'one', size: null }]);
    now.close();
    path = `${path}.v1`;
    expect(names(open())).toEqual(['one']);
  });

  test('of a newer release that only added is used as it is, and gone on with after the next update', () => {
    const newer = open(SECOND);
    newer.close();
    const old = open();
    must(add(old, 'written by the old one'));
    old.close();
    expect(names(open(SECOND))).toEqual(['written by the old one']);
  });

  test('of a newer release that we could not go on with is refused and left as it is', () => {
    open([...FIRST, { name: 'breaking', sql: 'DROP TABLE things', breaks: true }]).close();
    const before = readFileSync(path);
    expect(openDatabase(path, FIRST)).toMatchObject({ ok: false, error: { code: 'database.newer' } });
    expect(readFileSync(path)).toEqual(before);
  });

  test('whose step cannot be carried out stays the old one', () => {
    must(add(open(), 'one'));
    for (const one of opened.splice(0)) one.close();
    const broken = [...FIRST, { name: 'broken', sql: 'CREATE TABLE more (a); CREATE TABLE things (b)' }];
    expect(openDatabase(path, broken)).toMatchObject({ ok: false, error: { code: 'database.failed' } });
    expect(names(open())).toEqual(['one']);
    expect(must(open().read(() => open().prepare("SELECT name FROM sqlite_schema WHERE name = 'more'").all()))).toEqual(
      [],
    );
  });

  test('the released ones follow each other', () => {
    expect(openDatabase(path, MIGRATIONS).ok).toBe(true);
    expect(new Set(MIGRATIONS.map(({ name }) => name)).size).toBe(MIGRATIONS.length);
  });
});

describe('a file that is no good', () => {
  test.each([
    ['garbage', () => Buffer.from('not a database, but a shopping list. '.repeat(200))],
    [
      'an overwritten page',
      (good: Buffer) => Buffer.concat([good.subarray(0, 4096), Buffer.alloc(4096, 0x41), good.subarray(8192)]),
    ],
    ['a cut end', (good: Buffer) => good.subarray(0, good.length - 4096 * 2)],
  ])('%s is named, with what to do, and kept byte for byte', (_, damage) => {
    const database = open();
    must(add(database, ...many(500)));
    database.close();
    const bytes = damage(readFileSync(path));
    writeFileSync(path, bytes);
    expect(openDatabase(path, FIRST)).toMatchObject({ ok: false, error: { code: 'database.damaged', remedy: /kept/ } });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  test('a folder in its place is said', () => {
    expect(openDatabase(folder, FIRST)).toMatchObject({ ok: false });
  });
});

describe('a backup', () => {
  test('is whole while writing goes on, and replaces the one before in one step', async () => {
    const database = open();
    must(add(database, ...many(200)));
    const target = `${path}.bak`;
    writeFileSync(target, 'the one before');
    const made = database.backup(target);
    must(add(database, 'meanwhile'));
    must(await made);
    const copy = new DatabaseSync(target);
    expect(Number(copy.prepare('SELECT count(*) AS n FROM things').get()?.['n'])).toBeGreaterThanOrEqual(200);
    copy.close();
    expect(statSync(target).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).toSorted()).toEqual(['box.db', 'box.db-shm', 'box.db-wal', 'box.db.bak']);
  });

  test('that cannot be made is said, and the database goes on', async () => {
    const database = open();
    expect((await database.backup(join(folder, 'nowhere', 'x'))).ok).toBe(false);
    must(add(database, 'one'));
  });
});
