import { createHash } from 'node:crypto';
import { createReadStream, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { run } from './step.ts';

const BLOCK_BYTES = 4096;

export type VerityRoot = {
  readonly rootHash: string;
  readonly salt: string;
  /** Blocks of data; the hash tree follows them. */
  readonly blocks: number;
};

export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Packs `tree` into one file: a squashfs with the hash tree behind it that makes every block verifiable. */
export async function makeRootImage(tree: string, file: string, level: number, epochSec: number): Promise<VerityRoot> {
  const part = `${file}.part`;
  rmSync(part, { force: true });
  const compression = ['-comp', 'zstd', '-Xcompression-level', String(level), '-b', '131072'];
  const quiet = ['-noappend', '-no-exports', '-no-progress', '-quiet'];
  await run('mksquashfs', [tree, part, ...quiet, ...compression], { env: { SOURCE_DATE_EPOCH: String(epochSec) } });
  const blocks = Math.ceil(statSync(part).size / BLOCK_BYTES);
  truncateSync(part, blocks * BLOCK_BYTES);
  // From the content, so that the same root has the same hash, and no two roots share a salt.
  const salt = await sha256OfFile(part);
  const said = await run('veritysetup', [
    'format',
    '--no-superblock',
    `--salt=${salt}`,
    `--data-block-size=${BLOCK_BYTES}`,
    `--hash-block-size=${BLOCK_BYTES}`,
    `--data-blocks=${blocks}`,
    `--hash-offset=${blocks * BLOCK_BYTES}`,
    part,
    part,
  ]);
  const rootHash = /^Root hash:\s*([0-9a-f]{64})$/m.exec(said)?.[1];
  if (rootHash === undefined) throw new Error(`veritysetup named no root hash: ${said}`);
  renameSync(part, file);
  return { rootHash, salt, blocks };
}
