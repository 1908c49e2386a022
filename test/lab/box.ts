import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Counters, Snapshot } from '../../server/adapters/engine-messages.ts';
import { RpcClient } from '../../server/rpc/client.ts';
import type { MethodName, ParamsOf, ResultOf } from '../../server/rpc/methods.ts';
import type { Outcome, Running } from './command.ts';
import { until } from './command.ts';
import type { Host } from './host.ts';
import { pidsIn } from './namespace.ts';
import { Web } from './web.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
/** As people start it, with its own Node and what that is told. */
const PROGRAM = [join(REPOSITORY, 'scripts/quicether')];

export const PORT = 9000;

/** A peer as it stands in the configuration file. */
export interface PeerEntry {
  /** Without, whoever answers at the address stays pending. */
  readonly id?: string;
  /** Where to dial it; without, the peer dials. */
  readonly address?: string;
  readonly prefixes?: readonly string[];
}

export interface BoxSettings {
  readonly peers?: readonly PeerEntry[];
  /** Prefixes behind this box. */
  readonly forward?: readonly string[];
  readonly mtu?: number;
  /** What it calls itself to people; its host's name when left out. */
  readonly name?: string;
  /** Addresses on which strangers are answered. */
  readonly listen?: readonly string[];
  /** More words for `quicether start`. */
  readonly flags?: readonly string[];
}

export type Status = ResultOf<'GetStatus'>;
export type PeerStatus = ResultOf<'GetPeers'>['peers'][number];

/** A host that runs the product: a real daemon with state, socket and configuration of its own. */
export class Box {
  readonly host: Host;
  readonly socket: string;
  readonly stateDirectory: string;
  /** Command line of `quicether`. */
  readonly program = PROGRAM;
  /** Its pages; started apart from the daemon. */
  readonly web: Web;
  readonly #configFile: string;
  /** More of the environment, for programs started from now on. */
  moreEnvironment: Readonly<Record<string, string>> = {};
  readonly #sabotage: string | undefined;
  #daemon: Running | undefined;
  #nodeId: string | undefined;

  constructor(host: Host, sabotage: string | undefined) {
    this.host = host;
    this.#sabotage = sabotage;
    this.socket = join(host.directory, 'q.sock');
    this.stateDirectory = join(host.directory, 'state');
    this.#configFile = join(host.directory, 'config.toml');
    this.web = new Web(this);
  }

