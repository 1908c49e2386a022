import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { imageSources } from '../compose/mirrors.ts';
import { SUITE, work } from '../compose/places.ts';
import { run, step } from '../compose/step.ts';

/** How to start QEMU, and the firmware for its machines. */
export type Emulator = {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly firmware: string;
  readonly firmwareVariables: string;
};

const WANTED_MAJOR = 10;
const tools = join(work, 'tools');

/** This machine's own QEMU when it is new enough, else Debian 13's out of a tree of its own. */
export async function findEmulator(): Promise<Emulator> {
  const said = spawnSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' });
  const major = Number(/version (\d+)\./.exec(said.stdout ?? '')?.[1] ?? 0);
  const firmware = (base: string) => ({
    firmware: join(base, 'usr/share/OVMF/OVMF_CODE_4M.fd'),
    firmwareVariables: join(base, 'usr/share/OVMF/OVMF_VARS_4M.fd'),
  });
  if (major >= WANTED_MAJOR && existsSync(firmware('/').firmware)) {
    return { command: ['qemu-system-x86_64'], env: {}, ...firmware('/') };
  }
  if (!existsSync(tools)) await step(`fetching QEMU of Debian ${SUITE}`, fetchTools);
  const libraries = join(tools, 'usr/lib/x86_64-linux-gnu');
  const share = ['qemu', 'seabios'].flatMap((name) => ['-L', join(tools, 'usr/share', name)]);
  return {
    command: [
      join(tools, 'usr/lib64/ld-linux-x86-64.so.2'),
      ...['--library-path', libraries, join(tools, 'usr/bin/qemu-system-x86_64'), ...share],
      ...['-L', join(tools, 'usr/lib/ipxe/qemu')],
    ],
    env: { QEMU_MODULE_DIR: join(libraries, 'qemu') },
    ...firmware(tools),
  };
}

async function fetchTools() {
  const part = `${tools}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const args = ['--variant=minbase', '--mode=root', '--format=directory', '--quiet'];
  const apt = ['--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"'];
  const include = '--include=qemu-system-x86,ovmf';
  const command = ['mmdebstrap', ...args, ...apt, include, SUITE, part, ...imageSources()];
  await run('unshare', ['--mount', '--propagation=private', ...command]);
  renameSync(part, tools);
}
