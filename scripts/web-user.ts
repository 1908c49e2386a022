import { spawnSync } from 'node:child_process';
import { chownSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A user and group by their numbers. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * User and group of the web front when it runs from this tree: in nobody's `/etc/passwd`, without
 * files, and not `nobody`, whom other programs of the machine may be as well.
 */
const STRANGER: User = { uid: 64_723, gid: 64_723 };

const root = join(import.meta.dirname, '..');

/**
 * Who the web front shall be: somebody without any rights where the tree can be read by everybody,
 * else whoever called sudo; undefined when it has to stay whoever we are.
 */
export function chooseWebUser(env: NodeJS.ProcessEnv = process.env): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const invoker = { uid: Number(env['SUDO_UID']), gid: Number(env['SUDO_GID']) };
  return [STRANGER, invoker].find((user) => user.uid > 0 && user.gid > 0 && canRun(user));
}

/** Whether this user can read the program where it lies. */
function canRun({ uid, gid }: User): boolean {
  const files = [process.execPath, join(root, 'server/main.ts'), join(root, 'scripts/quicether')];
  const tests = files.map((_, index) => `test -r "$${index + 1}"`).join(' && ');
  return spawnSync('/bin/sh', ['-c', tests, 'sh', ...files], { uid, gid, stdio: 'ignore' }).status === 0;
}

/** Lets the web's user open the daemon's socket; returns the group it needs for that. */
export function lendSocket(path: string, user: User): number {
  const { gid } = statSync(path);
  // A group of the socket's own is for people who administer the box; root's is for nobody.
  if (gid !== 0) return gid;
  chownSync(path, -1, user.gid);
  return user.gid;
}
