/** What `npm start` does for the web pages: where things lie, who they run as, and what is said of them. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { RpcClient } from '../server/rpc/client.ts';
import type { ParamsOf, ResultOf } from '../server/rpc/methods.ts';
import { chooseWebUser, lendSocket, type User } from './web-user.ts';

const root = join(import.meta.dirname, '..');
const PROGRAM = join(root, 'scripts/quicether');
/** Where the pages are when nobody says. */
const PORT = 8443;
const UP_TIMEOUT_MS = 60_000;

export interface Places {
  readonly state: string;
  readonly socket: string;
  readonly web: string;
  /** Who the web front is; undefined: who we are. */
  readonly user: User | undefined;
  /** For the daemon; what the caller has set himself stays. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Makes the folders of `.state/`: `box` for the daemon alone, `web` for the web front alone, `run` for
 * the socket between them, so that neither reads what is the other's.
 */
export function openPlaces(state: string): Places {
  const user = chooseWebUser();
  for (const name of ['', 'box', 'run', 'web']) mkdirSync(join(state, name), { recursive: true, mode: 0o700 });
  for (const name of ['', 'run']) chmodSync(join(state, name), 0o711);
  moveOldState(state);
  const web = join(state, 'web');
  if (user) chownSync(web, user.uid, user.gid);
  const config = join(state, 'config.toml');
  const env = {
    QUICETHER_STATE_DIR: join(state, 'box'),
    QUICETHER_SOCKET: join(state, 'run/quicether.sock'),
    QUICETHER_SECURITY_AUDIT_LOG: join(state, 'box/audit.json'),
    ...(existsSync(config) ? { QUICETHER_CONFIG: config } : {}),
    ...(user ? { QUICETHER_SECURITY_WEB_USER: String(user.uid) } : {}),
  };
  for (const [name, value] of Object.entries(env)) env[name as keyof typeof env] = process.env[name] || value;
  return { state, socket: env.QUICETHER_SOCKET, web, user, env };
}

/** Before there were pages, the daemon's state lay in `.state/` itself. */
function moveOldState(state: string) {
  if (!existsSync(join(state, 'node.key')) || existsSync(join(state, 'box/node.key'))) return;
  for (const name of readdirSync(state)) {
    if (['box', 'run', 'web', 'config.toml'].includes(name) || name.endsWith('.sock')) continue;
    renameSync(join(state, name), join(state, 'box', name));
  }
}

/** Why no box can be started there: one answers already, and what it says would be taken for ours. */
export async function whyTaken(socket: string): Promise<string | undefined> {
  if (!(await isAnswered(socket))) return undefined;
  return `a box of this tree is running already (${socket}); end it with Ctrl-C where it was started, or with: npm run quicether -- stop`;
}

/** Whether the daemon came up: false when it ended before. */
export async function untilAnswered(socket: string, daemon: ChildProcess): Promise<boolean> {
  const deadlineMs = performance.now() + UP_TIMEOUT_MS;
  while (performance.now() < deadlineMs && daemon.exitCode === null && daemon.signalCode === null) {
    if (await isAnswered(socket)) return true;
    await sleep(100);
  }
  return false;
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
    probe.once('connect', () => probe.destroy());
  });
}

/** The pages' own configuration is empty: the daemon's is not for their eyes, what they need is said in words. */
function webEnvironment({ env, web }: Places): NodeJS.ProcessEnv {
  const own = { QUICETHER_CONFIG: join(web, 'config.toml'), NODE_COMPILE_CACHE: join(web, 'compiled'), HOME: web };
  return { ...process.env, ...env, ...own };
}

/** What the box says of where its pages are to be. */
export interface WebPlan {
  readonly listen: readonly string[];
  readonly hosts: readonly string[];
}

/** Starts the web front, with fewer rights than ours where that can be. */
export function startWeb(places: Places, { listen, hosts }: WebPlan): ChildProcess {
  const { user } = places;
  writeFileSync(join(places.web, 'config.toml'), '', { mode: 0o644 });
  const rights = user ? { uid: user.uid, gid: lendSocket(places.socket, user) } : {};
  if (!user && process.getuid?.() === 0) {
    process.stderr.write('npm start: the web pages run as root, because nobody else can read this folder\n');
  }
  const words = ['web', '--socket', places.socket, '--state-dir', places.web];
  words.push(...listen.flatMap((place) => ['--listen', place]), ...hosts.flatMap((name) => ['--host', name]));
  // What it prints are the addresses it binds, 0.0.0.0 and the like; introduceWeb says those that lead there.
  const stdio = ['inherit', 'pipe', 'inherit'] as const;
  return spawn(PROGRAM, words, { stdio: [...stdio], env: webEnvironment(places), cwd: places.web, ...rights });
}

/** Where the daemon's configuration wants the pages. */
export async function readWebPlan(socket: string): Promise<WebPlan> {
  const { settings } = await ask(socket, 'GetConfig');
  const listOf = (key: string): readonly string[] => {
    const value = settings.find((setting) => setting.key === key)?.value;
    return Array.isArray(value) ? value.map(String) : [];
  };
  return { listen: listOf('web.listen'), hosts: listOf('web.hosts') };
}

async function ask<M extends 'GetConfig' | 'GetClaimCode'>(socket: string, method: M): Promise<ResultOf<M>> {
  const client = await RpcClient.connect(socket, 'quicether npm-start');
  if (!client.ok) throw new Error(client.error.message);
  const answer = await client.value.call(method, {} as ParamsOf<M>);
  client.value.close();
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.value;
}

/** Whether the pages came up: they say so themselves, as somebody else may have the port. */
export function untilServing(web: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    web.once('exit', () => resolve(false));
    web.stdout?.once('data', () => {
      web.stdout?.resume();
      resolve(true);
    });
  });
}

/** Says where the pages are, what proves that they are this box's, and how it becomes somebody's. */
export async function introduceWeb(places: Places, web: ChildProcess, { listen }: WebPlan): Promise<void> {
  const port = Number(/:(\d+)$/.exec(listen[0] ?? '')?.[1] ?? PORT);
  if (!(await untilServing(web))) return;
  const words = ['web', '--fingerprint', '--state-dir', places.web];
  const { stdout } = await promisify(execFile)(PROGRAM, words, { env: webEnvironment(places) });
  const { code } = await ask(places.socket, 'GetClaimCode');
  const lines = [
    '',
    `  This box in a browser:  https://localhost:${port}`,
    ...ownAddresses().map((address) => `                          https://${address}:${port}`),
    `  Words on its page:      ${stdout.trim()}`,
    `  Claim code:             ${code ?? 'none, somebody owns it: sign in'}`,
    '',
    '  The browser warns of a certificate that nobody else vouches for: compare the six words on the page.',
    '  Ctrl-C ends box and pages.',
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** IPv4 addresses under which another machine may reach this one; the overlay's own are not among them. */
function ownAddresses(): string[] {
  return Object.entries(networkInterfaces())
    .filter(([name]) => !name.startsWith('quicether'))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
}
