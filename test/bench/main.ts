/*
 * `npm run bench -- tunnel [--json] [--seconds N] [--rounds N] [--only NAME,...]`
 * `npm run bench -- idle-peers [--json] [--peers N]`
 * `npm run bench -- web [--json]`
 *
 * Progress goes to stderr, the table to stdout (without --json); the last line of stdout is the
 * result as one JSON object. Exit status 0 when every promise is held, 1 when not.
 */
import { availableParallelism, cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { BOUNDS } from '../bounds.ts';
import { measureIdlePeers } from './idle-peers.ts';
import { headlineOf, summarize } from './summary.ts';
import { tableOf } from './table.ts';
import { runTunnel } from './tunnel.ts';
import { judge } from './verdict.ts';
import { judgeWeb, measureWeb } from './web.ts';

const USAGE = `usage: npm run bench -- tunnel [--json] [--seconds N] [--rounds N] [--only NAME,...]
       npm run bench -- idle-peers [--json] [--peers N]
       npm run bench -- web [--json]
  --seconds  how long each throughput is measured, 1 to 60 (default 5), after 1 s of warm-up, 2 from 10 on
  --rounds   how often every subject has its turn, 1 to 50 (default 5); every other one goes the other way
  --only     raw, probe, nulltun, product, wireguard-go, nebula
  --json     no table
  --peers    how many idle peers a box gets, 2 to 10000 (default 1000)
QUICETHER_NULLTUN=FILE adds the trial's program, compiled from that source, beside the probe.
`;

function stop(text: string): never {
  process.stderr.write(text);
  process.exit(2);
}

function parseNumber(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  return stop(`bench: --${name} ${text} is not from ${low} to ${high}\n${USAGE}`);
}

function parseWords(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        seconds: { type: 'string', default: '5' },
        rounds: { type: 'string', default: '5' },
        only: { type: 'string', default: '' },
        peers: { type: 'string', default: '1000' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return stop(`bench: ${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

async function benchTunnel(): Promise<boolean> {
  const seconds = parseNumber('seconds', values.seconds, 1, 60);
  const rounds = parseNumber('rounds', values.rounds, 1, 50);
  const { series, missing, load } = await runTunnel({
    rounds,
    pace: { flowMs: seconds * 1000, warmUpMs: seconds >= 10 ? 2000 : 1000, floodMs: 2000, pings: 100 },
    only: values.only.split(',').filter(Boolean),
    say,
  });
  const subjects = series.map(summarize);
  const headline = headlineOf(series);
  const broken = judge(headline, BOUNDS.tunnel);
  if (!values.json) {
    process.stdout.write(`median (lowest-highest) of ${rounds} rounds of ${seconds} s; TCP CUBIC, MTU 1500\n`);
    process.stdout.write(`${tableOf(subjects).join('\n')}\n`);
    for (const { name, reason } of missing) process.stdout.write(`not measured: ${name}: ${reason}\n`);
  }
  const peers = subjects.filter(({ name }) => name !== 'product').map(({ name, version }) => ({ name, version }));
  const how = { rounds, seconds, congestion_control: 'cubic', mtu: 1500 };
  finish({ bench: 'tunnel', ...headline, peers, missing, ...how, load, subjects }, broken);
  return broken.length === 0;
}

async function benchIdlePeers(): Promise<boolean> {
  const found = await measureIdlePeers(parseNumber('peers', values.peers, 2, 10_000), say);
  const { mostIdlePeerBytes, mostDaemonRssBytes } = BOUNDS.tunnel;
  const broken = [
    ...(found.bytes_per_peer > mostIdlePeerBytes
      ? [`bytes_per_peer is ${found.bytes_per_peer}, at most ${mostIdlePeerBytes} is promised`]
      : []),
    ...(found.daemon_rss_bytes > mostDaemonRssBytes
      ? [`daemon_rss_bytes is ${found.daemon_rss_bytes}, at most ${mostDaemonRssBytes} is promised`]
      : []),
  ];
  finish({ bench: 'idle-peers', ...found }, broken);
  return broken.length === 0;
}

async function benchWeb(): Promise<boolean> {
  const found = await measureWeb(say);
  const broken = judgeWeb(found, BOUNDS.web);
  if (!values.json) {
    for (const [name, value] of Object.entries(found)) process.stdout.write(`${name.padEnd(12)} ${value}\n`);
  }
  finish({ bench: 'web', ...found }, broken);
  return broken.length === 0;
}

/** Prints what was promised and not held, and then the result. */
function finish(result: object, broken: readonly string[]): void {
  if (!values.json) for (const text of broken) process.stdout.write(`NOT HELD: ${text}\n`);
  const machine = { kernel: release(), cpu: cpus()[0]?.model ?? '', cpus: availableParallelism() };
  process.stdout.write(`${JSON.stringify({ ...result, ok: broken.length === 0, broken, ...machine })}\n`);
}

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

const { values, positionals } = parseWords(process.argv.slice(2));
const benches: Readonly<Record<string, () => Promise<boolean>>> = {
  tunnel: benchTunnel,
  'idle-peers': benchIdlePeers,
  web: benchWeb,
};
const bench = benches[positionals[0] ?? ''];
if (values.help || positionals.length !== 1 || bench === undefined) stop(USAGE);
try {
  process.exitCode = (await bench()) ? 0 : 1;
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
