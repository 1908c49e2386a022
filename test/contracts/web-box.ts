import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { locateEngine } from '../../server/adapters/key-tool.ts';
import { systemClock } from '../../server/adapters/system-clock.ts';
import { ok } from '../../server/core/result.ts';
import { openFront } from '../../server/http/daemon-lines.ts';
import { type OpenWeb, openWeb, type WebOptions } from '../../server/http/open-web.ts';
import { Rates } from '../../server/http/rates.ts';
import { simulateWorld } from '../../server/operations/simulated-world.ts';
import { createDispatch } from '../../server/rpc/dispatch.ts';
import { RpcServer } from '../../server/rpc/server.ts';

const root = join(import.meta.dirname, '../..');
const engine = locateEngine({}, join(root, 'server/main.ts'));
/** The engine makes the certificate. */
export const canServe = engine.ok;

export const OWNER = { user_name: 'james', password: 'seven violins in the harbour' };

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly timeoutMs?: number;
}

/**
 * The pages as they are served, over real TLS, and the daemon behind them with its real socket,
 * rights and operations; only the engine and the stores are simulated.
 */
export class WebBox {
  readonly folder = mkdtempSync(join(tmpdir(), 'qe-web-'));
  readonly socket = join(this.folder, 'daemon.sock');
  readonly daemon = simulateWorld();
  readonly logged: unknown[] = [];
  /** Calls as the daemon got them. */
  readonly calls: { readonly op: string; readonly who: string; readonly source: string }[] = [];
  #server: RpcServer | undefined;
  #web: OpenWeb | undefined;

  async start(options: Partial<WebOptions> = {}): Promise<this> {
    await this.startDaemon();
    const log = (fields: object, text: string): void => void this.logged.push({ ...fields, text });
    const web = await openWeb({
      listen: [{ host: '127.0.0.1', port: 0, isName: false }],
      hosts: [],
      stateDir: join(this.folder, 'web'),
      hostName: 'leeds',
      assetDir: join(root, 'views/assets'),
      openLine: openFront(this.socket, 'test'),
      engineBinary: () => engine,
      clock: systemClock,
      log: { info: log, warn: log, error: log },
      rates: new Rates({ burst: 5_000, perSecond: 1_000 }),
      ...options,
    });
    if (!web.ok) throw new Error(web.error.message);
    this.#web = web.value;
    return this;
  }

  async startDaemon(): Promise<void> {
    const { world } = this.daemon;
    const handler = createDispatch({
      world,
      users: { ownUid: process.getuid?.() ?? 0, nameOf: () => undefined },
      log: (entry) => this.calls.push(entry),
    });
    const server = await RpcServer.listen({
      path: this.socket,
      handler,
      clock: systemClock,
      observeCaller: async () => ok({ pid: process.pid, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }),
      groupsOf: () => [],
      log: { info: () => {}, warn: () => {} },
    });
    if (!server.ok) throw new Error(server.error.message);
    this.#server = server.value;
  }

  /** The daemon ends, and every conversation with it. */
  stopDaemon(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  get web(): OpenWeb {
    if (!this.#web) throw new Error('not started');
    return this.#web;
  }

  get port(): number {
    return this.web.addresses[0]?.port ?? 0;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  claimCode(): string {
    const code = this.daemon.world.people.signIn.claimCode();
    if (!code.ok || code.value === null) throw new Error('there is no claim code');
    return code.value;
  }

  /** One request over HTTP/1.1, as no browser would send it if a test wants that. */
  ask(path: string, { method = 'GET', headers = {}, body, timeoutMs = 10_000 }: Asking = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const length: Record<string, string> =
        body === undefined ? {} : { 'Content-Length': `${Buffer.byteLength(body)}` };
      const asking = request(
        {
          host: '127.0.0.1',
          port: this.port,
          path,
          method,
          headers: { ...length, ...headers },
          rejectUnauthorized: false,
          agent: false,
          timeout: timeoutMs,
        },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
        },
      );
      asking.on('timeout', () => asking.destroy(new Error('no answer in time')));
      asking.on('error', reject);
      asking.end(body);
    });
  }

  /** A connection of raw bytes, after the handshake. */
  raw(): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = connectTls(
        { host: '127.0.0.1', port: this.port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] },
        () => resolve(socket),
      );
      socket.once('error', reject);
    });
  }

  http2() {
    const session = connectHttp2(`https://${this.host}`, { rejectUnauthorized: false });
    session.on('error', () => undefined);
    return session;
  }

  browser(): Browser {
    return new Browser(this);
  }

  /** A browser in which the owner has claimed the box and is signed in. */
  async ownersBrowser(): Promise<Browser> {
    const browser = this.browser();
    const { user_name, password } = OWNER;
    const code = this.claimCode();
    const claimed = await browser.send('/claim', { same: 'yes', code, user_name, password, password_again: password });
    if (claimed.status !== 303) throw new Error(`claim: ${claimed.status}: ${claimed.text.slice(0, 3_000)}`);
    return browser;
  }

  stop(): void {
    this.#web?.close();
    this.stopDaemon();
    rmSync(this.folder, { recursive: true, force: true });
    // Whatever a test did to it, no page may have failed in a way that nobody thought of.
    const bugs = this.logged.filter((entry) => JSON.stringify(entry).includes('this is a bug'));
    if (bugs.length > 0)
      throw new Error(JSON.stringify(bugs, (_, value) => (value instanceof Error ? value.stack : value)));
  }
}

/** A browser without script: keeps cookies, sends forms with the token of the page that it is on. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly #box: WebBox;

  constructor(box: WebBox) {
    this.#box = box;
  }

  get session(): string | undefined {
    return this.cookies.get('__Host-session');
  }

  get cookieHeader(): Record<string, string> {
    if (this.cookies.size === 0) return {};
    return { Cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
  }

  async open(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const answer = await this.#box.ask(path, { headers: { ...this.cookieHeader, ...headers } });
    this.#keep(answer);
    return answer;
  }

  /** Opens `page` (the path of the form, when not given) and sends its form with these fields. */
  async send(path: string, fields: Readonly<Record<string, string>>, page = path): Promise<Answer> {
    const opened = await this.open(page);
    return this.post(path, { csrf: tokenOf(opened), ...fields }, { Referer: `https://${this.#box.host}${page}` });
  }

  async post(
    path: string,
    fields: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const answer = await this.#box.ask(path, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        Origin: `https://${this.#box.host}`,
        'Sec-Fetch-Site': 'same-origin',
        ...this.cookieHeader,
        ...headers,
      },
    });
    this.#keep(answer);
    return answer;
  }

  #keep({ headers }: Answer): void {
    for (const line of [headers['set-cookie'] ?? []].flat()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name === undefined || value === undefined) continue;
      if (value === '' || /max-age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }
}

/** The token of the first form of a page. */
export function tokenOf({ text }: Answer): string {
  return /name="csrf" value="([^"]*)"/.exec(text)?.[1] ?? '';
}

export function headerOf({ headers }: Answer, name: string): string {
  return [headers[name] ?? ''].flat().join(', ');
}
