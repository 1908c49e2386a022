import type { Socket } from 'node:net';
import type { CancelTimer, Clock } from '../core/clock.ts';
import { LineSplitter } from '../core/line-splitter.ts';
import { type Failure, fail, ok, type Result } from '../core/result.ts';
import type { Caller } from './caller.ts';
import {
  decodeCall,
  encodeAnswer,
  encodeFailure,
  HELLO,
  type HelloAnswer,
  MAX_REQUEST_BYTES,
  MAX_RESPONSE_BYTES,
  type OnBehalf,
  RPC_PROTOCOL,
  type RpcCall,
} from './protocol.ts';

/** What one client may cost. */
export interface SessionLimits {
  /** Calls that one client may have unanswered. */
  readonly maxOutstanding: number;
  /** Until the first call has come. */
  readonly handshakeMs: number;
  /** Between two calls, when none is unanswered. */
  readonly idleMs: number;
  /** For a line that has begun. */
  readonly lineMs: number;
  /** For a client to take any part of what was sent to it. */
  readonly stallMs: number;
  /** Sent and not yet taken by the client. */
  readonly maxUnreadBytes: number;
}

export const SESSION_LIMITS: SessionLimits = {
  maxOutstanding: 16,
  handshakeMs: 5_000,
  idleMs: 600_000,
  lineMs: 10_000,
  stallMs: 30_000,
  maxUnreadBytes: MAX_RESPONSE_BYTES,
};

/** What the server behind a session does with calls. */
export interface CallHandler {
  readonly version: string;
  readonly methods: readonly string[];
  call(method: string, params: unknown, from: CallOrigin): Promise<Result<unknown>>;
}

/** Where a call came from, as the daemon knows it and not as the client says. */
export interface CallOrigin {
  readonly caller: Caller;
  /** A front has no rights of its own: it passes on what people and programs showed it. */
  readonly isFront: boolean;
  /** What the client calls itself; for the log and the audit only. */
  readonly client: string;
  readonly onBehalf?: OnBehalf | undefined;
}

/** Unanswered calls of a front, which has many people behind it. */
const MAX_OUTSTANDING_FRONT = 256;
const MAX_CLIENT_LENGTH = 64;

/** One client's conversation: reads its lines, answers them, and drops it when it costs too much. */
export class RpcSession {
  readonly #socket: Socket;
  readonly #caller: Caller;
  readonly #handler: CallHandler;
  readonly #clock: Clock;
  readonly #limits: SessionLimits;
  readonly #onDropped: (why: string) => void;
  readonly #lines = new LineSplitter(MAX_REQUEST_BYTES);
  readonly #timers = new Map<'handshake' | 'idle' | 'line' | 'stall', CancelTimer>();
  #isGreeted = false;
  #isFront: boolean;
  #client = '';
  #outstanding = 0;
  #isOver = false;

