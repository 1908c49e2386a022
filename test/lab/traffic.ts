import { readFileSync } from 'node:fs';
import { sleep, until } from './command.ts';
import type { Host } from './host.ts';

/** What a series of pings found. */
export interface Pings {
  readonly sent: number;
  readonly received: number;
  /** Number of the last ping answered, counted from 1. */
  readonly lastAnswered: number;
  readonly medianRttMs: number;
  /** Longest time between two answers. */
  readonly longestGapMs: number;
  /** When each answer came, in milliseconds since 1970. */
  readonly answeredAtMs: readonly number[];
  /** Hop limits that answers arrived with. */
  readonly ttls: readonly number[];
}

export interface PingOptions {
  readonly count?: number;
  readonly intervalMs?: number;
  readonly sizeBytes?: number;
  /** Forbids fragments on the way. */
  readonly isUnfragmented?: boolean;
  readonly source?: string;
}

function pingWords(address: string, options: PingOptions): string[] {
  const words = ['ping', '-n', '-D', '-W', '2', '-i', String((options.intervalMs ?? 100) / 1000)];
  if (options.count !== undefined) words.push('-c', String(options.count));
  if (options.sizeBytes !== undefined) words.push('-s', String(options.sizeBytes));
  if (options.isUnfragmented) words.push('-M', 'do');
  if (options.source !== undefined) words.push('-I', options.source);
  return [...words, address];
}

/** Pings and waits for the end; nothing that goes wrong throws. */
export async function ping(from: Host, address: string, options: PingOptions = {}): Promise<Pings> {
  const words = pingWords(address, { count: 5, ...options });
  const { stdout } = await from.outcomeOf(words);
  return parsePings(stdout);
}

/** Pings in the background until `stop`, which says what happened meanwhile. */
export function startPing(from: Host, address: string, options: PingOptions = {}): { stop(): Promise<Pings> } {
  const file = from.logFile('ping');
  const startedAtMs = Date.now();
  const command = `exec ${pingWords(address, options).join(' ')} > ${file}`;
  const process = from.start('pinger', ['sh', '-c', command]);
  return {
    async stop() {
      const stoppedAtMs = Date.now();
      process.kill('SIGINT');
      await process.ended;
      const pings = parsePings(readFileSync(file, 'utf8'));
      // A silence that lasts until the end is one too.
      const sinceLastMs = Math.round(stoppedAtMs - (pings.answeredAtMs.at(-1) ?? startedAtMs));
      // The one sent last may have had no time to come back; a silence before it is a loss.
      const isLastOnItsWay = pings.sent - pings.lastAnswered === 1;
      const sent = isLastOnItsWay ? pings.sent - 1 : pings.sent;
      return { ...pings, sent, longestGapMs: Math.max(pings.longestGapMs, sinceLastMs) };
    },
  };
}

