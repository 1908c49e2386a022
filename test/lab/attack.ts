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
  const words = ['--count', datagrams, '--pps', ratePps, '--seed', seed].map(String);
  const timeoutMs = (datagrams / ratePps) * 4000 + 20_000;
  const said = await from.run([LAB_PROGRAM, 'hostile', `${target.address}:${target.port}`, ...words], { timeoutMs });
  return readCount(said, 'sent');
}

/** Records what arrives at the target's port until `stop`, which says how many datagrams. */
export async function record(target: Target): Promise<{ readonly file: string; stop(): Promise<number> }> {
  const file = `${target.host.directory}/recording`;
  const words = [LAB_PROGRAM, 'capture', 'wan0', file, '--port', String(target.port)];
  const recorder = target.host.start('capture', words);
  return {
    file,
    async stop() {
      recorder.kill('SIGINT');
      await recorder.ended;
      return 0;
    },
  };
}

/** Sends what was recorded again, from an address that is not its sender's. */
export async function replay(from: Host, target: Target, file: string): Promise<void> {
  await from.run([LAB_PROGRAM, 'replay', file, `${target.address}:${target.port}`]);
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

function readCount(said: string, name: string): number {
  const last = said.trim().split('\n').at(-1) ?? '';
  const count = (JSON.parse(last) as Record<string, unknown>)[name];
  if (typeof count !== 'number') throw new Error(`no ${name} in ${last}`);
  return count;
}
