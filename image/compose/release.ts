import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { baseTree } from './base-tree.ts';
import { makeBundle } from './bundle.ts';
import { makeDisk } from './disk.ts';
import { findInitrd } from './initrd.ts';
import { root, work } from './places.ts';
import { makeRootTree, type Release, stripRootTree } from './root-tree.ts';
import { releaseComponents, spdxDocument } from './sbom.ts';
import { findSecrets } from './secrets.ts';
import { BuildStop, run, step } from './step.ts';
import { makeUki } from './uki.ts';
import { makeRootImage, sha256OfFile } from './verity.ts';

const COMPRESSION = 15;

/** The parts of a release, in a folder of their own. */
export type BuiltRelease = {
  readonly release: Release;
  readonly rootImage: string;
  readonly rootHash: string;
  readonly uki: string;
  readonly bootLoader: string;
  readonly packageIndex: string;
};

const CONSOLES = 'console=tty0 console=ttyS0,115200';
const QUIET = 'ro quiet loglevel=4 panic=10 fsck.mode=skip systemd.show_status=no systemd.ssh_auto=no';

export type BuildOptions = { readonly fresh?: boolean; readonly rebuild?: boolean; readonly mayReuse?: boolean };

/** Builds root, initrd and UKI of a release; `mayReuse` takes what an earlier build made of the same inputs. */
export async function buildRelease(release: Release, options: BuildOptions = {}): Promise<BuiltRelease> {
  const { version, epochSec } = release;
  const base = await baseTree(epochSec, { fresh: options.fresh ?? false, rebuild: options.rebuild ?? false });
  const folder = join(work, 'releases', version);
  const record = join(folder, 'built.json');
  const stamp = await stampOf(release, base.stamp);
  if (options.mayReuse && existsSync(record)) {
    const found = JSON.parse(readFileSync(record, 'utf8')) as Omit<BuiltRelease, 'release'> & { stamp: string };
    if (found.stamp === stamp) return { ...found, release };
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  const tree = at('tree');
  const kernelVersion = await step(`${version}: composing the root`, async () => {
    await makeRootTree(base.folder, tree, release);
    cpSync(join(tree, 'usr/lib/systemd/boot/efi/systemd-bootx64.efi'), at('systemd-bootx64.efi'));
    cpSync(join(tree, 'usr/lib/systemd/boot/efi/linuxx64.efi.stub'), at('stub'));
    return stripRootTree(tree, at('vmlinuz'), release);
  });
  const secrets = findSecrets(tree);
  if (secrets.length > 0) throw new BuildStop(`the root holds what no image may hold:\n${secrets.join('\n')}`);
  const verity = await step(`${version}: packing the root`, () =>
    makeRootImage(tree, at('root.img'), release.compression ?? COMPRESSION, epochSec),
  );
  const osRelease = readFileSync(join(tree, 'usr/lib/os-release'), 'utf8');
  rmSync(tree, { recursive: true });
  await step(`${version}: kernel, initrd and command line in one`, async () => {
    const initrd = await findInitrd(base.folder, base.stamp, kernelVersion, epochSec);
    const words = `gw.roothash=${verity.rootHash} gw.salt=${verity.salt} gw.blocks=${verity.blocks}`;
    const commandLine = [words, QUIET, CONSOLES, release.commandLine].filter(Boolean).join(' ');
    const parts = { stub: at('stub'), kernel: at('vmlinuz'), initrd, commandLine, osRelease, kernelVersion };
    await makeUki(parts, at('uki.efi'), epochSec);
  });
  for (const name of ['stub', 'vmlinuz']) rmSync(at(name));
  const { packageIndex } = base;
  const built = { rootImage: at('root.img'), uki: at('uki.efi'), bootLoader: at('systemd-bootx64.efi'), packageIndex };
  const whole = { rootHash: verity.rootHash, ...built };
  writeFileSync(record, JSON.stringify({ stamp, ...whole }));
  return { release, ...whole };
}

/** Names everything that a release is made of. */
async function stampOf(release: Release, packages: string): Promise<string> {
  const programs = ['quicether-engine', 'quicether-system'].map((name) => join('dataplane/target/release', name));
  const folders = ['image/overlay', 'image/initrd', 'image/compose', 'packaging'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name))),
  );
  const hash = createHash('sha256').update(packages);
  const { alter, keys, ...said } = release;
  hash.update(JSON.stringify([said, String(alter), keys.map(({ id }) => id)]));
  for (const file of ['build/quicether.js', ...programs, ...folders.sort()]) {
    hash.update(file).update(await sha256OfFile(join(root, file)));
  }
  return hash.digest('hex');
}

/** Writes the update bundle of a release; gives its place. */
export async function bundleOf({ release, uki, rootImage }: BuiltRelease): Promise<string> {
  const file = join(work, `quicether-${release.version}.gwu`);
  const [key] = release.keys;
  const inputs = {
    version: release.version,
    epochSec: release.epochSec,
    key: key!,
    trusted: release.keys,
    uki,
    rootImage,
  };
  await step(`${basename(file)}`, () => makeBundle(inputs, file));
  return file;
}

/** Writes the image of a disk with this release in its first slot; gives its place. */
export async function diskOf({ release, uki, rootImage, bootLoader }: BuiltRelease): Promise<string> {
  const { version, epochSec } = release;
  const file = join(work, `quicether-${version}.img`);
  await step(`${basename(file)}`, () => makeDisk({ version, epochSec, uki, rootImage, bootLoader }, file));
  return file;
}

/** Everything that is published of a release: flash image, bundle, list of components, checksums. */
export async function publish(built: BuiltRelease): Promise<readonly string[]> {
  const { version, epochSec } = built.release;
  const disk = await diskOf(built);
  const flash = `${disk}.zst`;
  // What is in it is compressed already; the rest are zeroes.
  await step(basename(flash), () => run('zstd', ['-q', '-f', '-3', '-T1', disk, '-o', flash]));
  const bundle = await bundleOf(built);
  const sbom = join(work, `quicether-${version}.spdx.json`);
  writeFileSync(sbom, spdxDocument(version, epochSec, releaseComponents(root, built.packageIndex)));
  const files = [flash, bundle, sbom];
  const sums: string[] = [];
  for (const file of files) sums.push(`${await sha256OfFile(file)}  ${basename(file)}\n`);
  const checksums = join(work, `quicether-${version}.sha256`);
  writeFileSync(checksums, sums.join(''));
  return [...files, checksums].filter((file) => existsSync(file) && statSync(file).size > 0);
}
