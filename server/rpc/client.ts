import { connect, type Socket } from 'node:net';
import { LineSplitter } from '../core/line-splitter.ts';
import { type Failure, fail, failWith, type Result } from '../core/result.ts';
import type { MethodName, ParamsOf, ResultOf } from './methods.ts';
import { decodeAnswer, encodeCall, HELLO, MAX_RESPONSE_BYTES, type OnBehalf, RPC_PROTOCOL } from './protocol.ts';

const HELLO_TIMEOUT_MS = 5_000;
/** Longer than any call that waits on purpose by its defaults. */
const CALL_TIMEOUT_MS = 35_000;

export interface ConnectOptions {
  /** This connection has no rights of its own: each call says for whom it is. */
  readonly front?: boolean;
  /** For the handshake. */
  readonly timeoutMs?: number;
}

export interface CallOptions {
  readonly onBehalf?: OnBehalf;
  readonly timeoutMs?: number;
}

/** One conversation with the daemon; calls may overlap. */
export class RpcClient {
  readonly #socket: Socket;
  readonly #lines = new LineSplitter(MAX_RESPONSE_BYTES);
  readonly #waiting = new Map<number, (result: Result<unknown>) => void>();
  #lastId = 0;
  #end: Failure | undefined;
  readonly #closed = Promise.withResolvers<void>();

  /** Resolves when the daemon has closed the conversation. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  private constructor(socket: Socket, path: string) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () =>
      this.#finish({ code: 'daemon.not-reachable', message: `the daemon on ${path} closed the connection` }),
    );
  }

  /** Connects and shakes hands; `daemon.not-reachable` says what to do. */
  static async connect(path: string, client: string, options: ConnectOptions = {}): Promise<Result<RpcClient>> {
    const opened = await open(path);
    if (!opened.ok) return opened;
    const rpc = new RpcClient(opened.value, path);
    const greeting = await rpc.#send(
      HELLO,
      { protocol: RPC_PROTOCOL, client, ...(options.front ? { front: true } : {}) },
      { timeoutMs: options.timeoutMs ?? HELLO_TIMEOUT_MS },
    );
    if (greeting.ok) return { ok: true, value: rpc };
    rpc.close();
    if (greeting.error.code !== 'rpc.timeout') return greeting;
    return fail('daemon.not-reachable', `the daemon on ${path} does not answer`, {
      remedy: 'it may be overloaded or stuck: look at its log file in the state directory, then restart it',
    });
  }

  /** What the daemon answers, or why it does not. */
  call<M extends MethodName>(method: M, params: ParamsOf<M>, options: CallOptions = {}): Promise<Result<ResultOf<M>>> {
    return this.#send(method, params, options) as Promise<Result<ResultOf<M>>>;
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(
    method: string,
    params: unknown,
    { onBehalf, timeoutMs = CALL_TIMEOUT_MS }: CallOptions,
  ): Promise<Result<unknown>> {
    return new Promise((resolve) => {
      if (this.#end) return resolve(failWith(this.#end));
      const id = ++this.#lastId;
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        resolve(fail('rpc.timeout', `the daemon did not answer ${method} within ${timeoutMs / 1000} s`));
      }, timeoutMs);
      this.#waiting.set(id, (result) => {
        clearTimeout(timer);
        resolve(result);
      });
      this.#socket.write(encodeCall({ id, method, params, onBehalf }));
    });
  }

  #read(chunk: Buffer): void {
    const lines = this.#lines.push(chunk);
    if (lines === 'too-long') {
      this.#finish({ code: 'rpc.too-long', message: "the daemon's answer is too long" });
      return;
    }
    for (const line of lines) {
      const answer = decodeAnswer(line);
      if (answer?.id === null && !answer.result.ok) {
        this.#finish(answer.result.error);
        return;
      }
      if (typeof answer?.id !== 'number') continue;
      this.#waiting.get(answer.id)?.(answer.result);
      this.#waiting.delete(answer.id);
    }
  }

  #finish(failure: Failure): void {
    this.#end ??= failure;
    for (const resolve of this.#waiting.values()) resolve(failWith(this.#end));
    this.#waiting.clear();
    this.#socket.destroy();
    this.#closed.resolve();
  }
}

function open(path: string): Promise<Result<Socket>> {
  return new Promise((resolve) => {
    // As an object: a bare `9000` would be a TCP port.
    const socket = connect({ path });
    socket.once('connect', () => resolve({ ok: true, value: socket }));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(whyNotOpen(path, error)));
  });
}

function whyNotOpen(path: string, { code, message }: NodeJS.ErrnoException): Result<never> {
  if (code === 'EACCES' || code === 'EPERM') {
    return fail('permission.socket', `you may not use the daemon's socket ${path}`, {
      remedy: 'run as root, or have yourself added to the group of the socket',
    });
  }
  const reason = code === 'ENOENT' || code === 'ECONNREFUSED' ? 'no daemon is running there' : message;
  return fail('daemon.not-reachable', `cannot reach the daemon on ${path}: ${reason}`, {
    remedy: 'start it with: quicether start, or name its socket with --socket',
  });
}