/** Reads what iputils' ping prints with `-D`. */
export function parsePings(text: string): Pings {
  const answers = [
    ...text.matchAll(/^\[(\d+\.\d+)\].*?icmp_seq=(\d+) (?:ttl|hop limit)=(\d+) time=([\d.]+) ms(?! \(DUP)/gm),
  ];
  const rtts = answers.map((answer) => Number(answer[4])).sort((a, b) => a - b);
  const times = answers.map((answer) => Number(answer[1]) * 1000);
  let longestGapMs = 0;
  for (let i = 1; i < times.length; i++) longestGapMs = Math.max(longestGapMs, (times[i] ?? 0) - (times[i - 1] ?? 0));
  const summary = /(\d+) packets transmitted, (\d+) received/.exec(text);
  return {
    sent: Number(summary?.[1] ?? 0),
    received: Number(summary?.[2] ?? 0),
    lastAnswered: Math.max(0, ...answers.map((answer) => Number(answer[2]))),
    medianRttMs: rtts[Math.floor(rtts.length / 2)] ?? Number.POSITIVE_INFINITY,
    longestGapMs: Math.round(longestGapMs),
    answeredAtMs: times,
    ttls: [...new Set(answers.map((answer) => Number(answer[3])))],
  };
}

export interface IperfOptions {
  readonly durationMs?: number;
  readonly flows?: number;
  readonly udpRateBps?: number;
  readonly port?: number;
  /** Of TCP inside the tunnel; CUBIC unless said otherwise, whatever the machine's default. */
  readonly congestion?: 'cubic' | 'bbr';
  /** Pause before measuring, for slow start. */
  readonly warmUpMs?: number;
}

export interface Throughput {
  readonly bps: number;
  /** Of UDP datagrams; 0 for TCP. */
  readonly lossRatio: number;
}

/** Throughput from `from` to `address`, which `to` must have. */
export async function iperf(from: Host, to: Host, address: string, options: IperfOptions = {}): Promise<Throughput> {
  const port = options.port ?? 5201;
  const server = to.start('iperf3', ['iperf3', '-s', '-1', '-B', address, '-p', String(port)]);
  await until(`iperf3 on ${to.name}`, 5000, () => isListening(to, port));
  const durationMs = options.durationMs ?? 3000;
  const words = ['iperf3', '-c', address, '-p', String(port), '-J', '-t', String(durationMs / 1000)];
  words.push('-P', String(options.flows ?? 1), '-O', String((options.warmUpMs ?? 0) / 1000));
  words.push(...protocolWords(options));
  try {
    const { stdout, stderr } = await from.outcomeOf(words, {
      timeoutMs: durationMs + (options.warmUpMs ?? 0) + 15_000,
    });
    return parseIperf(stdout, stderr);
  } finally {
    await server.stop(200);
  }
}

function protocolWords(options: IperfOptions): string[] {
  // 1400 bytes fit every tunnel and line of the lab.
  if (options.udpRateBps !== undefined) return ['-u', '-b', String(options.udpRateBps), '-l', '1400'];
  return ['-C', options.congestion ?? 'cubic'];
}

interface IperfReport {
  readonly error?: string;
  readonly end?: {
    readonly sum_received?: { readonly bits_per_second: number };
    readonly sum?: { readonly bits_per_second: number; readonly lost_percent?: number };
  };
}

function parseIperf(stdout: string, stderr: string): Throughput {
  let report: IperfReport;
  try {
    report = JSON.parse(stdout) as IperfReport;
  } catch {
    throw new Error(`iperf3 said ${stdout.slice(-300)}${stderr.slice(-300)}`);
  }
  const sum = report.end?.sum_received ?? report.end?.sum;
  if (report.error !== undefined || !sum) throw new Error(`iperf3: ${report.error ?? 'no sum in its report'}`);
  return { bps: sum.bits_per_second, lossRatio: (report.end?.sum?.lost_percent ?? 0) / 100 };
}

/** Loads a path with TCP until `stop`. */
export async function startLoad(
  from: Host,
  to: Host,
  address: string,
  options: IperfOptions = {},
): Promise<{ stop(): Promise<void> }> {
  const port = options.port ?? 5301;
  const server = to.start('iperf3', ['iperf3', '-s', '-1', '-B', address, '-p', String(port)]);
  await until(`iperf3 on ${to.name}`, 5000, () => isListening(to, port));
  const words = ['iperf3', '-c', address, '-p', String(port), '-t', '600', '-P', String(options.flows ?? 1)];
  words.push(...protocolWords(options));
  const client = from.start('iperf3-load', words);
  await sleep(200);
  if (client.hasEnded()) throw new Error(`iperf3 on ${from.name} ended at once`);
  return {
    async stop() {
      await Promise.all([client.stop(500), server.stop(500)]);
    },
  };
}

/** True once something on the host listens on a TCP port. */
export async function isListening(host: Host, port: number): Promise<true | undefined> {
  const text = await host.run(['cat', '/proc/net/tcp', '/proc/net/tcp6']);
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const found = text.split('\n').some((line) => {
    const words = line.trim().split(/\s+/);
    return words[1]?.endsWith(wanted) && words[3] === '0A';
  });
  return found ? true : undefined;
}
