import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome, Running, RunOptions } from './command.ts';
import { outcomeOf, run, start } from './command.ts';
import { createNamespace, namespaceName, removeNamespace, runDirectory } from './namespace.ts';

/** A machine of the lab: a network namespace and a directory of its own. */
export class Host {
  readonly name: string;
  readonly namespace: string;
  /** For its keys, files and logs. */
  readonly directory: string;
  readonly #running: Running[] = [];
  #logs = 0;

  private constructor(name: string) {
    this.name = name;
    this.namespace = namespaceName(name);
    this.directory = join(runDirectory(), name);
  }

  static async create(name: string): Promise<Host> {
    // Interface names derive from host names and the kernel takes 15 characters.
    if (!/^[a-z][a-z0-9-]{0,11}$/.test(name)) throw new Error(`host name ${name}: up to 12 of a-z, 0-9 and -`);
    const host = new Host(name);
    mkdirSync(host.directory, { recursive: true, mode: 0o711 });
    await createNamespace(host.namespace);
    return host;
  }

  /** Command line that runs `argv` in this host. */
  inside(argv: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.namespace, ...argv];
  }

  /** Standard output; throws when the command fails. */
  run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    return run(this.inside(argv), { cwd: this.directory, ...options });
  }

  /** What the command left behind, also when it failed. */
  outcomeOf(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return outcomeOf(this.inside(argv), { cwd: this.directory, ...options });
  }

  /** Starts a process; it ends with the host at the latest. Its output is in `directory`. */
  start(label: string, argv: readonly string[], options: RunOptions = {}): Running {
    const process = start(this.inside(argv), this.logFile(label), { cwd: this.directory, ...options });
    this.#running.push(process);
    return process;
  }

  /** A new file in `directory` for output. */
  logFile(label: string): string {
    return join(this.directory, `${label}-${++this.#logs}.log`);
  }

  /** Runs `ip` commands, one a line, all or an error. */
  async ip(...lines: readonly string[]): Promise<void> {
    await run(['ip', '-n', this.namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }

  async sysctl(...settings: readonly string[]): Promise<void> {
    await this.run(['sysctl', '-q', '-w', ...settings]);
  }

  /** Loads an nftables ruleset on top of what is there. */
  async nft(ruleset: string): Promise<void> {
    await this.run(['nft', '-f', '-'], { input: ruleset });
  }

  /** Makes this host forward between its interfaces, IPv4 and IPv6. */
  forward(): Promise<void> {
    return this.sysctl('net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  }

  async remove(): Promise<void> {
    await Promise.all(this.#running.map((process) => process.stop(500)));
    await removeNamespace(this.namespace);
  }
}

/** Interface addresses of a host, without link-local ones, as `ifname address/len`. */
export async function observeAddresses(host: Host): Promise<string[]> {
  const text = await host.run(['ip', '-o', 'addr', 'show', 'scope', 'global']);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.trim().split(/\s+/))
    .map((words) => `${words[1]} ${words[3]}`);
}

/** Everything a product could leave in a host's kernel: interfaces, addresses, routes, rules, nftables. */
export async function observeKernel(host: Host): Promise<string> {
  const questions = [
    ['ip', '-o', 'link', 'show'],
    ['ip', '-o', 'addr', 'show', 'scope', 'global'],
    ['ip', '-4', 'route', 'show', 'table', 'all'],
    ['ip', '-6', 'route', 'show', 'table', 'all'],
    ['ip', '-4', 'rule', 'show'],
    ['ip', '-6', 'rule', 'show'],
    ['nft', 'list', 'ruleset'],
  ];
  const answers: string[] = [];
  for (const argv of questions) answers.push(stable(await host.run(argv)));
  return answers.join('\n--\n');
}

/** Without what changes by itself: counters, timers, cache routes. */
function stable(text: string): string {
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(/expires \S+/g, '')
        .replace(/packets \d+ bytes \d+/g, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '' && !/^(multicast|anycast) /.test(line))
    .sort()
    .join('\n');
}
