import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail, ok, type Result } from '../core/result.ts';

/** Puts `text` in place of a state file in one step, 0600; after a crash it is the old or the new one, whole. */
export function replaceStateFile(path: string, text: string): Result<void> {
  const draft = `${path}.new`;
  try {
    const file = openSync(draft, 'w', 0o600);
    try {
      const bytes = Buffer.from(text);
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
    syncFolder(dirname(path));
    return ok(undefined);
  } catch (error) {
    removeIfPossible(draft);
    return explainStateError(path, error);
  }
}

function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // On a file system that became read-only it stays, and the next draft replaces it.
  }
}

/** The text of a state file; undefined when there is none. */
export function readStateFile(path: string): Result<string | undefined> {
  try {
    return ok(readFileSync(path, 'utf8'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? ok(undefined) : explainStateError(path, error);
  }
}

/** Why a state file cannot be used, and what to do. */
export function explainStateError(path: string, error: unknown): Result<never> {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return fail('permission.state', `${path}: not allowed`, {
        remedy: 'run as root, or give --state-dir a directory of your own',
      });
    case 'EROFS':
      return fail('state.read-only', `${path}: the file system is read-only`, {
        remedy: 'mount it writable, or choose another --state-dir',
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return fail('state.full', `${path}: the disk is full; nothing was changed`, {
        remedy: 'make room and try again',
      });
    default:
      return fail('state.file', `${path}: ${message}`);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
