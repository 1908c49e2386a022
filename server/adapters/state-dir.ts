import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { fail, ok, type Result } from '../core/result.ts';
import { explainStateError } from './state-file.ts';

/** Makes the state directory, ours alone; refuses one that others can enter, unless nothing is in it yet, and another user's. */
export function openStateDir(path: string): Result<void> {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(path);
    const self = process.getuid?.() ?? 0;
    if (uid !== self && self !== 0) {
      return fail('permission.state', `${path}: belongs to another user (${uid})`, {
        remedy: 'run as that user or as root, or choose another --state-dir',
      });
    }
    if ((mode & 0o077) === 0) return ok(undefined);
    // With something in it, it may be anything: somebody who types /etc must not lose the way into it.
    if (readdirSync(path).length > 0) {
      return fail('permission.state', `${path}: others can enter it (mode ${(mode & 0o7777).toString(8)})`, {
        remedy: `if it is for this alone: chmod 700 ${path}; else choose another --state-dir`,
      });
    }
    chmodSync(path, 0o700);
    return ok(undefined);
  } catch (error) {
    return explainStateError(path, error);
  }
}
