import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

/** What the package's maintainer scripts and programs link to, beyond the essential packages. */
const INCLUDED = 'libstdc++6,libatomic1,passwd,init-system-helpers,iproute2,systemd,systemd-sysv';
const TREE_TIMEOUT_MS = 600_000;
const TRY_TIMEOUT_MS = 180_000;

/**
 * Makes a minimal Debian tree with the package sources of this machine, boots its systemd in
 * namespaces, and installs, runs and purges the package there. Returns the exit status.
 */
export async function tryInDebianTree(root: string, deb: string): Promise<number> {
  const stop = (sentence: string) => {
    process.stderr.write(`package: ${sentence}\n`);
    return 1;
  };
  if (process.getuid?.() !== 0) return stop('the Debian tree needs root; run: sudo npm run package -- test');
  if (!existsSync('/usr/bin/mmdebstrap')) return stop('mmdebstrap is missing; run: apt-get install mmdebstrap');
  const suite = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (suite === undefined) return stop('/etc/os-release does not name a Debian release');
  const sources = ['/etc/apt/sources.list', ...globSync('/etc/apt/sources.list.d/*.{list,sources}')];

  const tree = join(root, 'build', 'debian-tree');
  mkdirSync(join(root, 'build'), { recursive: true });
  const remove = () => rmSync(tree, { recursive: true, force: true });
  remove();
  try {
    process.stdout.write(`package: making a ${suite} tree\n`);
    const make = ['--variant=minbase', `--include=${INCLUDED}`, suite, tree, ...sources.filter((f) => existsSync(f))];
    const made = await runCommand('mmdebstrap', make, { timeoutMs: TREE_TIMEOUT_MS });
    if (made.status !== 0) return stop('the Debian tree could not be made; see above');
    copyFileSync(deb, join(tree, 'quicether.deb'));
    copyFileSync(join(root, 'packaging/deb/try-in-tree.sh'), join(tree, 'try.sh'));
    process.stdout.write('package: booting it, installing, running and purging\n');
    const alone = ['--mount', '--net', '--pid', '--ipc', '--uts', '--cgroup', '--fork', '--kill-child'];
    const boot = ['sh', join(root, 'packaging/deb/boot-tree.sh'), tree];
    const { status } = await runCommand('unshare', [...alone, ...boot], { timeoutMs: TRY_TIMEOUT_MS });
    const log = join(tree, 'try.log');
    process.stdout.write(existsSync(log) ? readFileSync(log, 'utf8') : 'package: the tree did not boot\n');
    return existsSync(log) ? status : 1;
  } finally {
    remove();
  }
}
