import { accessSync, constants } from 'node:fs';
import { BuildStop, run, step } from './step.ts';

/** Programs that the build calls, and the Debian package of each. */
const BUILD_TOOLS: readonly (readonly [program: string, debianPackage: string])[] = [
  ['mmdebstrap', 'mmdebstrap'],
  ['mksquashfs', 'squashfs-tools'],
  ['veritysetup', 'cryptsetup-bin'],
  ['objcopy', 'binutils'],
  ['cpio', 'cpio'],
  ['zstd', 'zstd'],
  ['xz', 'xz-utils'],
  ['depmod', 'kmod'],
  ['sfdisk', 'fdisk'],
  ['mcopy', 'mtools'],
  ['mkfs.vfat', 'dosfstools'],
  ['mke2fs', 'e2fsprogs'],
  ['tar', 'tar'],
];

export function isInstalled(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(`${folder}/${program}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Makes sure that what the build calls is there: installed when root may, else named with its packages. */
export async function requireTools(): Promise<void> {
  const missing = BUILD_TOOLS.filter(([program]) => !isInstalled(program)).map(([, name]) => name);
  if (missing.length > 0) {
    const install = ['install', '-y', '--no-install-recommends', ...missing];
    if (process.getuid?.() !== 0) throw new BuildStop(`these are needed; run: sudo apt-get ${install.join(' ')}`);
    if (!isInstalled('apt-get')) throw new BuildStop(`install these with your package manager: ${missing.join(' ')}`);
    await step(`installing ${missing.join(' ')}`, () =>
      run('apt-get', install, { env: { DEBIAN_FRONTEND: 'noninteractive' } }),
    );
  }
  if (process.getuid?.() !== 0)
    throw new BuildStop('a tree whose files belong to root needs root; run: sudo npm run image');
}
