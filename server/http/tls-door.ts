import {
  createServer as createPlain,
  type IncomingMessage,
  type Server as PlainServer,
  type ServerResponse,
} from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { formatHostPort, type HostPort } from '../core/host-port.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { hostOf } from './allowed-hosts.ts';
import { plainAddress, sourceGroup } from './rates.ts';

export type WebRequest = IncomingMessage | Http2ServerRequest;
export type WebResponse = ServerResponse | Http2ServerResponse;
export type Listener = (request: WebRequest, response: WebResponse) => void;

/** What clients may cost before they have asked anything. */
export interface DoorLimits {
  readonly connections: number;
  /** Of one address. */
  readonly ofOneSource: number;
  /** For the first byte, and then for the handshake. */
  readonly firstByteMs: number;
  readonly headersMs: number;
  /** For a whole request; forms and uploads have tighter ones of their own. */
  readonly requestMs: number;
  /** Between requests. */
  readonly idleMs: number;
}

export const DOOR_LIMITS: DoorLimits = {
  connections: 640,
  ofOneSource: 160,
  firstByteMs: 8_000,
  headersMs: 8_000,
  requestMs: 900_000,
  idleMs: 75_000,
};

const LONGEST_HEADERS = 16 * 1024;
const TLS_HANDSHAKE = 0x16;

export interface DoorOptions {
  /** Key and certificate. */
  readonly pem: string;
  readonly listener: Listener;
  readonly isOurHost: (host: string) => boolean;
  readonly limits?: Partial<DoorLimits>;
}

/**
 * The ports of the pages: TLS 1.3 with HTTP/2 or HTTP/1.1; who speaks plain HTTP to them is sent on to HTTPS.
 *
 * Connections are counted for each source before a byte is read.
 */
export class TlsDoor {
  readonly #secure: Http2SecureServer;
  readonly #plain: PlainServer;
  readonly #isOurHost: (host: string) => boolean;
  readonly #limits: DoorLimits;
  readonly #servers: Server[] = [];
  /** Open connections of each source, oldest first. */
  readonly #ofSource = new Map<string, Set<Socket>>();
  #open = 0;

