import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageSources } from './mirrors.ts';
import { SUITE, source, work } from './places.ts';
import { run, shell, step } from './step.ts';

const pool = join(work, 'pool');
const base = join(work, 'base');

const OPTIONS = [
  '--variant=minbase',
  '--mode=root',
  '--format=directory',
  '--quiet',
  '--aptopt=Acquire::Languages "none"',
  '--aptopt=APT::Install-Recommends "false"',
  '--dpkgopt=path-exclude=/usr/share/man/*',
  '--dpkgopt=path-exclude=/usr/share/locale/*',
  '--dpkgopt=path-exclude=/usr/share/info/*',
  '--dpkgopt=path-exclude=/usr/share/doc/*',
  '--dpkgopt=path-include=/usr/share/doc/*/copyright',
];

/** The names in packages.txt. */
export function parsePackages(text: string): string[] {
  const names = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  return names.filter((name) => name !== '').sort();
}

/** mmdebstrap, in a mount namespace of its own so that nothing stays mounted when it fails. */
async function bootstrap(target: string, packages: readonly string[], sources: readonly string[], epochSec: number) {
  const part = `${target}.part`;
  rmSync(part, { recursive: true, force: true });
  rmSync(target, { recursive: true, force: true });
  const keep = ['--skip=cleanup/apt/cache', '--skip=essential/unlink'];
  const args = ['mmdebstrap', ...OPTIONS, ...keep, `--include=${packages.join(',')}`, SUITE, part, ...sources];
  const env = { SOURCE_DATE_EPOCH: String(epochSec), LC_ALL: 'C.UTF-8' };
  await run('unshare', ['--mount', '--propagation=private', ...args], { env });
  renameSync(part, target);
}

/** Keeps what was downloaded, with an index, so that the next build needs no network. */
async function fillPool(tree: string, key: string) {
  const part = `${pool}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  await shell('mv "$1"/var/cache/apt/archives/*.deb "$2"', [tree, part]);
  const paragraphs: string[] = [];
  for (const file of readdirSync(part).sort()) {
    const bytes = readFileSync(join(part, file));
    const control = (await run('dpkg-deb', ['--field', join(part, file)])).trimEnd();
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    paragraphs.push(`${control}\nFilename: ./${file}\nSize: ${bytes.length}\nSHA256: ${sha256}\n`);
  }
  const index = paragraphs.join('\n');
  writeFileSync(join(part, 'Packages'), index);
  // Which packages are essential, mmdebstrap asks by the name of the release.
  const listed = `${createHash('sha256').update(index).digest('hex')} ${Buffer.byteLength(index)} Packages`;
  writeFileSync(join(part, 'Release'), `Suite: ${SUITE}\nCodename: ${SUITE}\nSHA256:\n ${listed}\n`);
  writeFileSync(join(part, 'key'), key);
  rmSync(pool, { recursive: true, force: true });
  renameSync(part, pool);
}

const read = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);

export type BaseTree = {
  readonly folder: string;
  readonly packageIndex: string;
  /** Names exactly these packages. */
  readonly stamp: string;
};

/**
 * Debian as the box needs it, unpacked: made from the mirror once, from the pool of what was
 * downloaded then, or found as an earlier build left it.
 *
 * The pool is what pins the versions; `fresh` throws it away and asks the mirror for the newest.
 */
export async function baseTree(epochSec: number, options: { fresh: boolean; rebuild: boolean }): Promise<BaseTree> {
  mkdirSync(work, { recursive: true });
  const packages = parsePackages(readFileSync(join(source, 'packages.txt'), 'utf8'));
  const key = createHash('sha256')
    .update(JSON.stringify([SUITE, OPTIONS, packages]))
    .digest('hex');
  if (options.fresh || read(join(pool, 'key')) !== key) {
    await step(`fetching ${packages.length} packages and what they need`, async () => {
      await bootstrap(base, packages, imageSources(), epochSec);
      await fillPool(base, key);
    });
  }
  const packageIndex = join(pool, 'Packages');
  const stamp = createHash('sha256').update(readFileSync(packageIndex)).update(key).digest('hex');
  if (options.rebuild || read(`${base}.stamp`) !== stamp) {
    rmSync(`${base}.stamp`, { force: true });
    const count = readdirSync(pool).filter((file) => file.endsWith('.deb')).length;
    await step(`unpacking ${count} packages from the pool`, async () => {
      await bootstrap(base, packages, [`deb [trusted=yes] copy://${pool} ./`], epochSec);
      rmSync(join(base, 'var/cache/apt/archives'), { recursive: true, force: true });
    });
    writeFileSync(`${base}.stamp`, stamp);
  }
  return { folder: base, packageIndex, stamp };
}
