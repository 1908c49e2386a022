import { mkdirSync, rmSync } from 'node:fs';
import { run } from './command.ts';
import { Host } from './host.ts';
import type { LineChoice } from './line.ts';
import { Line, qualityOf } from './line.ts';
import { leftBehind, removeLeftovers, removeNamespace, runDirectory } from './namespace.ts';

/** One end of a cable: a host and the name its interface gets there. */
export interface End {
  readonly host: Host;
  readonly ifName: string;
}

export interface WorldOptions {
  /** Mechanism of the engine that is broken on purpose; every box of this world gets it. */
  readonly sabotage?: string | undefined;
  /** Leaves everything in place at the end, to be looked at. */
  readonly keep?: boolean;
  /** Told in short sentences what goes on. */
  readonly say?: (text: string) => void;
  /** Called when the process is told to end, before everything is removed. */
  readonly onSignal?: () => void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Hosts and the lines between them, in network namespaces of this machine.
 *
 * Whatever it makes goes with {@link World.remove}, and when the process is told to end; after
 * `kill -9` the next world removes it.
 */
export class World {
  readonly options: WorldOptions;
  readonly #hosts = new Map<string, Host>();
  #lines = 0;
  #removing: Promise<void> | undefined;
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.options.onSignal?.();
    void this.remove().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  };

  private constructor(options: WorldOptions) {
    this.options = options;
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    if (process.getuid?.() !== 0) {
      throw new Error('the lab makes network namespaces, for which it must be root: run it with sudo');
    }
    const world = new World(options);
    const removed = await removeLeftovers();
    if (removed.length > 0) world.say(`removed what a killed run left behind: ${removed.join(', ')}`);
    // Passed through by the web front, which is somebody else; read by nobody.
    mkdirSync(runDirectory(), { recursive: true, mode: 0o711 });
    for (const signal of SIGNALS) process.on(signal, world.#onSignal);
    return world;
  }

  say(text: string): void {
    this.options.say?.(text);
  }

  async host(name: string): Promise<Host> {
    if (this.#removing !== undefined) throw new Error('the lab is being removed');
    const host = await Host.create(name);
    this.#hosts.set(name, host);
    return host;
  }

  /**
   * Puts a cable between two hosts, with an emulated line in the middle unless `choice` is `lan`.
   *
   * An emulated line sees whole frames, so segmentation offload is off at both of its ends.
   */
  async connect(a: End, b: End, choice: LineChoice = 'lan'): Promise<Line | undefined> {
    if (choice === 'lan') {
      await this.#cable(a, b);
      return undefined;
    }
    const middle = await this.host(`line${++this.#lines}`);
    await middle.sysctl('net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1');
    await this.#cable(a, { host: middle, ifName: 'a' });
    await this.#cable({ host: middle, ifName: 'b' }, b);
    for (const end of [a, b]) {
      await end.host.run(['ethtool', '-K', end.ifName, 'tso', 'off', 'gso', 'off', 'gro', 'off', 'tx', 'off']);
    }
    return Line.start(middle, qualityOf(choice));
  }

  async #cable(a: End, b: End): Promise<void> {
    await run(
      `ip link add name ${a.ifName} netns ${a.host.namespace} type veth peer name ${b.ifName} netns ${b.host.namespace}`.split(
        ' ',
      ),
    );
    for (const end of [a, b]) await end.host.ip(`link set dev ${end.ifName} up`);
  }

  /** Takes down everything; what is left then is an error. Safe to call twice. */
  remove(): Promise<void> {
    this.#removing ??= this.#takeDown();
    return this.#removing;
  }

  async #takeDown(): Promise<void> {
    if (this.options.keep) {
      this.say(`kept: ip netns list, ${runDirectory()}; the next run removes it`);
    } else {
      await Promise.all([...this.#hosts.values()].map((host) => host.remove()));
      // A host that was being made when the end came is in no list yet.
      for (const name of await leftBehind()) await removeNamespace(name);
      rmSync(runDirectory(), { recursive: true, force: true });
    }
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    const left = this.options.keep ? [] : await leftBehind();
    if (left.length > 0) throw new Error(`could not be removed: ${left.join(', ')}`);
  }
}

/** Runs `work` in a new world and removes it however that ends. */
export async function withWorld<T>(options: WorldOptions, work: (world: World) => Promise<T>): Promise<T> {
  const world = await World.create(options);
  try {
    return await work(world);
  } finally {
    await world.remove();
  }
}