  constructor({ pem, listener, isOurHost, limits }: DoorOptions) {
    this.#limits = { ...DOOR_LIMITS, ...limits };
    this.#isOurHost = isOurHost;
    this.#secure = openSecure(pem, this.#limits, listener);
    const { headersMs } = this.#limits;
    const connectionsCheckingInterval = checkingInterval(headersMs);
    this.#plain = createPlain(
      { headersTimeout: headersMs, requestTimeout: headersMs, connectionsCheckingInterval },
      (request, response) => this.#sendOn(request, response),
    );
    this.#plain.maxRequestsPerSocket = 1;
    // They never listen themselves, but only then begins Node to look for clients that are slow.
    for (const server of [this.#secure, this.#plain]) server.emit('listening');
  }

  /** Listens there too; port 0 takes a free one. Says the address that it got. */
  listen(address: HostPort): Promise<Result<HostPort>> {
    const server = createServer((socket) => this.#accept(socket));
    return new Promise((resolve) => {
      server.once('error', (error: NodeJS.ErrnoException) => resolve(whyNotListen(address, error)));
      server.listen({ host: address.host, port: address.port, ipv6Only: address.host.includes(':') }, () => {
        this.#servers.push(server);
        const { port } = server.address() as { port: number };
        resolve(ok({ ...address, port }));
      });
    });
  }

  /** New connections get this certificate. */
  renew(pem: string): void {
    this.#secure.setSecureContext({ key: pem, cert: pem });
  }

  close(): void {
    for (const server of this.#servers) server.close();
    this.#secure.close();
    this.#plain.close();
    for (const sockets of this.#ofSource.values()) for (const socket of sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    const source = sourceGroup(plainAddress(socket.remoteAddress));
    const own = this.#ofSource.get(source) ?? new Set();
    const isFull = own.size >= this.#limits.ofOneSource;
    if (isFull || (this.#open >= this.#limits.connections && !this.#makeRoom(own.size))) {
      socket.destroy();
      return;
    }
    this.#ofSource.set(source, own.add(socket));
    this.#open++;
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#forget(socket, source));
    this.#sort(socket);
  }

  #forget(socket: Socket, source: string): void {
    const own = this.#ofSource.get(source);
    if (!own?.delete(socket)) return;
    this.#open--;
    if (own.size === 0) this.#ofSource.delete(source);
  }

  /**
   * The source with most connections gives up its oldest, for one that has far fewer: one machine has four
   * sources at once (IPv4, and three kinds of IPv6), and would keep everybody out by holding what they may have.
   */
  #makeRoom(ownCount: number): boolean {
    const [source, most] = [...this.#ofSource].reduce(
      (a, b) => (b[1].size > a[1].size ? b : a),
      ['', new Set<Socket>()],
    );
    const [oldest] = most;
    if (!oldest || most.size <= 2 * (ownCount + 1)) return false;
    this.#forget(oldest, source);
    oldest.destroy();
    return true;
  }

  /** By its first byte: a TLS handshake, or somebody who forgot the s of https. */
  #sort(socket: Socket): void {
    const timer = setTimeout(() => socket.destroy(), this.#limits.firstByteMs);
    socket.once('close', () => clearTimeout(timer));
    socket.setNoDelay(true);
    socket.once('readable', () => {
      clearTimeout(timer);
      const first = socket.read(1) as Buffer | null;
      if (first === null) {
        socket.destroy();
        return;
      }
      socket.unshift(first);
      const server = first[0] === TLS_HANDSHAKE ? this.#secure : this.#plain;
      server.emit('connection', socket);
    });
  }

  #sendOn(request: IncomingMessage, response: ServerResponse): void {
    const host = request.headers.host ?? '';
    response.setHeader('Connection', 'close');
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    const target = request.url ?? '/';
    const isSafe = hostOf(host) !== undefined && this.#isOurHost(host) && /^\/(?!\/)[\x21-\x7e]*$/.test(target);
    if (!isSafe) {
      response.writeHead(421).end('This port speaks HTTPS. Open it with https:// and the address of the box.\n');
      return;
    }
    response.writeHead(308, { Location: `https://${host}${target}` }).end('This port speaks HTTPS.\n');
  }
}

function checkingInterval(headersMs: number): number {
  return Math.min(2_000, headersMs / 2);
}

function openSecure(pem: string, limits: DoorLimits, listener: Listener): Http2SecureServer {
  const server = createSecureServer(
    {
      key: pem,
      cert: pem,
      allowHTTP1: true,
      minVersion: 'TLSv1.3',
      handshakeTimeout: limits.firstByteMs,
      // Our limit of one request's headers holds for both protocols.
      settings: { maxConcurrentStreams: 64, maxHeaderListSize: LONGEST_HEADERS, enablePush: false },
      maxSessionMemory: 4,
      maxHeaderListPairs: 80,
      http1Options: {
        maxHeaderSize: LONGEST_HEADERS,
        headersTimeout: limits.headersMs,
        requestTimeout: limits.requestMs,
        keepAliveTimeout: limits.idleMs,
        connectionsCheckingInterval: checkingInterval(limits.headersMs),
      },
    } as Parameters<typeof createSecureServer>[0],
    listener as (request: Http2ServerRequest, response: Http2ServerResponse) => void,
  );
  // An HTTP/2 connection on which nothing happens; one with live pages is kept by their heartbeat.
  server.setTimeout(limits.idleMs);
  server.on('timeout', (session: unknown) => (session as { close?: () => void; destroy?: () => void }).destroy?.());
  server.on('sessionError', () => undefined);
  server.on('tlsClientError', (_, socket) => socket.destroy());
  server.on('clientError', (_, socket: Socket) => socket.destroy());
  return server;
}

function whyNotListen(address: HostPort, { code, message }: NodeJS.ErrnoException): Result<never> {
  const shown = formatHostPort(address);
  if (code === 'EACCES') {
    return fail('permission.listen', `${shown}: this user may not listen there`, {
      remedy: 'choose a port above 1023 in web.listen or --listen, or allow CAP_NET_BIND_SERVICE',
    });
  }
  const reason = code === 'EADDRINUSE' ? 'something else listens there' : message;
  return fail('web.listen', `${shown}: cannot serve pages there: ${reason}`, {
    remedy: 'choose another address or port in web.listen or --listen',
  });
}