  constructor(
    socket: Socket,
    caller: Caller,
    handler: CallHandler,
    options: { clock: Clock; limits: SessionLimits; isFront: boolean; onDropped: (why: string) => void },
  ) {
    this.#socket = socket;
    this.#caller = caller;
    this.#handler = handler;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#isFront = options.isFront;
    this.#onDropped = options.onDropped;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // Lending it to the child that asks for the credentials has paused it for good.
    socket.resume();
    socket.on('drain', () => this.#disarm('stall'));
    socket.on('close', () => this.#end());
    this.#arm('handshake', options.limits.handshakeMs, 'said nothing');
  }

  #read(chunk: Buffer): void {
    if (this.#isOver) return;
    const wasMidLine = this.#lines.isMidLine;
    const lines = this.#lines.push(chunk);
    if (lines === 'too-long') {
      this.#drop('sent a line over 1 MiB', {
        code: 'rpc.too-long',
        message: `a line is longer than ${MAX_REQUEST_BYTES} bytes`,
      });
      return;
    }
    if (lines.length > 0 || !wasMidLine) this.#disarm('line');
    if (this.#lines.isMidLine && !this.#timers.has('line'))
      this.#arm('line', this.#limits.lineMs, 'never ended its line');
    for (const line of lines) {
      if (this.#isOver) return;
      if (line.length > 0) this.#take(line);
    }
  }

  #take(line: Uint8Array): void {
    const decoded = decodeCall(line);
    if (!decoded.ok) {
      this.#send(encodeFailure(decoded.error.id, decoded.error.failure));
      return;
    }
    const call = decoded.value;
    if (!this.#isGreeted) {
      this.#greet(call);
      return;
    }
    const most = this.#isFront ? MAX_OUTSTANDING_FRONT : this.#limits.maxOutstanding;
    if (this.#outstanding >= most) {
      const message = `${this.#outstanding} calls of this connection are not answered yet: wait for one`;
      this.#send(encodeFailure(call.id, { code: 'rpc.busy', message }));
      return;
    }
    void this.#carryOut(call);
  }

  #greet(call: RpcCall): void {
    const greeting = call.method === HELLO ? decideHello(call.params, this.#handler) : notGreeted();
    if (!greeting.ok) {
      this.#send(encodeFailure(call.id, greeting.error));
      return;
    }
    this.#isGreeted = true;
    const { front, client } = call.params as { front?: unknown; client?: unknown };
    // Only ever more of a front: who is one by its user cannot say that it is none.
    if (front === true) this.#isFront = true;
    if (typeof client === 'string') this.#client = client.slice(0, MAX_CLIENT_LENGTH);
    this.#disarm('handshake');
    this.#arm('idle', this.#limits.idleMs, 'asked nothing for long');
    this.#send(encodeAnswer(call.id, greeting.value));
  }

  async #carryOut({ id, method, params, onBehalf }: RpcCall): Promise<void> {
    this.#outstanding++;
    this.#disarm('idle');
    const origin = { caller: this.#caller, isFront: this.#isFront, client: this.#client, onBehalf };
    const result = await this.#handler.call(method, params, origin);
    this.#outstanding--;
    if (this.#isOver) return;
    if (this.#outstanding === 0) this.#arm('idle', this.#limits.idleMs, 'asked nothing for long');
    this.#send(this.#encode(id, result));
  }

  #encode(id: RpcCall['id'], result: Result<unknown>): string {
    if (!result.ok) return encodeFailure(id, result.error);
    const line = encodeAnswer(id, result.value);
    if (line.length <= this.#limits.maxUnreadBytes) return line;
    return encodeFailure(id, {
      code: 'rpc.too-long',
      message: `the answer is longer than ${this.#limits.maxUnreadBytes} bytes`,
    });
  }

  #send(line: string): void {
    const size = Buffer.byteLength(line);
    if (this.#socket.writableLength + size > this.#limits.maxUnreadBytes) {
      this.#drop('does not read its answers');
      return;
    }
    const isTaken = this.#socket.write(line);
    if (!isTaken && !this.#timers.has('stall')) this.#arm('stall', this.#limits.stallMs, 'does not read its answers');
  }

  #arm(name: 'handshake' | 'idle' | 'line' | 'stall', delayMs: number, why: string): void {
    this.#timers.set(
      name,
      this.#clock.setTimer(delayMs, () => this.#drop(why)),
    );
  }

  #disarm(name: 'handshake' | 'idle' | 'line' | 'stall'): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
  }

  #drop(why: string, lastWord?: Failure): void {
    if (this.#isOver) return;
    this.#end();
    this.#onDropped(why);
    if (!lastWord) {
      this.#socket.destroy();
      return;
    }
    // Said once and not waited for: a client that never reads must not keep the connection.
    this.#socket.write(encodeFailure(null, lastWord), () => this.#socket.destroy());
    this.#socket.pause();
    this.#clock.setTimer(1_000, () => this.#socket.destroy());
  }

  #end(): void {
    this.#isOver = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}

function decideHello(params: unknown, handler: CallHandler): Result<HelloAnswer> {
  const protocol = (params as { protocol?: unknown } | null)?.protocol;
  if (protocol !== RPC_PROTOCOL) {
    // Only a number is repeated: anything else may be a megabyte.
    const theirs = typeof protocol === 'number' ? protocol : 'none';
    const message = `the daemon (${handler.version}) speaks protocol ${RPC_PROTOCOL}, the client ${theirs}`;
    return fail('rpc.version', message, {
      remedy: 'restart the daemon after an update, or use the program of its version',
    });
  }
  return ok({ protocol: RPC_PROTOCOL, version: handler.version, methods: handler.methods });
}

function notGreeted(): Result<never> {
  return fail('rpc.version', `the first call must be ${HELLO} with the protocol's version`);
}
