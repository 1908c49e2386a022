/*
 * Runs inside a network namespace and says as JSON what an address shows: `tcp ADDRESS FIRST LAST`,
 * `udp ADDRESS PORT...`, or `page URL`, `name NAME SERVER`.
 */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { get } from 'node:https';
import { connect } from 'node:net';

const AT_ONCE = 1500;
const SILENCE_MS = 1500;

type Shown = 'open' | 'refused' | 'silent';

function tryTcp(host: string, port: number): Promise<Shown> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (shown: Shown) => {
      socket.destroy();
      resolve(shown);
    };
    socket.setTimeout(SILENCE_MS, () => end('silent'));
    socket.on('connect', () => end('open'));
    socket.on('error', ({ message }) => end(/REFUSED/.test(message) ? 'refused' : 'silent'));
  });
}

/** Junk, and whether anything at all comes back. */
function tryUdp(host: string, port: number): Promise<Shown> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (shown: Shown) => {
      clearTimeout(timer);
      socket.close();
      resolve(shown);
    };
    const timer = setTimeout(() => end('silent'), SILENCE_MS);
    socket.on('message', () => end('open'));
    socket.on('error', () => end('refused'));
    socket.connect(port, host, () => socket.send(Buffer.alloc(1200, 0xc3)));
  });
}

async function scanTcp(host: string, first: number, last: number) {
  const found: Record<string, number[]> = { open: [], refused: [] };
  let next = first;
  const scan = async () => {
    while (next <= last) {
      const port = next++;
      const shown = await tryTcp(host, port);
      if (shown !== 'silent') found[shown]?.push(port);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, scan));
  return found;
}

function page(url: string): Promise<{ status: number | undefined }> {
  return new Promise((resolve) => {
    const asking = get(url, { rejectUnauthorized: false, timeout: 20_000 }, ({ statusCode }) =>
      resolve({ status: statusCode }),
    );
    asking.on('error', () => resolve({ status: undefined }));
    asking.on('timeout', () => asking.destroy());
  });
}

async function name(wanted: string, server: string) {
  const resolver = new Resolver({ timeout: 3000, tries: 3 });
  resolver.setServers([server]);
  return resolver.resolve4(wanted).catch((error: Error) => [error.message]);
}

const [verb, where = '', ...rest] = process.argv.slice(2);
const answer = async () => {
  if (verb === 'tcp') return scanTcp(where, Number(rest[0]), Number(rest[1]));
  if (verb === 'udp') {
    const shown = await Promise.all(rest.map(async (port) => [port, await tryUdp(where, Number(port))] as const));
    return shown.filter(([, what]) => what !== 'silent');
  }
  return verb === 'page' ? page(where) : name(where, rest[0] ?? '');
};
process.stdout.write(`${JSON.stringify(await answer())}\n`);
process.exit(0);
