import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { fail, ok, type Result } from '../core/result.ts';
import { explainStateError } from './state-file.ts';

/** Makes the state directory, ours alone; refuses one that others can enter or that is not ours. */
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
    if ((mode & 0o077) !== 0) chmodSync(path, 0o700);
    return ok(undefined);
  } catch (error) {
    return explainStateError(path, error);
  }
}
