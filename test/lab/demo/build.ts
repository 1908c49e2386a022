import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PORT } from '../box.ts';
import { makeFile, SshServer } from '../files.ts';
import { runDirectory } from '../namespace.ts';
import type { Lan, Office } from '../office.ts';
import { Internet } from '../office.ts';
import { relayFromLoopback } from '../relay.ts';
import { startMesh, untilReachable } from '../tunnel.ts';
import { withLan } from '../two-boxes/build.ts';
import { WEB_PORT } from '../web.ts';
import type { World } from '../world.ts';

export type DemoOffice = Office & {
  readonly lan: Lan;
  readonly title: string;
  readonly lineName: string;
  readonly pages: Pages;
};

/** How the pages of an office are reached and claimed from this machine. */
export interface Pages {
  readonly url: string;
  readonly words: string;
  readonly claimCode: string;
}

/** Three offices that reach each other, with something on each computer to talk to. */
export interface Demo {
  readonly offices: readonly DemoOffice[];
  /** A box that nobody has joined yet. */
  readonly unpacked: { readonly title: string; readonly address: string; readonly pages: Pages };
  /** Commands to type, each with what it shows. */
  readonly tries: readonly { readonly shows: string; readonly command: string }[];
}

const PLACES = [
  { name: 'leeds', title: 'Leeds', line: 'office-fibre' },
  { name: 'york', title: 'York', line: 'cable' },
  { name: 'bradford', title: 'Bradford', line: 'weak-4g' },
] as const;

/** Runs, belongs to nobody, and knows nobody. */
const UNPACKED = { name: 'whitby', title: 'Whitby', line: 'cable' } as const;

const FILE_BYTES = 20 * 1024 ** 2;

/** Builds and starts the demo; returns once every computer reaches every other. */
export async function buildDemo(world: World): Promise<Demo> {
  const internet = await Internet.create(world);
  const offices: Omit<DemoOffice, 'pages'>[] = [];
  for (const { name, title, line } of PLACES) {
    world.say(`building ${title}: a box, a computer, and ${line} to the internet`);
    const office = withLan(await internet.office(name, { line, hasLan: true }));
    offices.push({ ...office, title, lineName: line });
  }
  const fourth = await internet.office(UNPACKED.name, { line: UNPACKED.line });
  fourth.box.configure({ name: UNPACKED.title });
  world.say('starting the three boxes, and a fourth that is not joined yet');
  await Promise.all([startMesh(offices), fourth.box.start()]);
  await Promise.all(pairsOf(offices).map(([from, to]) => untilReachable(from.lan.computer, to.lan.ipv4, 30_000)));
  world.say('every office reaches every other');
  const withPages = await Promise.all(
    offices.map(async (office, index) => ({ ...office, pages: await servePages(office, index) })),
  );
  const unpacked = {
    title: UNPACKED.title,
    address: `${fourth.ipv4}:${PORT}`,
    pages: await servePages(fourth, offices.length),
  };
  return { offices: withPages, unpacked, tries: await prepareTries(withPages) };
}

/**
 * Starts the pages of an office and opens a way to them.
 *
 * Each has a loopback address of its own: a browser keeps cookies by address and not by port, so
 * that signing in to one office would sign out of another.
 */
async function servePages({ box }: Office, index: number): Promise<Pages> {
  const loopback = await freeLoopback(index);
  await box.web.start('--host', loopback);
  await relayFromLoopback(box.host, loopback, WEB_PORT);
  const [words, claimCode] = [await box.web.words(), await box.web.claimCode()];
  return { url: `https://${loopback}:${WEB_PORT}`, words, claimCode };
}

/** The first of `127.0.0.11`, `127.0.0.21` and so on (for the first office) on which nothing listens: another demo may run. */
async function freeLoopback(index: number): Promise<string> {
  for (let block = 1; block <= 20; block++) {
    const loopback = `127.0.0.${10 * block + 1 + index}`;
    if (await isFree(loopback, WEB_PORT)) return loopback;
  }
  throw new Error(`port ${WEB_PORT} is taken on all loopback addresses that the demo may use: end other demos`);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host, port }, () => probe.close(() => resolve(true)));
  });
}

/** Every ordered pair of offices. */
export function pairsOf<T>(offices: readonly T[]): (readonly [T, T])[] {
  return offices.flatMap((from) => offices.filter((to) => to !== from).map((to) => [from, to] as const));
}

async function prepareTries(offices: readonly DemoOffice[]): Promise<Demo['tries']> {
  const [leeds, york, bradford] = offices;
  if (!leeds || !york || !bradford) throw new Error('the demo has three offices');
  const ssh = await SshServer.start(york.lan.computer);
  const file = join(runDirectory(), 'leeds-file');
  await makeFile(file, FILE_BYTES);
  for (const { lan } of offices) lan.computer.start('iperf3', ['iperf3', '-s']);
  const shell = (office: DemoOffice): string => writeShell(office);
  const [atLeeds, atBradford] = [shell(leeds), shell(bradford)];
  const remoteShell = writeScript('ssh', `exec ${ssh.clientCommand()} "$@"`);
  return [
    { shows: 'a computer in Leeds pings one in York', command: `${atLeeds} ping -c 5 ${york.lan.ipv4}` },
    { shows: 'the same from Bradford over IPv6', command: `${atBradford} ping -c 5 ${york.lan.ipv6}` },
    {
      shows: 'a 20 MB file from Leeds to York',
      command: `${atLeeds} rsync --progress -e ${remoteShell} ${file} root@${york.lan.ipv4}:${york.lan.computer.directory}/`,
    },
    { shows: 'how fast Leeds reaches Bradford', command: `${atLeeds} iperf3 -c ${bradford.lan.ipv4} -t 5` },
    { shows: 'what the box in Leeds says', command: `${writeConsole(leeds)} status` },
  ];
}

/** A script that runs its arguments on the office's computer. */
function writeShell({ name, lan }: DemoOffice): string {
  return writeScript(name, `exec ${lan.computer.inside([]).join(' ')} "$@"`);
}

/** A script that runs `quicether` on the office's box. */
function writeConsole({ name, box }: DemoOffice): string {
  return writeScript(`${name}-quicether`, `QUICETHER_SOCKET=${box.socket} exec ${box.program.join(' ')} "$@"`);
}

function writeScript(name: string, body: string): string {
  const path = join(runDirectory(), name === 'ssh' ? name : `at-${name}`);
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o700);
  return path;
}
