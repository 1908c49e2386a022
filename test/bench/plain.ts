import { existsSync } from 'node:fs';
import type { Running } from '../lab/command.ts';
import { outcomeOf, until } from '../lab/command.ts';
import type { Host } from '../lab/host.ts';
import { LAB_PROGRAM } from '../lab/line.ts';
import { ping } from '../lab/traffic.ts';
import type { Found, Pair, Side, Subject, Tunnel } from './subject.ts';
import { OUTSIDE, SIDES } from './subject.ts';

const OTHER = { left: 'right', right: 'left' } as const;

/** The cable itself. */
export const RAW: Subject = {
  name: 'raw',
  version: '',
  start: async () => ({
    inside: OUTSIDE,
    ifName: { left: 'wire', right: 'wire' },
    carriers: { left: [], right: [] },
  }),
};

/** Program of the lab: the packet path without QUIC. */
export const PROBE: Subject = {
  name: 'probe',
  version: '',
  start: (pair) =>
    startPlain(pair, 'probe', '10.78.0', (side) => [
      LAB_PROGRAM,
      'probe',
      'probe',
      OUTSIDE[OTHER[side]],
      '--port',
      '7001',
    ]),
};

/** The trial's C program, which the probe must not be slower than; its source is not ours to ship. */
export async function findNulltun(directory: string, source: string | undefined): Promise<Found> {
  const missing = 'nulltun';
  if (source === undefined) return { missing, reason: 'QUICETHER_NULLTUN is not set to its source file' };
  if (!existsSync(source)) return { missing, reason: `there is no file ${source}` };
  const program = `${directory}/nulltun`;
  const compiled = await outcomeOf(['gcc', '-O2', '-w', '-o', program, source, '-lcrypto'], { timeoutMs: 60_000 });
  if (compiled.status !== 0) return { missing, reason: `gcc: ${compiled.stderr.trim().slice(-300)}` };
  return {
    subject: {
      name: missing,
      version: '',
      start: (pair) => startPlain(pair, missing, '10.79.0', (side) => [program, missing, OUTSIDE[OTHER[side]], '1']),
    },
  };
}

/** Starts a program on each side that makes a TUN interface, and gives that an address. */
export async function startPlain(
  pair: Pair,
  ifName: string,
  network: string,
  argv: (side: Side) => readonly string[],
): Promise<Tunnel> {
  const inside = { left: `${network}.1`, right: `${network}.2` };
  const pids: Record<Side, number[]> = { left: [], right: [] };
  for (const side of SIDES) {
    const process = pair[side].start(ifName, argv(side));
    await addressed(pair[side], process, ifName, inside[side]);
    pids[side] = [process.pid];
  }
  await answered(pair.left, inside.right);
  return { inside, ifName: { left: ifName, right: ifName }, carriers: pids };
}

/** Waits for an interface of a process and brings it up with an address. */
export async function addressed(host: Host, process: Running, ifName: string, address: string): Promise<void> {
  await until(`interface ${ifName} of ${host.name}`, 5000, async () => {
    if (process.hasEnded()) throw new Error(`its program ended, see ${host.directory}`);
    const { status } = await host.outcomeOf(['ip', 'link', 'show', ifName]);
    return status === 0 ? true : undefined;
  });
  await host.ip(`addr add ${address}/24 dev ${ifName}`, `link set ${ifName} up`);
}

/** Waits until packets pass. */
export async function answered(from: Host, address: string): Promise<void> {
  await until(`an answer from ${address}`, 20_000, async () => {
    const pings = await ping(from, address, { count: 1 });
    return pings.received > 0 ? true : undefined;
  });
}
