import { connect, type Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { LineSplitter } from '../core/line-splitter.ts';
import { type Failure, fail, failWith, ok, type Result } from '../core/result.ts';
import type { EngineHello } from '../operations/world.ts';
import { type Answer, type Call, type Event, MAX_LINE_LEN, type Message, PROTOCOL } from './engine-messages.ts';

const CALL_TIMEOUT_MS = 10_000;
const HELLO_TIMEOUT_MS = 2_000;
const MAX_OUTSTANDING = 256;
/** Pings wait long and clients ask for them: the rest is left for what keeps the tunnel going. */
const MAX_PINGS = 128;
/** Written and not yet read by the engine: two desired states of the largest size. */
const MAX_UNREAD_BYTES = 2 * MAX_LINE_LEN;

interface Waiting {
  readonly settle: (result: Result<Answer>) => void;
}

/** One connection to the engine. */
export class EngineConnection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #lines = new LineSplitter(MAX_LINE_LEN);
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #end: Failure | undefined;
  onEvent: (event: Event, droppedEvents: number) => void = () => {};
  onClose: (why: Failure) => void = () => {};

  private constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#finish({ code: 'engine.not-reachable', message: 'the engine closed its socket' }));
  }

  /** Connects and shakes hands. */
  static async open(path: string, clock: Clock): Promise<Result<{ connection: EngineConnection; hello: EngineHello }>> {
    const socket = await openSocket(path);
    if (!socket.ok) return socket;
    const connection = new EngineConnection(socket.value, clock);
    const answer = await connection.call({ call: 'hello', params: { protocol: PROTOCOL } }, HELLO_TIMEOUT_MS);
    if (answer.ok && answer.value.kind === 'hello' && answer.value.protocol === PROTOCOL) {
      return ok({ connection, hello: answer.value });
    }
    connection.close();
    if (!answer.ok) return answer;
    return fail('engine.protocol', `${path}: the engine speaks another protocol`, {
      remedy: 'daemon and engine must be of one release',
    });
  }

  call(call: Call, timeoutMs = CALL_TIMEOUT_MS): Promise<Result<Answer>> {
    if (this.#end) return Promise.resolve(failWith(this.#end));
    const limit = call.call === 'ping' ? MAX_PINGS : MAX_OUTSTANDING;
    if (this.#waiting.size >= limit) {
      return Promise.resolve(fail('engine.busy', `${limit} calls to the engine are not answered yet`));
    }
    // Calls that were given up are still in there: a stopped engine must not fill our memory.
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) {
      return Promise.resolve(fail('engine.busy', 'the engine does not read what it is told'));
    }
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<Result<Answer>>();
    const cancel = this.#clock.setTimer(timeoutMs, () => {
      this.#waiting.delete(id);
      resolve(fail('engine.timeout', `the engine did not answer ${call.call} within ${timeoutMs / 1000} s`));
    });
    this.#waiting.set(id, {
      settle: (result) => {
        cancel();
        resolve(result);
      },
    });
    this.#socket.write(`${JSON.stringify({ id, ...call })}\n`);
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const lines = this.#lines.push(chunk);
    if (lines === 'too-long') {
      this.#finish({ code: 'engine.protocol', message: `the engine sent a line over ${MAX_LINE_LEN} bytes` });
      return;
    }
    for (const line of lines) this.#take(line);
  }

  #take(line: Uint8Array): void {
    const message = decodeMessage(line);
    switch (message?.type) {
      case undefined:
        this.#finish({ code: 'engine.protocol', message: 'the engine sent a line that is no JSON object' });
        return;
      case 'answer':
        this.#settle(message.id, ok(message.answer));
        return;
      case 'failure':
        this.#settle(message.id, failWith(failureOf(message)));
        return;
      case 'event':
        this.onEvent(message.event, message.dropped_events);
    }
  }

  #settle(id: number, result: Result<Answer>): void {
    this.#waiting.get(id)?.settle(result);
    this.#waiting.delete(id);
  }

  #finish(why: Failure): void {
    if (this.#end) return;
    this.#end = why;
    for (const waiting of this.#waiting.values()) waiting.settle(failWith(why));
    this.#waiting.clear();
    this.#socket.destroy();
    this.onClose(why);
  }
}

function decodeMessage(line: Uint8Array): Message | undefined {
  try {
    // No copy: the snapshot of a full gateway is megabytes.
    const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString();
    const message = JSON.parse(text) as Message | null;
    return typeof message === 'object' && message !== null ? message : undefined;
  } catch {
    return undefined;
  }
}

function failureOf({ code, message }: Extract<Message, { type: 'failure' }>): Failure {
  return { code: `engine.${code.replaceAll('_', '-')}`, message };
}

function openSocket(path: string): Promise<Result<Socket>> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => resolve(ok(socket)));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const isPermission = error.code === 'EACCES' || error.code === 'EPERM';
      const message = `${path}: cannot reach the engine: ${error.message}`;
      resolve(
        isPermission
          ? fail('permission.engine-socket', message, { remedy: "run as the engine's user or as root" })
          : fail('engine.not-reachable', message),
      );
    });
  });
}
