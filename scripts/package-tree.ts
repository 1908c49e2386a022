import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

/** What the package's maintainer scripts and programs link to, beyond the essential packages. */
const INCLUDED = 'libstdc++6,libatomic1,passwd,adduser,init-system-helpers,iproute2';
const TREE_TIMEOUT_MS = 600_000;

/**
 * Makes a minimal Debian tree with the package sources of this machine, and installs, runs and
 * purges the package in it. Returns the exit status.
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
    const script = join(root, 'packaging/deb/try-in-tree.sh');
    const alone = ['--mount', '--net', '--pid', '--fork', '--kill-child', 'sh', script, tree, deb];
    return (await runCommand('unshare', alone, { timeoutMs: TREE_TIMEOUT_MS })).status;
  } finally {
    remove();
  }
}
