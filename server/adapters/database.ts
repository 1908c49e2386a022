import { chmodSync, closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs';
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite';
import { fail, ok, type Result } from '../core/result.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';
import { explainStateError } from './state-file.ts';

/** For another connection to let go of the file; ours is the only one but for a backup. */
const BUSY_MS = 2_000;
/** Damages named in a message. */
const MAX_DAMAGES = 3;

/** The daemon's one SQLite file. What SQLite throws ends here, as a `database.*` or `state.*` failure. */
export interface Database {
  readonly path: string;
  /** A statement, prepared once for its text; use it inside {@link read} and {@link transaction} only. */
  prepare(sql: string): StatementSync;
  /** What `work` returns, or why the database cannot be read. */
  read<T>(work: () => T): Result<T>;
  /** All of `work` on the disk, or a failure and nothing changed. A failed result undoes, too. */
  transaction<T>(work: () => Result<T>): Result<T>;
  /** Writes a copy, whole and consistent, while everything goes on; `target` is replaced in one step. */
  backup(target: string): Promise<Result<void>>;
  close(): void;
}

/**
 * Opens the database, checks every page of it, and brings it to this release's form.
 *
 * A damaged file, or one of a newer release, is refused and left as it is. Before its form changes, a
 * copy of the old one is kept as `box.db.v1`, so that the release before finds what it can read.
 */
export function openDatabase(path: string, migrations: readonly Migration[] = MIGRATIONS): Result<Database> {
  try {
    // Made by us and not by SQLite, which would let the umask choose who may read it.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
  } catch (error) {
    return explainStateError(path, error);
  }
  let sqlite: DatabaseSync | undefined;
  try {
    sqlite = new DatabaseSync(path, { timeout: BUSY_MS, allowExtension: false, defensive: true });
    const ready = makeReady(sqlite, path, migrations);
    if (ready.ok) return ok(wrap(sqlite, path));
    sqlite.close();
    return ready;
  } catch (error) {
    if (sqlite?.isOpen) sqlite.close();
    return explain(path, error);
  }
}

function makeReady(sqlite: DatabaseSync, path: string, migrations: readonly Migration[]): Result<void> {
  const intact = checkIntegrity(sqlite, path);
  if (!intact.ok) return intact;
  const { steps, oldestReader } = decodeVersion(sqlite.prepare('PRAGMA user_version').get()?.['user_version']);
  if (oldestReader > migrations.length) return newer(path, steps, migrations.length);
  // FULL: what a person was told is done is on the disk; WAL: readers and the backup never wait for a writer.
  sqlite.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON',
  );
  sqlite.exec('PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 4194304; PRAGMA cache_size = -1024');
  if (steps > 0 && steps < migrations.length) keepCopy(sqlite, `${path}.v${steps}`);
  for (const [at, { sql }] of migrations.entries()) {
    if (at < steps) continue;
    const version = encodeVersion(migrations.slice(0, at + 1));
    sqlite.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${version}; COMMIT`);
  }
  return ok(undefined);
}

/** Thousands: how many steps a release must know to go on with it. The rest: how many it has. */
const READER = 1_000;

function encodeVersion(taken: readonly Migration[]): number {
  return READER * Math.max(1, 1 + taken.findLastIndex(({ breaks }) => breaks === true)) + taken.length;
}

function decodeVersion(version: unknown): { steps: number; oldestReader: number } {
  const number = Number(version ?? 0);
  return { steps: number % READER, oldestReader: Math.floor(number / READER) };
}

function newer(path: string, steps: number, known: number): Result<never> {
  const copy = `${path}.v${known}`;
  const message = `${path}: was written by a newer release (form ${steps}, this one knows ${known})`;
  return fail('database.newer', message, {
    remedy: existsSync(copy)
      ? `update this box again, or put ${copy} in its place: it is from before the update`
      : 'update this box again',
  });
}

function checkIntegrity(sqlite: DatabaseSync, path: string): Result<void> {
  const rows = sqlite.prepare(`PRAGMA integrity_check(${MAX_DAMAGES})`).all();
  const found = rows.map((row) => String(row['integrity_check']));
  return found.length === 1 && found[0] === 'ok' ? ok(undefined) : damaged(path, found.join('; '));
}

function keepCopy(sqlite: DatabaseSync, target: string): void {
  rmSync(`${target}.new`, { force: true });
  sqlite.prepare('VACUUM INTO ?').run(`${target}.new`);
  chmodSync(`${target}.new`, 0o600);
  renameSync(`${target}.new`, target);
}

function wrap(sqlite: DatabaseSync, path: string): Database {
  const statements = new Map<string, StatementSync>();
  return {
    path,
    prepare: (sql) => {
      const known = statements.get(sql);
      if (known) return known;
      const made = sqlite.prepare(sql);
      statements.set(sql, made);
      return made;
    },
    read: (work) => {
      try {
        return ok(work());
      } catch (error) {
        return explain(path, error);
      }
    },
    transaction: (work) => runTransaction(sqlite, path, work),
    backup: async (target) => {
      const draft = `${target}.new`;
      try {
        closeSync(openSync(draft, 'w', 0o600));
        await backup(sqlite, draft);
        // A good copy is not replaced by a damaged one.
        const intact = checkCopy(draft);
        if (intact.ok) renameSync(draft, target);
        else rmSync(draft, { force: true });
        return intact;
      } catch (error) {
        rmSync(draft, { force: true });
        return explain(target, error);
      }
    },
    close: () => {
      statements.clear();
      if (sqlite.isOpen) sqlite.close();
    },
  };
}

function checkCopy(path: string): Result<void> {
  const copy = new DatabaseSync(path);
  try {
    // A file by itself, without a -wal and a -shm beside it that would have to be moved with it.
    copy.exec('PRAGMA journal_mode = DELETE');
    return checkIntegrity(copy, path);
  } finally {
    copy.close();
  }
}

function runTransaction<T>(sqlite: DatabaseSync, path: string, work: () => Result<T>): Result<T> {
  try {
    sqlite.exec('BEGIN IMMEDIATE');
    const result = work();
    sqlite.exec(result.ok ? 'COMMIT' : 'ROLLBACK');
    return result;
  } catch (error) {
    try {
      if (sqlite.isOpen && sqlite.isTransaction) sqlite.exec('ROLLBACK');
    } catch {
      // The first failure is the one to tell.
    }
    return explain(path, error);
  }
}

/** Primary result codes, https://www.sqlite.org/rescode.html */
const SQLITE = { readOnly: 8, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const;

function explain(path: string, error: unknown): Result<never> {
  const { errcode, message, code } = error as { errcode?: number; message: string; code?: string };
  if (errcode === undefined) {
    // Bugs are for the caller to fall over; only what the file system says is a failure.
    if (code === undefined || code.startsWith('ERR_')) throw error;
    return explainStateError(path, error);
  }
  switch (errcode & 0xff) {
    case SQLITE.corrupt:
    case SQLITE.notADatabase:
      return damaged(path, message);
    case SQLITE.full:
      return fail('state.full', `${path}: the disk is full; nothing was changed`, {
        remedy: 'make room and try again',
      });
    case SQLITE.readOnly:
    case SQLITE.cannotOpen:
      return fail('state.read-only', `${path}: cannot be written: ${message}`, {
        remedy: 'see whether the disk is mounted writable and has room',
      });
    default:
      return fail('database.failed', `${path}: ${message}`, { remedy: 'see whether the disk is healthy and has room' });
  }
}

function damaged(path: string, why: string): Result<never> {
  // All of them: a -wal left behind would be written into whatever database comes in its place.
  const moveAway = 'stop the daemon, move the file and those with -wal and -shm at its end away';
  return fail('database.damaged', `${path}: the database is damaged: ${why}`, {
    remedy: existsSync(`${path}.bak`)
      ? `the tunnel goes on and the file is kept; ${moveAway}, put ${path}.bak (last good copy) in its place, start`
      : `the tunnel goes on and the file is kept; ${moveAway} and start: the box then waits to be claimed again`,
  });
}
