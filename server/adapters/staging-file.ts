import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fail, ok, type Result } from '../core/result.ts';
import type { StagingFile } from '../operations/system-port.ts';
import { explainStateError } from './state-file.ts';

/** Left for the database, the audit and the journal while a bundle lies there. */
const RESERVE_BYTES = 128 << 20;

/** A bundle that is being collected at `path`; what a daemon before left there goes. */
export function openStagingFile(path: string, reserveBytes = RESERVE_BYTES): StagingFile {
  let file: FileHandle | undefined;
  let last: Promise<unknown> = Promise.resolve();
  // One after the other: a removal must not overtake the part before it.
  const inOrder = <T>(step: () => Promise<Result<T>>): Promise<Result<T>> => {
    const next = last.then(step).catch((error: unknown) => explainStateError(path, error));
    last = next;
    return next;
  };
  const clear = async (): Promise<void> => {
    await file?.close();
    file = undefined;
    await rm(path, { force: true, recursive: true });
  };
  const staging: StagingFile = {
    begin: (sizeBytes) =>
      inOrder(async () => {
        await clear();
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        const { bavail, bsize } = await statfs(dirname(path));
        const roomBytes = bavail * bsize - reserveBytes;
        if (roomBytes < sizeBytes) return noRoom(path, sizeBytes, Math.max(0, roomBytes));
        const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
        file = await open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
        return ok(undefined);
      }),
    append: (bytes) =>
      inOrder(async () => {
        if (!file) return fail('system.unknown-upload', 'this upload was given up');
        for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
        return ok(undefined);
      }),
    finish: () =>
      inOrder(async () => {
        // Not synced, which takes its time on a small disk: after a power cut it is uploaded again.
        await file?.close();
        file = undefined;
        return ok(undefined);
      }),
    remove: async () => {
      await inOrder(async () => ok(await clear()));
    },
  };
  void staging.remove();
  return staging;
}

function noRoom(path: string, sizeBytes: number, roomBytes: number): Result<never> {
  const mega = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  return fail('state.full', `${path}: the bundle needs ${mega(sizeBytes)}, there is room for ${mega(roomBytes)}`, {
    remedy: 'make room: old audit files and backups can be exported and removed',
  });
}
