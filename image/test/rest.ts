import { createHash } from 'node:crypto';
import { type RequestOptions, request } from 'node:https';
import type { TLSSocket } from 'node:tls';

export type Answer = { readonly status: number; readonly text: string; readonly certificate: Buffer };

/** A program that talks to a box over HTTPS through a forwarded port, as a person's session once it has one. */
export class RestClient {
  readonly port: number;
  session: string | undefined;

  constructor(port: number) {
    this.port = port;
  }

  /** One request; undefined when nobody answered. */
  ask(method: string, path: string, body?: unknown, timeoutMs = 60_000): Promise<Answer | undefined> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string> = { accept: 'application/json, text/html' };
    if (payload !== undefined) headers['content-type'] = 'application/json';
    if (this.session !== undefined) headers['authorization'] = `Bearer ${this.session}`;
    const options: RequestOptions = { host: '127.0.0.1', port: this.port, method, path, headers, timeout: timeoutMs };
    return new Promise((resolve) => {
      // Nobody vouches for the box's certificate: what it shows is compared with what its screen says.
      const asking = request({ ...options, rejectUnauthorized: false, agent: false }, (response) => {
        const certificate = (response.socket as TLSSocket).getPeerCertificate().raw ?? Buffer.alloc(0);
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text, certificate }));
        response.on('error', () => resolve(undefined));
      });
      asking.on('error', () => resolve(undefined));
      asking.on('timeout', () => asking.destroy());
      asking.end(payload);
    });
  }

  /** The same below /api/v1, the answer parsed; a failure is thrown with what the box said. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.ask(method, `/api/v1${path}`, body);
    if (!answer || answer.status >= 300) {
      throw new Error(`${method} ${path}: ${answer?.status ?? 'no answer'} ${answer?.text.slice(0, 500) ?? ''}`);
    }
    return (answer.text === '' ? {} : JSON.parse(answer.text)) as T;
  }
}

/** The six words of a certificate, as the console and the claim page show them. */
export async function wordsOf(certificate: Buffer): Promise<string> {
  const { wordlist } = await import('@scure/bip39/wordlists/english.js');
  const digest = createHash('sha256').update(certificate).digest();
  let bits = 0n;
  for (const byte of digest.subarray(0, 9)) bits = (bits << 8n) | BigInt(byte);
  bits >>= 6n;
  return Array.from({ length: 6 }, (_, index) => wordlist[Number((bits >> BigInt(11 * (5 - index))) & 2047n)]).join(
    ' ',
  );
}
