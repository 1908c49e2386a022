import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fail, ok, type Result } from '../core/result.ts';
import type { ConfigFiles } from '../settings/config-desk.ts';

/** Readable by all: the daemon runs as another user than who writes it, and nothing in it is secret. */
const NEW_FILE_MODE = 0o644;

/** Configuration files on this machine's disk. */
export const configFiles: ConfigFiles = {
  exists: existsSync,
  read: (path) => {
    try {
      if (!statSync(path).isFile()) return fail('settings.file', `${path}: is not a file`);
      return ok(readFileSync(path, 'utf8'));
    } catch (error) {
      return errorCode(error) === 'ENOENT' ? ok(undefined) : explain(path, error);
    }
  },
  replace: (path, text) => {
    try {
      // Through a link, so that a file kept elsewhere stays where it is.
      const real = existsSync(path) ? realpathSync(path) : path;
      const old = existsSync(real) ? statSync(real) : undefined;
      const draft = writeDraft(real, text, old ? old.mode & 0o777 : NEW_FILE_MODE);
      if (old && process.getuid?.() === 0) chownSync(draft, old.uid, old.gid);
      renameSync(draft, real);
      syncFolder(dirname(real));
      return ok(undefined);
    } catch (error) {
      return explain(path, error);
    }
  },
  create: (path, text) => {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
      // "x": whoever makes the file in between keeps it.
      const handle = openSync(path, 'wx', NEW_FILE_MODE);
      writeAll(handle, text);
      syncFolder(dirname(path));
      return ok(undefined);
    } catch (error) {
      if (errorCode(error) === 'EEXIST')
        return fail('settings.file-exists', `${path}: exists already and is left as it is`);
      return explain(path, error);
    }
  },
};

function writeDraft(path: string, text: string, mode: number): string {
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}.new`);
  try {
    writeAll(openSync(draft, 'wx', mode), text);
    chmodSync(draft, mode);
    return draft;
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function writeAll(handle: number, text: string): void {
  try {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length; ) written += writeSync(handle, bytes, written);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function syncFolder(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

function explain(path: string, error: unknown): Result<never> {
  switch (errorCode(error)) {
    case 'EACCES':
    case 'EPERM':
      return fail('permission.file', `${path}: not allowed`, { remedy: 'run it as root or as the owner of the file' });
    case 'ENOSPC':
      return fail('settings.file', `${path}: the disk is full`, { remedy: 'make room; nothing was changed' });
    case 'EROFS':
      return fail('settings.file', `${path}: the file system is read-only`);
    case 'ENOENT':
    case 'ENOTDIR':
      return fail('settings.file', `${path}: there is no such folder`);
    default:
      return fail('settings.file', `${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
