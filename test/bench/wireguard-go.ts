import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { outcomeOf, until } from '../lab/command.ts';
import { addressed, answered } from './plain.ts';
import type { Found, Pair, Side, Tunnel } from './subject.ts';
import { OUTSIDE, SIDES } from './subject.ts';

const MODULE = 'golang.zx2c4.com/wireguard';
export const WIREGUARD_GO_VERSION = 'v0.0.0-20260522210424-ecfc5a8d5446';

/** Where wireguard-go puts the sockets it is configured through; the name is the interface's. */
const SOCKETS = '/var/run/wireguard';
const PORT = 51_820;

/** Builds wireguard-go at the pinned version through the Go module client, once for each version. */
export async function findWireguardGo(cacheDirectory: string): Promise<Found> {
  const missing = 'wireguard-go';
  const directory = join(cacheDirectory, `wireguard-go-${WIREGUARD_GO_VERSION}`);
  const program = join(directory, 'wireguard');
  if (!existsSync(program)) {
    const go = await outcomeOf(['go', 'version']);
    if (go.status !== 0) return { missing, reason: 'there is no Go here to build it with: install golang' };
    mkdirSync(directory, { recursive: true });
    const built = await outcomeOf(['go', 'install', `${MODULE}@${WIREGUARD_GO_VERSION}`], {
      timeoutMs: 300_000,
      env: { GOBIN: directory, GOTOOLCHAIN: 'local', GOFLAGS: '-trimpath' },
    });
    if (built.status !== 0) return { missing, reason: `go install: ${built.stderr.trim().slice(-500)}` };
  }
  return {
    subject: { name: missing, version: WIREGUARD_GO_VERSION, start: (pair) => startWireguardGo(pair, program) },
  };
}

async function startWireguardGo(pair: Pair, program: string): Promise<Tunnel> {
  // Sockets of all namespaces share one directory, so names carry the process of the bench.
  const ifName = { left: `wgl${process.pid}`, right: `wgr${process.pid}` };
  const inside = { left: '10.80.0.1', right: '10.80.0.2' };
  const keys = { left: makeKeys(), right: makeKeys() };
  const carriers: Record<Side, number[]> = { left: [], right: [] };
  for (const side of SIDES) {
    const other = side === 'left' ? 'right' : 'left';
    const running = pair[side].start('wireguard-go', [program, '-f', ifName[side]], { env: { LOG_LEVEL: 'error' } });
    const socket = `${SOCKETS}/${ifName[side]}.sock`;
    process.once('exit', () => rmSync(socket, { force: true }));
    await addressed(pair[side], running, ifName[side], inside[side]);
    await configure(socket, [
      'set=1',
      `private_key=${keys[side].secret}`,
      `listen_port=${PORT}`,
      'replace_peers=true',
      `public_key=${keys[other].public}`,
      `endpoint=${OUTSIDE[other]}:${PORT}`,
      `allowed_ip=${inside[other]}/32`,
    ]);
    carriers[side] = [running.pid];
  }
  await answered(pair.left, inside.right);
  return { inside, ifName, carriers };
}

function makeKeys(): { secret: string; public: string } {
  const { d, x } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  const hex = (text: string | undefined): string => Buffer.from(text ?? '', 'base64url').toString('hex');
  return { secret: hex(d), public: hex(x) };
}

/** Speaks the cross-platform configuration protocol: lines, an empty one, and `errno=0` back. */
async function configure(socket: string, lines: readonly string[]): Promise<void> {
  await until(`socket ${socket}`, 5000, async () => (existsSync(socket) ? true : undefined));
  const answer = await new Promise<string>((resolve, reject) => {
    let heard = '';
    const client = connect(socket);
    client.setTimeout(5000, () => client.destroy(new Error(`${socket} does not answer`)));
    client.on('error', reject).on('close', () => resolve(heard));
    client.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
      if (heard.includes('\n\n')) client.end();
    });
    client.write(`${lines.join('\n')}\n\n`);
  });
  if (!answer.includes('errno=0\n')) throw new Error(`wireguard-go refused its configuration: ${answer.trim()}`);
}
