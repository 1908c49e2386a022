import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outcomeOf, run, sleep } from './command.ts';

/** Names carry the pid of the run, so that leftovers of a killed run are found and never a live one's. */
const PREFIX = 'qe-lab';

export function namespaceName(host: string): string {
  return `${PREFIX}${process.pid}-${host}`;
}

/** Directory of this run: keys, sockets, logs, files to copy. */
export function runDirectory(): string {
  return join(tmpdir(), `${PREFIX}${process.pid}`);
}

export async function createNamespace(name: string): Promise<void> {
  await run(['ip', 'netns', 'add', name]);
  await run(['ip', '-n', name, 'link', 'set', 'lo', 'up']);
  const settings = [
    // Hosts answer at once: no duplicate address detection, no router solicitation.
    'net.ipv6.conf.all.accept_dad=0',
    'net.ipv6.conf.default.accept_dad=0',
    'net.ipv6.conf.default.router_solicitations=0',
    'net.ipv4.icmp_ratelimit=0',
    'net.ipv6.icmp.ratelimit=0',
  ];
  await run(['ip', 'netns', 'exec', name, 'sysctl', '-q', '-w', ...settings]);
  // The machine's default may be BBR; results should not depend on it. Not every kernel lets a
  // namespace choose; iperf3 is told by itself.
  await outcomeOf(['ip', 'netns', 'exec', name, 'sysctl', '-q', '-w', 'net.ipv4.tcp_congestion_control=cubic']);
}

/** Ends everything that runs in a namespace and removes it; harmless when it is gone. */
export async function removeNamespace(name: string): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const pids = await pidsIn(name);
    if (pids.length === 0) break;
    for (const pid of pids) signal(pid, attempt < 3 ? 'SIGTERM' : 'SIGKILL');
    await sleep(attempt < 3 ? 100 : 50);
  }
  await outcomeOf(['ip', 'netns', 'del', name]);
}

export async function pidsIn(name: string): Promise<number[]> {
  const { stdout } = await outcomeOf(['ip', 'netns', 'pids', name]);
  return stdout.split('\n').filter(Boolean).map(Number);
}

export async function namespaces(): Promise<string[]> {
  const { stdout } = await outcomeOf(['ip', 'netns', 'list']);
  return stdout
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter(Boolean);
}

/** What of this run is still there: namespaces by name. */
export async function leftBehind(): Promise<string[]> {
  return (await namespaces()).filter((name) => name.startsWith(`${PREFIX}${process.pid}-`));
}

/** Removes what runs that are dead left behind; returns the names of the namespaces. */
export async function removeLeftovers(): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await namespaces()) {
    const pid = ownerOf(name);
    if (pid === undefined || isAlive(pid)) continue;
    await removeNamespace(name);
    removed.push(name);
  }
  for (const entry of readdirSync(tmpdir())) {
    const pid = ownerOf(`${entry}-`);
    if (pid !== undefined && !isAlive(pid)) rmSync(join(tmpdir(), entry), { recursive: true, force: true });
  }
  return removed;
}

function ownerOf(name: string): number | undefined {
  const match = /^qe-lab(\d+)-/.exec(name);
  return match ? Number(match[1]) : undefined;
}

/** Whether a run with this pid is alive; a pid that something else has now does not count. */
function isAlive(pid: number): boolean {
  const file = `/proc/${pid}/cmdline`;
  if (pid === process.pid) return true;
  try {
    return existsSync(file) && /node|vitest/.test(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already.
  }
}
