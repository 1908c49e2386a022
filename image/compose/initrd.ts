import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { source, work } from './places.ts';
import { run, shell } from './step.ts';

const APPLETS =
  'sh mount umount cat grep find xargs sort modprobe readlink cut head sleep mkdir echo switch_root sync'.split(' ');

/** Drivers with which a disk is found and the root is read; others come from the root itself. */
const MODULES = [
  ...[
    'virtio_blk',
    'virtio_scsi',
    'virtio_pci',
    'virtio_mmio',
    'nvme',
    'vmd',
    'ahci',
    'ata_piix',
    'ata_generic',
    'sd_mod',
  ],
  ...['usb_storage', 'uas', 'xhci_pci', 'xhci_hcd', 'ehci_pci', 'ohci_pci', 'uhci_hcd'],
  ...['mmc_block', 'sdhci_acpi', 'sdhci_pci', 'hv_storvsc', 'vmw_pvscsi', 'mptspi'],
  ...['squashfs', 'ext4', 'dm_mod', 'dm_verity', 'sha256_generic', 'sha256-ssse3', 'crc32c_generic', 'crc32c-intel'],
];

/**
 * The initrd, made now or as an earlier build with the same packages left it.
 *
 * `stamp` is what names the packages.
 */
export async function findInitrd(
  base: string,
  stamp: string,
  kernelVersion: string,
  epochSec: number,
): Promise<string> {
  const own = [join(source, 'initrd/init'), import.meta.filename].map((name) => readFileSync(name, 'utf8'));
  const key = createHash('sha256')
    .update(JSON.stringify([stamp, kernelVersion, epochSec, own]))
    .digest('hex');
  const file = join(work, 'initrds', key.slice(0, 16));
  if (existsSync(file)) return file;
  mkdirSync(dirname(file), { recursive: true });
  await makeInitrd(base, kernelVersion, `${file}.part`, epochSec);
  renameSync(`${file}.part`, file);
  return file;
}

/**
 * The small system that finds and verifies the root: busybox, dmsetup and drivers, out of the
 * unpacked Debian tree at `base`, so that they are the pinned ones.
 */
async function makeInitrd(base: string, kernelVersion: string, file: string, epochSec: number): Promise<void> {
  const tree = `${file}.tree`;
  rmSync(tree, { recursive: true, force: true });
  for (const folder of ['bin', 'sbin', 'proc', 'sys', 'dev', 'run', 'newroot', 'usr/lib/modules']) {
    mkdirSync(join(tree, folder), { recursive: true });
  }
  symlinkSync('usr/lib', join(tree, 'lib'));
  symlinkSync('usr/lib64', join(tree, 'lib64'));
  const busybox = ['usr/bin/busybox', 'bin/busybox'].map((name) => join(base, name)).find((name) => existsSync(name));
  copyFileSync(busybox!, join(tree, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(tree, 'bin', applet));
  copyFileSync(join(base, 'usr/sbin/dmsetup'), join(tree, 'sbin/dmsetup'));
  const linked = await run('chroot', [base, 'ldd', '/usr/sbin/dmsetup']);
  for (const [path] of linked.matchAll(/\/\S+\.so\S*/g)) {
    const to = join(tree, 'usr', path.replace(/^\/usr/, ''));
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(join(base, 'usr', path.replace(/^\/usr/, '')), to);
  }
  await addModules(base, kernelVersion, tree);
  copyFileSync(join(source, 'initrd/init'), join(tree, 'init'));
  await pack(tree, file, epochSec);
}

async function addModules(base: string, kernelVersion: string, tree: string) {
  const folder = `usr/lib/modules/${kernelVersion}`;
  // Unpacked: the initrd is compressed as a whole, which is smaller, and busybox cannot unpack them.
  await shell(
    `base=$1 version=$2 tree=$3; shift 3
    for module; do modprobe -d "$base" -S "$version" --show-depends "$module" 2>/dev/null || true; done |
      awk '/^insmod/ { print $2 }' | sort -u | while read -r file; do
        inside=\${file#*/lib/modules/}
        target=$tree/usr/lib/modules/\${inside%.xz}
        mkdir -p "\${target%/*}"
        case $file in *.xz) xz -dc "$file" > "$target" ;; *) cp "$file" "$target" ;; esac
      done
    cp "$base/usr/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$tree/usr/lib/modules/$version/"
    depmod -b "$tree" "$version"`,
    [base, kernelVersion, tree, ...MODULES],
  );
  if (!existsSync(join(tree, folder, 'kernel/drivers/md'))) throw new Error('the kernel has no dm-verity module');
}

async function pack(tree: string, file: string, epochSec: number) {
  await shell(
    `chmod 755 "$1/init"
    find "$1" -exec touch -hd "@$3" {} +
    (cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc --reproducible -R 0:0 --quiet) |
      zstd -q -19 -T2 -f -o "$2"`,
    [tree, file, String(epochSec)],
  );
  rmSync(tree, { recursive: true });
}