  /** Where the verbs of this box find its daemon, configuration and state. */
  environment(): Record<string, string> {
    return {
      QUICETHER_SOCKET: this.socket,
      QUICETHER_CONFIG: this.#configFile,
      QUICETHER_STATE_DIR: this.stateDirectory,
      ...(this.#sabotage === undefined ? {} : { QUICETHER_SABOTAGE: this.#sabotage }),
      ...this.moreEnvironment,
    };
  }

  /** Runs `quicether` with these words, as the root of this box, with something to read from standard input. */
  outcomeOf(words: readonly string[], timeoutMs = 20_000, input = ''): Promise<Outcome> {
    return this.host.outcomeOf([...PROGRAM, ...words], { env: this.environment(), timeoutMs, input });
  }

  /** What `quicether WORDS --json` printed; throws when it failed. */
  async ask<T>(...words: readonly string[]): Promise<T> {
    const outcome = await this.outcomeOf([...words, '--json']);
    if (outcome.status !== 0) {
      throw new Error(
        `${this.host.name}: quicether ${words.join(' ')} ended with ${outcome.status}: ${outcome.stderr}`,
      );
    }
    return JSON.parse(outcome.stdout) as T;
  }

  /** Its NodeId; the key is made when there is none. */
  async nodeId(): Promise<string> {
    this.#nodeId ??= await this.#makeKey();
    return this.#nodeId;
  }

  /** A box that has run has its key already and tells it; another makes one. */
  async #makeKey(): Promise<string> {
    if (this.#daemon && !this.#daemon.hasEnded()) return (await this.status()).node_id;
    if (!existsSync(this.#configFile)) this.configure({});
    const { stdout, stderr } = await this.outcomeOf(['keygen', '--json']);
    const found = /qe1[a-z0-9]+/.exec(stdout + stderr);
    if (!found) throw new Error(`${this.host.name}: quicether keygen said no NodeId: ${stdout}${stderr}`);
    return found[0];
  }

  /** Writes the configuration file; takes effect with the next start. */
  configure(settings: BoxSettings): void {
    const list = (words: readonly string[]): string => `[${words.map((word) => JSON.stringify(word)).join(', ')}]`;
    const lines = [
      '[node]',
      `name = ${JSON.stringify(settings.name ?? this.host.name)}`,
      `key_file = ${JSON.stringify(join(this.stateDirectory, 'node.key'))}`,
      '[network]',
      `mtu = ${settings.mtu ?? 1500}`,
      `advertise_subnets = ${list(settings.forward ?? [])}`,
      '[security]',
      `audit_log = ${JSON.stringify(join(this.stateDirectory, 'audit.json'))}`,
      `web_user = ${JSON.stringify(String(this.web.user.uid))}`,
      '[discovery]',
      `dht_port = ${PORT}`,
    ];
    if (settings.listen !== undefined) lines.push(`listen = ${list(settings.listen)}`);
    for (const peer of settings.peers ?? []) {
      lines.push('[[peers]]');
      if (peer.id !== undefined) lines.push(`node_id = ${JSON.stringify(peer.id)}`);
      if (peer.address !== undefined) lines.push(`address = ${JSON.stringify(peer.address)}`);
      if (peer.prefixes !== undefined) lines.push(`prefixes = ${list(peer.prefixes)}`);
    }
    writeFileSync(this.#configFile, `${lines.join('\n')}\n`, { mode: 0o600 });
    this.#flags = settings.flags ?? [];
  }

  #flags: readonly string[] = [];

  /** Starts the daemon, which brings the engine up, and waits until it answers. */
  async start(): Promise<void> {
    if (!existsSync(this.#configFile)) this.configure({});
    this.#daemon = this.host.start('daemon', [...PROGRAM, 'start', ...this.#flags], { env: this.environment() });
    await this.waitUntilUp();
    // Each daemon makes the socket anew.
    this.web.borrowSocket();
  }

  async waitUntilUp(timeoutMs = 15_000): Promise<void> {
    await until(`the daemon of ${this.host.name}`, timeoutMs, async () => {
      if (this.#daemon?.hasEnded()) throw new Error(`it ended: ${this.log().slice(-1500)}`);
      const status = await this.status();
      return status.engine.state === 'running' && status.tun.name !== '' ? true : undefined;
    });
  }

  /** What the daemon answers over its socket; throws when it does not. The CLI says the same, slower. */
  async call<M extends MethodName>(method: M, params: ParamsOf<M>): Promise<ResultOf<M>> {
    const client = await RpcClient.connect(this.socket, 'lab');
    if (!client.ok) throw new Error(client.error.message);
    try {
      const result = await client.value.call(method, params);
      if (!result.ok) throw new Error(`${this.host.name}: ${method}: ${result.error.message}`);
      return result.value;
    } finally {
      client.value.close();
    }
  }

  status(): Promise<Status> {
    return this.call('GetStatus', {});
  }

  async peers(): Promise<PeerStatus[]> {
    return (await this.call('GetPeers', {})).peers;
  }

  /** What the engine says of itself. */
  async snapshot(): Promise<Snapshot> {
    const { files } = await this.call('GetDiagnostics', {});
    return JSON.parse(files['snapshot.json'] ?? '{}') as Snapshot;
  }

  /** Addresses of the box inside the tunnel. */
  async overlay(): Promise<{ ipv4: string; ipv6: string }> {
    const { tun } = await this.status();
    const ipv4 = tun.addresses.find((address) => !address.includes(':'));
    const ipv6 = tun.addresses.find((address) => address.includes(':'));
    if (!ipv4 || !ipv6) throw new Error(`${this.host.name}: ${tun.name} lacks an address: ${tun.addresses}`);
    return { ipv4: withoutLength(ipv4), ipv6: withoutLength(ipv6) };
  }

  /** True when a box with this NodeId is connected but not accepted. */
  async isPending(nodeId: string): Promise<true | undefined> {
    const peers = await this.peers();
    return peers.some((peer) => peer.node_id === nodeId && peer.status === 'pending') ? true : undefined;
  }

  async accept(nodeId: string): Promise<void> {
    await this.ask('peers', 'accept', nodeId);
  }

  async counter(name: keyof Counters): Promise<number> {
    return (await this.snapshot()).counters[name];
  }

  /** Everything the last daemon printed. */
  log(): string {
    return this.#daemon ? readFileSync(this.#daemon.logFile, 'utf8') : '';
  }

  daemonPid(): number {
    if (!this.#daemon || this.#daemon.hasEnded()) throw new Error(`${this.host.name}: no daemon runs`);
    return this.#daemon.pid;
  }

  /** Process id of the engine, found by what runs in the namespace; undefined when none does. */
  async enginePid(): Promise<number | undefined> {
    for (const pid of await pidsIn(this.host.namespace)) {
      if (commandOf(pid).startsWith('quicether-engin')) return pid;
    }
    return undefined;
  }

  /** `kill -9` of the daemon; the engine must not notice. */
  async killDaemon(): Promise<void> {
    const daemon = this.#daemon;
    if (!daemon) throw new Error(`${this.host.name}: no daemon runs`);
    process.kill(daemon.pid, 'SIGKILL');
    await daemon.ended;
  }

  async killEngine(): Promise<void> {
    const pid = await this.enginePid();
    if (pid === undefined) throw new Error(`${this.host.name}: no engine runs`);
    process.kill(pid, 'SIGKILL');
  }

  /** SIGTERM, as a service manager would; exit status of the daemon once it and the engine are gone. */
  async stop(): Promise<number> {
    if (!this.#daemon) throw new Error(`${this.host.name}: no daemon runs`);
    const status = await this.#daemon.stop(10_000);
    await until(`the engine of ${this.host.name} to end`, 10_000, async () =>
      (await this.enginePid()) === undefined ? true : undefined,
    );
    return status;
  }
}

function withoutLength(address: string): string {
  return address.replace(/\/.*/, '');
}

/** Name of a process as the kernel knows it, 15 characters at most; empty when it is gone. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Resident memory of a process. */
export function rssBytesOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmRSS`);
  return Number(kilobytes) * 1024;
}
