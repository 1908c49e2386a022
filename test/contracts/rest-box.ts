import { type ChildProcess, spawn } from 'node:child_process';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import type { Result } from '../../server/core/result.ts';
import { RpcClient } from '../../server/rpc/client.ts';
import type { MethodName } from '../../server/rpc/methods.ts';
import { ContractBox } from './contract-box.ts';

const root = join(import.meta.dirname, '../..');

export interface RestAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface RestRequest {
  readonly auth?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Loopback address that it comes from: each has a quota of its own. */
  readonly from?: string;
}

export interface PageRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string | undefined;
  readonly from?: string | undefined;
}

/** A daemon in a network namespace, and its pages and REST on loopback outside: two real processes. */
export class RestBox {
  readonly box = new ContractBox();
  #web: ChildProcess | undefined;
  #port = 0;
  #local: Result<RpcClient> | undefined;

  async start(): Promise<void> {
    await this.box.start();
    await this.startWeb();
  }

  get base(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  async startWeb(): Promise<void> {
    const words = ['web', '--listen', `127.0.0.1:${this.#port}`, '--socket', this.box.socket, '--json'];
    const stateDir = join(this.box.folder, 'web');
    const web = spawn(join(root, 'scripts/quicether'), [...words, '--state-dir', stateDir], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, QUICETHER_CONFIG: '', QUICETHER_STATE_DIR: this.box.stateDir },
      cwd: this.box.folder,
    });
    this.#web = web;
    const line = await firstLine(web);
    const { addresses } = JSON.parse(line) as { addresses: string[] };
    this.#port = Number(addresses[0]?.split(':').at(-1));
  }

  /** What the daemon says to root at its socket. */
  async local(method: MethodName, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    this.#local ??= await RpcClient.connect(this.box.socket, 'quicether test');
    if (!this.#local.ok) throw new Error(this.#local.error.message);
    const answer = await this.#local.value.call(method, params as never);
    if (!answer.ok) throw new Error(`${method}: ${answer.error.message}`);
    return answer.value as Readonly<Record<string, unknown>>;
  }

  /** Asks REST. */
  ask(verb: string, path: string, options: RestRequest = {}): Promise<RestAnswer> {
    const { auth, body, headers = {}, from } = options;
    const sent = {
      ...(auth === undefined ? {} : { Authorization: `Bearer ${auth}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    };
    const text = body === undefined ? undefined : JSON.stringify(body);
    return this.page(verb, path.startsWith('/api') ? path : `/api/v1${path}`, { headers: sent, text, from });
  }

  /** Asks for any path, with any text as its body. */
  page(verb: string, path: string, options: PageRequest = {}): Promise<RestAnswer> {
    const { headers = {}, text, from = '127.0.0.1' } = options;
    const length = text === undefined ? {} : { 'Content-Length': `${Buffer.byteLength(text)}` };
    const sent = { method: verb, headers: { ...length, ...headers }, localAddress: from, timeout: 20_000 };
    return new Promise((resolve, reject) => {
      const asking = request(`${this.base}${path}`, { ...sent, rejectUnauthorized: false }, (response) => {
        let got = '';
        response.on('data', (chunk: Buffer) => {
          got += chunk.toString();
        });
        response.on('end', () => {
          const isJson = /^application\/(problem\+)?json/.test(response.headers['content-type'] ?? '');
          const parsed = isJson && got !== '' ? JSON.parse(got) : {};
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: got, body: parsed });
        });
      });
      asking.on('error', reject);
      asking.end(text);
    });
  }

  remove(): void {
    if (this.#local?.ok) this.#local.value.close();
    this.#web?.kill('SIGKILL');
    this.box.remove();
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let out = '';
    let err = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      const end = out.indexOf('\n');
      if (end >= 0) resolve(out.slice(0, end));
    });
    child.once('exit', (status) => reject(new Error(`quicether web ended with ${status}: ${err}`)));
  });
}
