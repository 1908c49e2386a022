import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../core/result.ts';
import { explainStateError } from './state-file.ts';

/** Held for as long as this process lives; the kernel lets go of it, however the process ends. */
export interface StateLock {
  release(): void;
}

/**
 * Makes this daemon the only one on a state directory, or says who has it.
 *
 * Node has no flock; SQLite's exclusive lock is a kernel lock on a file and does the same.
 */
export function lockState(stateDir: string): Result<StateLock> {
  const pidFile = join(stateDir, 'daemon.pid');
  const path = join(stateDir, 'daemon.lock');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    return explainLockError(error, { stateDir, path, pidFile });
  }
  try {
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    database.close();
    return explainStateError(pidFile, error);
  }
  const held = database;
  return ok({ release: () => held.close() });
}

function explainLockError(error: unknown, at: { stateDir: string; path: string; pidFile: string }): Result<never> {
  const { errcode, message } = error as { errcode?: number; message: string };
  const BUSY = 5;
  const READ_ONLY = 8;
  const CANNOT_OPEN = 14;
  if (errcode === BUSY) {
    return fail(
      'daemon.already-running',
      `another daemon${pidIn(at.pidFile)} runs with the state directory ${at.stateDir}`,
      {
        remedy: 'stop it first with: quicether stop, or give this one its own with --state-dir',
      },
    );
  }
  if (errcode === READ_ONLY) return explainStateError(at.path, { code: 'EROFS' });
  if (errcode === CANNOT_OPEN) return whyNotOpened(at.path);
  return fail('state.file', `${at.path}: ${message}`);
}

// SQLite says only that it could not open the file; the system says why.
function whyNotOpened(path: string): Result<never> {
  try {
    writeFileSync(path, '', { flag: 'a', mode: 0o600 });
  } catch (error) {
    return explainStateError(path, error);
  }
  return fail('state.file', `${path}: cannot be locked`);
}

function pidIn(pidFile: string): string {
  try {
    return ` (process ${Number.parseInt(readFileSync(pidFile, 'utf8'), 10)})`;
  } catch {
    return '';
  }
}
