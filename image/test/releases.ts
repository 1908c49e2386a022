import { generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBundle } from '../compose/bundle.ts';
import { work } from '../compose/places.ts';
import { type BuiltRelease, buildRelease, bundleOf, diskOf } from '../compose/release.ts';
import { type ReleaseKey, readReleaseKey } from '../compose/release-keys.ts';
import { run, step } from '../compose/step.ts';

export type Sources = { readonly version: string; readonly epochSec: number; readonly keys: readonly ReleaseKey[] };

/** The image under test, and what is made to follow it. */
export type TestReleases = {
  readonly first: BuiltRelease;
  readonly disk: string;
  readonly second?: BuiltRelease;
  /** Its program does not start. */
  readonly broken?: BuiltRelease;
  /** A disk with bundles on it, good ones and bad ones. */
  readonly bundles: string;
};

/** MAJOR.MINOR.(PATCH + by), without what follows. */
export function laterVersion(version: string, by: number): string {
  const [major, minor, patch] = version.split('-')[0]!.split('.').map(Number);
  return `${major}.${minor}.${patch! + by}`;
}

function breakProgram(tree: string): void {
  writeFileSync(join(tree, 'usr/lib/quicether/quicether.js'), 'process.exit(1);\n');
}

/** Builds what the trials need; `quick` needs the image alone. */
export async function makeReleases({ version, epochSec, keys }: Sources, quick: boolean): Promise<TestReleases> {
  const common = { epochSec, keys };
  const reuse = { mayReuse: true };
  const first = await buildRelease({ version, ...common }, reuse);
  const disk = await diskOf(first);
  const folder = join(work, 'test', 'bundles');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await makeBadBundles(folder, version, epochSec, keys);
  let more: { second?: BuiltRelease; broken?: BuiltRelease } = {};
  if (!quick) {
    const second = await buildRelease({ version: laterVersion(version, 1), compression: 3, ...common }, reuse);
    // What does not come up need not be waited for as long as on hardware.
    const fails = { compression: 3, alter: breakProgram, commandLine: 'quicether.health_sec=35' };
    const broken = await buildRelease({ version: laterVersion(version, 2), ...fails, ...common }, reuse);
    for (const [name, release] of Object.entries({ second, broken })) {
      cpSync(await bundleOf(release), join(folder, `${name}.gwu`));
    }
    more = { second, broken };
  }
  const bundles = join(work, 'test', 'bundles.img');
  await step('disk with bundles', () => makeDiskOf(folder, bundles));
  return { first, disk, bundles, ...more };
}

/** Bundles that must be refused, small ones: what is wrong with them is found before their size matters. */
async function makeBadBundles(folder: string, version: string, epochSec: number, keys: readonly ReleaseKey[]) {
  const uki = join(folder, 'uki');
  const rootImage = join(folder, 'root');
  writeFileSync(uki, Buffer.alloc(4096, 1));
  writeFileSync(rootImage, Buffer.alloc(1 << 20, 2));
  const parts = { epochSec, key: keys[0]!, trusted: keys, uki, rootImage };
  const later = laterVersion(version, 7);
  await makeBundle({ ...parts, version: later, key: strangersKey(folder) }, join(folder, 'stranger.gwu'));
  await makeBundle({ ...parts, version: '0.0.1' }, join(folder, 'downgrade.gwu'));
  await makeBundle({ ...parts, version: later }, join(folder, 'truncated.gwu'));
  truncateSync(join(folder, 'truncated.gwu'), 700_000);
  rmSync(uki);
  rmSync(rootImage);
}

function strangersKey(folder: string): ReleaseKey {
  const file = join(folder, 'key');
  writeFileSync(file, generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }), {
    mode: 0o600,
  });
  const key = readReleaseKey(file);
  rmSync(file);
  return key;
}

async function makeDiskOf(folder: string, file: string) {
  const { length } = await run('du', ['-sm', folder]).then((said) => ({ length: Number.parseInt(said, 10) }));
  rmSync(file, { force: true });
  writeFileSync(file, '');
  truncateSync(file, (length + 32) * 2 ** 20);
  await run('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-d', folder, file]);
  if (statSync(file).size === 0) throw new Error(`${file} is empty`);
}
