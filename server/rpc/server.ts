import { chmodSync, chownSync, lstatSync, statSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { type Caller, isFrontByUser, mayConnect } from './caller.ts';
import { encodeFailure } from './protocol.ts';
import { type CallHandler, RpcSession, SESSION_LIMITS, type SessionLimits } from './session.ts';

/** Clients at one time; more are told so and closed. */
const MAX_CONNECTIONS = 64;
/** Of these for the web's user: a flood of its visitors does not keep the command line out. */
const MAX_FRONTS = 32;
/** For a client that is told so to read it and go. */
const REFUSED_MS = 1_000;

export interface RpcServerOptions {
  readonly path: string;
  readonly handler: CallHandler;
  readonly clock: Clock;
  /** Who the process behind an accepted socket is; Node cannot ask the kernel itself. */
  readonly observeCaller: (socket: Socket) => Promise<Result<Caller>>;
  readonly groupsOf: (uid: number) => readonly number[];
  /** Group that may use the socket besides root and our own user. */
  readonly gid?: number | undefined;
  /** User of the web front, asked anew for each connection: it may be made while we run. */
  readonly webUid?: () => number | undefined;
  readonly log: { info(fields: object, text: string): void; warn(fields: object, text: string): void };
  readonly limits?: Partial<SessionLimits>;
}

/** The daemon's socket: who may use it is decided here, what they may do in the handler. */
export class RpcServer {
  readonly #options: RpcServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #fronts = 0;

  private constructor(options: RpcServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens; refuses when a live daemon answers there, and replaces what a dead one left. */
  static async listen(options: RpcServerOptions): Promise<Result<RpcServer>> {
    const free = await freeSocketPath(options.path);
    if (!free.ok) return free;
    const server = new RpcServer(options);
    // Bound closed: between bind and chmod nobody but us gets in.
    const umask = process.umask(0o177);
    try {
      await listening(server.#server, options.path);
      if (options.gid !== undefined) chownSync(options.path, -1, options.gid);
      chmodSync(options.path, 0o660);
    } catch (error) {
      server.#server.close();
      return fail('daemon.socket', `${options.path}: cannot listen there: ${(error as Error).message}`, {
        remedy: 'choose another path with --socket',
      });
    } finally {
      process.umask(umask);
    }
    server.#server.on('error', (error) => options.log.warn({ error: error.message }, 'rpc socket'));
    return ok(server);
  }

  /** Stops listening, removes the socket file and lets the clients go once their answers are out. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.end();
    try {
      unlinkSync(this.#options.path);
    } catch {
      // Closing the server has removed it already.
    }
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (this.#sockets.size > MAX_CONNECTIONS) {
      this.#options.log.warn({ connections: MAX_CONNECTIONS }, 'rpc client refused: too many connections');
      socket.end(
        encodeFailure(null, { code: 'rpc.busy', message: `${MAX_CONNECTIONS} clients are connected: try again` }),
      );
      // Closed by the client: one that is still writing its first line would see that fail, and not why.
      socket.resume();
      if (this.#sockets.size > 2 * MAX_CONNECTIONS) socket.destroySoon();
      else this.#options.clock.setTimer(REFUSED_MS, () => socket.destroy());
      return;
    }
    this.#admit(socket).catch((error: unknown) => {
      this.#options.log.warn({ error: String(error) }, 'rpc client dropped');
      socket.destroy();
    });
  }

  async #admit(socket: Socket): Promise<void> {
    const options = this.#options;
    const caller = await options.observeCaller(socket);
    if (socket.destroyed) return;
    const gid = options.gid ?? statSync(options.path, { throwIfNoEntry: false })?.gid ?? process.getgid?.() ?? 0;
    const webUid = options.webUid?.();
    const access = { uid: process.getuid?.() ?? 0, gid, groupsOf: options.groupsOf, webUid };
    if (!caller.ok || !mayConnect(caller.value, access)) {
      options.log.warn(caller.ok ? caller.value : { code: caller.error.code }, 'rpc client refused');
      const failure = caller.ok
        ? {
            code: 'permission.socket',
            message: `user ${caller.value.uid} may not use ${options.path}`,
            remedy: 'run as root',
          }
        : caller.error;
      socket.end(encodeFailure(null, failure));
      socket.destroySoon();
      return;
    }
    const isFront = isFrontByUser(caller.value, webUid);
    if (isFront && this.#fronts >= MAX_FRONTS) {
      options.log.warn({ connections: MAX_FRONTS }, 'rpc client refused: too many connections of the web');
      const message = `${MAX_FRONTS} connections of the web are open: use one of them`;
      socket.end(encodeFailure(null, { code: 'rpc.busy', message }));
      socket.destroySoon();
      return;
    }
    if (isFront) {
      this.#fronts++;
      socket.once('close', () => this.#fronts--);
    }
    new RpcSession(socket, caller.value, options.handler, {
      clock: options.clock,
      limits: { ...SESSION_LIMITS, ...options.limits },
      isFront,
      onDropped: (why) => options.log.warn({ ...caller.value, why }, 'rpc client dropped'),
    });
  }
}

/** Whether a socket can be made at `path`: a live daemon refuses, what a dead one left is removed. */
export async function freeSocketPath(path: string): Promise<Result<void>> {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (!entry) return ok(undefined);
  if (!entry.isSocket()) {
    return fail('daemon.socket', `${path} is in the way: it is not a socket`, {
      remedy: 'remove it or choose another path with --socket',
    });
  }
  if (await isAnswered(path)) {
    return fail('daemon.already-running', `a daemon is already running on ${path}`, {
      remedy: 'stop it with: quicether stop, or choose other paths for both --socket and --state-dir',
    });
  }
  unlinkSync(path);
  return ok(undefined);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe
      .once('connect', () => resolve(true))
      .once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EAGAIN'));
    probe.once('close', () => probe.removeAllListeners());
    probe.once('connect', () => probe.destroy());
  });
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
