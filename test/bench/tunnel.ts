import { existsSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { LAB_PROGRAM } from '../lab/line.ts';
import { runDirectory } from '../lab/namespace.ts';
import { withWorld } from '../lab/world.ts';
import type { Pace, Sample } from './measure.ts';
import { measure } from './measure.ts';
import { findNebula } from './nebula.ts';
import { findNulltun, PROBE, RAW } from './plain.ts';
import { productOf } from './product.ts';
import type { Found, Pair, Side, Subject, Tunnel } from './subject.ts';
import { OUTSIDE } from './subject.ts';
import type { Series } from './summary.ts';
import { findWireguardGo } from './wireguard-go.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** Longest one round of one subject may take; then the bench ends with an error. */
const ROUND_LIMIT_MS = 180_000;

export interface TunnelOptions {
  readonly rounds: number;
  readonly pace: Pace;
  /** Only these, by name; all when empty. */
  readonly only: readonly string[];
  readonly say: (text: string) => void;
}

/** What a run found: figures, and who was not there. */
export interface TunnelRun {
  readonly series: readonly Series[];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
  /** Load average of the machine before the first and after the last round. */
  readonly load: readonly [number, number];
}

/**
 * Measures every subject on one cable, in turns, so that what else the machine does weighs on
 * all of them; each round goes the other way along the cable.
 */
export async function runTunnel(options: TunnelOptions): Promise<TunnelRun> {
  if (!existsSync(LAB_PROGRAM)) throw new Error(`${LAB_PROGRAM} is not built; run: npm run setup`);
  return withWorld({ say: options.say }, async (world) => {
    const pair = { left: await world.host('left'), right: await world.host('right') };
    await world.connect({ host: pair.left, ifName: 'wire' }, { host: pair.right, ifName: 'wire' });
    await pair.left.ip(`addr add ${OUTSIDE.left}/24 dev wire`);
    await pair.right.ip(`addr add ${OUTSIDE.right}/24 dev wire`);
    const before = loadavg()[0] ?? Number.NaN;
    const { running, missing } = await startAll(pair, options);
    const samples = new Map<string, Sample[]>(running.map(({ subject }) => [subject.name, []]));
    for (let round = 0; round < options.rounds; round++) {
      const from: Side = round % 2 === 0 ? 'left' : 'right';
      for (const { subject, tunnel } of running) {
        const sample = await limited(
          measure(pair, tunnel, from, options.pace),
          `round ${round + 1} of ${subject.name}`,
        );
        samples.get(subject.name)?.push(sample);
        options.say(`round ${round + 1} ${subject.name.padEnd(12)} ${describe(sample)}`);
      }
    }
    const series = running.map(({ subject: { name, version } }) => ({
      name,
      version,
      samples: samples.get(name) ?? [],
    }));
    return { series, missing, load: [before, loadavg()[0] ?? Number.NaN] };
  });
}

async function startAll(pair: Pair, { only, say }: TunnelOptions) {
  const running: { subject: Subject; tunnel: Tunnel }[] = [];
  const missing: { name: string; reason: string }[] = [];
  for (const find of finders()) {
    const found = await find(only);
    if (found === undefined) continue;
    if ('missing' in found) {
      missing.push({ name: found.missing, reason: found.reason });
      say(`WITHOUT ${found.missing}: ${found.reason}`);
      continue;
    }
    const { subject } = found;
    try {
      running.push({ subject, tunnel: await subject.start(pair) });
      say(`${subject.name} ${subject.version} runs`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      missing.push({ name: subject.name, reason });
      say(`WITHOUT ${subject.name}, which did not start: ${reason}`);
    }
  }
  return { running, missing };
}

type Finder = (only: readonly string[]) => Promise<Found | undefined>;

function finders(): Finder[] {
  const wanted =
    (name: string, find: () => Promise<Found>): Finder =>
    async (only) =>
      only.length === 0 || only.includes(name) ? find() : undefined;
  const { version } = JSON.parse(readFileSync(`${REPOSITORY}package.json`, 'utf8')) as { version: string };
  return [
    wanted('raw', async () => ({ subject: RAW })),
    wanted('probe', async () => ({ subject: PROBE })),
    wanted('nulltun', () => findNulltun(runDirectory(), process.env['QUICETHER_NULLTUN'])),
    wanted('product', async () => ({ subject: productOf(version) })),
    wanted('wireguard-go', () => findWireguardGo(`${REPOSITORY}.cache`)),
    wanted('nebula', findNebula),
  ];
}

function describe(sample: Sample): string {
  const gbps = (bps: number): string => (bps / 1e9).toFixed(2);
  return (
    `${gbps(sample.oneFlowBps)} / ${gbps(sample.eightFlowsBps)} Gbit/s, ` +
    `${Math.round(sample.smallPacketsPerS / 1000)} k packets/s, ` +
    `RTT ${Math.round(sample.idleRttUs)} / ${Math.round(sample.drowsyRttUs)} / ${Math.round(sample.loadedRttUs)} us`
  );
}

async function limited<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took over ${ROUND_LIMIT_MS / 1000} s`)), ROUND_LIMIT_MS);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
