import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { start, until } from './command.ts';
import type { Host } from './host.ts';
import { LAB_PROGRAM } from './line.ts';

/** The port of a box, as the internet sees it. */
export interface Target {
  readonly host: Host;
  readonly address: string;
  readonly port: number;
}

export interface AttackOptions {
  readonly datagrams: number;
  readonly ratePps: number;
  readonly seed: number;
}

/**
 * Throws every kind of datagram at a port that a stranger could think of; returns how many.
 *
 * Garbage, first packets without tag or with a wrong one, cut ones, version negotiation, unknown
 * versions, unknown short headers, bad retry tokens.
 */
export async function attack(from: Host, target: Target, options: AttackOptions): Promise<number> {
  const { datagrams, ratePps, seed } = options;
  const words = ['--kind', 'mixed', '--count', datagrams, '--rate', ratePps, '--seed', seed].map(String);
  const timeoutMs = (datagrams / ratePps) * 4000 + 20_000;
  const said = await from.run([LAB_PROGRAM, 'hostile', '--to', place(target), ...words], { timeoutMs });
  return readCounts(said)['sent'] ?? Number.NaN;
}

/** Records the first packets that arrive at the target's port until `stop`, which says how many. */
export async function record(target: Target): Promise<{ readonly file: string; stop(): Promise<number> }> {
  const file = join(target.host.directory, 'recording');
  const words = ['--out', file, '--to-port', String(target.port), '--initials'];
  const recorder = await startTool(target.host, 'capture', ['capture', 'wan0', ...words]);
  return { file, stop: async () => (await recorder.stop())['captured'] ?? 0 };
}

/** Sends what was recorded again, from an address that is not its sender's; returns how many. */
export async function replay(from: Host, target: Target, file: string): Promise<number> {
  const said = await from.run([LAB_PROGRAM, 'replay', file, '--to', place(target), '--times', '20']);
  return readCounts(said)['sent'] ?? Number.NaN;
}

/** Captures what the target's port, or its ICMP, says to an address until `stop`. */
export async function sniff(target: Target, to: string): Promise<{ stop(): Promise<Record<string, number>> }> {
  const words = ['--from-port', String(target.port), '--to', to, '--seconds', '600'];
  return startTool(target.host, 'sniff', ['sniff', 'wan0', ...words]);
}

/** Starts one of the lab's tools, waits until it is ready, and reads what it counted when it is told to stop. */
async function startTool(
  host: Host,
  label: string,
  words: readonly string[],
): Promise<{ stop(): Promise<Record<string, number>> }> {
  const log = host.logFile(label);
  const tool = start(host.inside([LAB_PROGRAM, ...words]), log);
  const said = (): string => readFileSync(log, 'utf8');
  await until(`${label} on ${host.name}`, 5000, async () => {
    if (tool.hasEnded()) throw new Error(`it ended: ${said()}`);
    return said().includes('"ready":true') ? true : undefined;
  });
  return {
    async stop() {
      tool.kill('SIGTERM');
      await tool.ended;
      return readCounts(said());
    },
  };
}

/** From now on counts whatever a host hears from an address: datagrams, ICMP, anything. */
export async function watchAnswers(listener: Host, address: string): Promise<void> {
  await listener.nft(`table ip answers {
    chain prerouting {
      type filter hook prerouting priority raw; policy accept;
      ip saddr ${address} counter
    }
  }`);
}

export async function observeAnswered(listener: Host): Promise<{ packets: number; bytes: number }> {
  const text = await listener.run(['nft', 'list', 'table', 'ip', 'answers']);
  const found = /counter packets (\d+) bytes (\d+)/.exec(text);
  if (!found) throw new Error(`the counter is gone: ${text}`);
  return { packets: Number(found[1]), bytes: Number(found[2]) };
}

function place({ address, port }: Target): string {
  return `${address}:${port}`;
}

function readCounts(said: string): Record<string, number> {
  const last = said.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(last) as Record<string, number>;
  } catch {
    throw new Error(`expected a line of JSON: ${said.slice(-300)}`);
  }
}
