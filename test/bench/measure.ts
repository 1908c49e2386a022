import { readFileSync } from 'node:fs';
import { rssBytesOf } from '../lab/box.ts';
import { sleep, until } from '../lab/command.ts';
import type { Host } from '../lab/host.ts';
import { LAB_PROGRAM } from '../lab/line.ts';
import { iperf, ping, startPing } from '../lab/traffic.ts';
import type { Pair, Side, Tunnel } from './subject.ts';
import { SIDES } from './subject.ts';

/** What one round found of one subject. */
export interface Sample {
  /** Nothing else going on, processors awake: a ping every 2 ms. */
  readonly idleRttUs: number;
  /** The same with a ping every 10 ms: processors fall asleep in between, and waking them counts, too. */
  readonly drowsyRttUs: number;
  /** Beside eight flows. */
  readonly loadedRttUs: number;
  readonly oneFlowBps: number;
  readonly eightFlowsBps: number;
  /** 160-byte UDP packets that arrived, of as many as a sender can make. */
  readonly smallPacketsPerS: number;
  /** Of the processes that carry packets, both ends together, under one flow; not of the kernel for others. */
  readonly cpuSecondsPerGb: number;
  /** Of one box, the larger of the two: what carries packets, and everything. */
  readonly carrierRssBytes: number;
  readonly rssBytes: number;
}

/** How long the parts of a round take. */
export interface Pace {
  readonly flowMs: number;
  readonly warmUpMs: number;
  readonly floodMs: number;
  readonly pings: number;
}

/** 160 bytes on the wire inside: 132 of payload, 8 of UDP, 20 of IP. */
const SMALL_PAYLOAD = 132;
const FLOOD_PORT = 5500;

/** Measures a subject once, from `from` to the other side. */
export async function measure(pair: Pair, tunnel: Tunnel, from: Side, pace: Pace): Promise<Sample> {
  const to = from === 'left' ? 'right' : 'left';
  const [sender, receiver] = [pair[from], pair[to]];
  const address = tunnel.inside[to];
  const flow = { durationMs: pace.flowMs, warmUpMs: pace.warmUpMs, congestion: 'cubic' } as const;

  const idle = await ping(sender, address, { count: 4 * pace.pings, intervalMs: 2 });
  const drowsy = await ping(sender, address, { count: pace.pings, intervalMs: 10 });
  const before = await observeCost(receiver, tunnel, to);
  const one = await iperf(sender, receiver, address, flow);
  const after = await observeCost(receiver, tunnel, to);
  const pinger = startPing(sender, address, { intervalMs: 20 });
  const eight = await iperf(sender, receiver, address, { ...flow, flows: 8 });
  const loaded = await pinger.stop();
  const smallPacketsPerS = await flood(sender, receiver, address, pace.floodMs);
  const gigabytes = (after.bytes - before.bytes) / 1e9;
  return {
    idleRttUs: idle.medianRttMs * 1000,
    drowsyRttUs: drowsy.medianRttMs * 1000,
    loadedRttUs: loaded.medianRttMs * 1000,
    oneFlowBps: one.bps,
    eightFlowsBps: eight.bps,
    smallPacketsPerS,
    cpuSecondsPerGb: gigabytes > 0 ? (after.cpuSeconds - before.cpuSeconds) / gigabytes : Number.NaN,
    carrierRssBytes: Math.max(...SIDES.map((side) => sumRss(tunnel.carriers[side]))),
    rssBytes: Math.max(...SIDES.map((side) => sumRss([...tunnel.carriers[side], ...(tunnel.helpers?.[side] ?? [])]))),
  };
}

async function observeCost(receiver: Host, tunnel: Tunnel, to: Side): Promise<{ bytes: number; cpuSeconds: number }> {
  const text = await receiver.run(['cat', `/sys/class/net/${tunnel.ifName[to]}/statistics/rx_bytes`]);
  const pids = SIDES.flatMap((side) => tunnel.carriers[side]);
  return { bytes: Number(text), cpuSeconds: pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0) };
}

/** User and system time of a process, all its threads. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const words = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // utime and stime are fields 14 and 15, in ticks, of which Linux shows 100 a second.
  return (Number(words[11]) + Number(words[12])) / 100;
}

function sumRss(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + rssBytesOf(pid), 0);
}

async function flood(sender: Host, receiver: Host, address: string, durationMs: number): Promise<number> {
  const file = receiver.logFile('flood-count');
  const listen = `exec ${LAB_PROGRAM} flood --listen ${address}:${FLOOD_PORT} --seconds ${durationMs / 1000 + 5} > ${file}`;
  const counter = receiver.start('flood', ['sh', '-c', listen]);
  await until('the counter of small packets', 3000, async () =>
    readFileSync(file, { encoding: 'utf8', flag: 'a+' }).includes('ready') ? true : undefined,
  );
  const seconds = String(durationMs / 1000);
  const words = ['--to', `${address}:${FLOOD_PORT}`, '--size', String(SMALL_PAYLOAD), '--seconds', seconds];
  await sender.run([LAB_PROGRAM, 'flood', ...words], { timeoutMs: durationMs + 10_000 });
  // It ends by itself once nothing more comes.
  await Promise.race([counter.ended, sleep(6000)]);
  await counter.stop(500);
  const report = readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '{}';
  const { packets } = JSON.parse(report) as { packets?: number };
  return (packets ?? 0) / (durationMs / 1000);
}
