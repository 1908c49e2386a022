import type { Clock } from '../core/clock.ts';
import { type Failure, fail, failWith, type Result } from '../core/result.ts';
import { type CallOptions, RpcClient } from '../rpc/client.ts';

/** Who asks, and whether the answer may take its time. */
export interface DaemonCall {
  readonly onBehalf: NonNullable<CallOptions['onBehalf']>;
  readonly timeoutMs?: number | undefined;
  /** It waits on purpose (`wait_ms`) or carries much: kept apart from quick ones. */
  readonly waits?: boolean | undefined;
}

/** The daemon as the front sees it. */
export interface Daemon {
  call(method: string, params: object, call: DaemonCall): Promise<Result<unknown>>;
}

/** Connections for quick calls, and for those that wait. */
const QUICK_LINES = 3;
const PATIENT_LINES = 4;
/** For passwords and codes, which are slowed down on purpose while somebody guesses: nobody else waits for that. */
const GUARDED_LINES = 2;
const GUARDED: ReadonlySet<string> = new Set([
  'SignIn',
  'SignInCode',
  'Claim',
  'ProvePassword',
  'ChangePassword',
  'AddUser',
]);
/** Below what the daemon lets one connection have unanswered (16), so that it never has to refuse. */
const MOST_ON_A_LINE = 12;
/** Calls that wait for a line; more are told that it is busy. */
const MOST_WAITING = 256;
/** The same of passwords and codes. */
const MOST_GUARDED_WAITING = 64;
/** Of one session (or address): nobody fills the queue for the others. */
export const MOST_OF_ONE = 96;
/** The same of calls that wait: a third of the places for these, so that uploads and exports of others go on. */
export const MOST_PATIENT_OF_ONE = 16;
/** For a page to be answered; what waits on purpose says its own. */
const QUICK_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 3_000;
/** After a failed connection: calls fail at once instead of each trying again. */
const RETRY_MS = 400;

interface Line {
  client: RpcClient | undefined;
  opening: Promise<Result<RpcClient>> | undefined;
  inUse: number;
}

type Kind = 'quick' | 'patient' | 'guarded';

interface Waiting {
  readonly kind: Kind;
  readonly go: (line: Line) => void;
}

/** Told once when the daemon cannot be reached, and why; with nothing when it is back. */
export type TellDaemon = (failure: Failure | undefined) => void;

/** Opens a connection as a front: without rights of its own. */
export type OpenLine = () => Promise<Result<RpcClient>>;

export function openFront(path: string, version: string): OpenLine {
  return () => RpcClient.connect(path, `quicether web ${version}`, { front: true, timeoutMs: CONNECT_TIMEOUT_MS });
}

/** A few connections to the daemon, opened when needed and again when it was away; calls share them, bounded. */
export class DaemonLines implements Daemon {
  readonly #open: OpenLine;
  readonly #clock: Clock;
  readonly #lines: Readonly<Record<Kind, readonly Line[]>> = {
    quick: makeLines(QUICK_LINES),
    patient: makeLines(PATIENT_LINES),
    guarded: makeLines(GUARDED_LINES),
  };
  readonly #waiting: Waiting[] = [];
  readonly #ofOne = new Map<string, number>();
  #lastFailure: { readonly atMs: number; readonly failure: Failure } | undefined;
  readonly #tell: TellDaemon;
  #isClosed = false;

  constructor(open: OpenLine, clock: Clock, tell: TellDaemon = () => undefined) {
    this.#open = open;
    this.#clock = clock;
    this.#tell = tell;
  }

  async call(method: string, params: object, call: DaemonCall): Promise<Result<unknown>> {
    const { session, token, source } = call.onBehalf;
    const kind = GUARDED.has(method) ? 'guarded' : call.waits === true ? 'patient' : 'quick';
    const who = `${kind} ${session ?? token ?? source}`;
    const before = this.#ofOne.get(who) ?? 0;
    if (before >= (kind === 'patient' ? MOST_PATIENT_OF_ONE : MOST_OF_ONE) || this.#isCrowded(kind)) return busy();
    this.#ofOne.set(who, before + 1);
    const line = await this.#take(kind);
    try {
      const client = await this.#connected(line);
      if (!client.ok) return client;
      // The methods' types are the concern of who asks.
      const ask = client.value.call.bind(client.value) as unknown as UntypedCall;
      const { onBehalf, timeoutMs = QUICK_TIMEOUT_MS } = call;
      return await ask(method, params, { onBehalf, timeoutMs });
    } finally {
      this.#leave(line, kind);
      const left = (this.#ofOne.get(who) ?? 1) - 1;
      if (left > 0) this.#ofOne.set(who, left);
      else this.#ofOne.delete(who);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const lines of Object.values(this.#lines)) for (const line of lines) line.client?.close();
  }

  #isCrowded(kind: Kind): boolean {
    const guarded = this.#waiting.filter((one) => one.kind === 'guarded').length;
    if (kind === 'guarded') return guarded >= MOST_GUARDED_WAITING;
    return this.#waiting.length - guarded >= MOST_WAITING;
  }

  #take(kind: Kind): Promise<Line> {
    const line = freest(this.#lines[kind]);
    if (line) {
      line.inUse++;
      return Promise.resolve(line);
    }
    return new Promise((resolve) => this.#waiting.push({ kind, go: resolve }));
  }

  /** The place on the line goes to who waits longest for one of its kind. */
  #leave(line: Line, kind: Kind): void {
    const next = this.#waiting.findIndex((one) => one.kind === kind);
    const [waiting] = next < 0 ? [] : this.#waiting.splice(next, 1);
    if (waiting) waiting.go(line);
    else line.inUse--;
  }

  async #connected(line: Line): Promise<Result<RpcClient>> {
    if (this.#isClosed) return fail('daemon.not-reachable', 'this page server is closing');
    if (line.client) return { ok: true, value: line.client };
    const last = this.#lastFailure;
    if (last && this.#clock.monotonicMs() - last.atMs < RETRY_MS) return failWith(last.failure);
    line.opening ??= this.#openLine(line);
    return line.opening;
  }

  async #openLine(line: Line): Promise<Result<RpcClient>> {
    const opened = await this.#open();
    line.opening = undefined;
    if (!opened.ok) {
      if (this.#lastFailure?.failure.code !== opened.error.code) this.#tell(opened.error);
      this.#lastFailure = { atMs: this.#clock.monotonicMs(), failure: opened.error };
      return opened;
    }
    if (this.#lastFailure) this.#tell(undefined);
    this.#lastFailure = undefined;
    line.client = opened.value;
    void opened.value.closed.then(() => {
      if (line.client === opened.value) line.client = undefined;
    });
    if (this.#isClosed) opened.value.close();
    return opened;
  }
}

type UntypedCall = (
  method: string,
  params: object,
  options: { onBehalf: DaemonCall['onBehalf']; timeoutMs: number },
) => Promise<Result<unknown>>;

function makeLines(count: number): readonly Line[] {
  return Array.from({ length: count }, () => ({ client: undefined, opening: undefined, inUse: 0 }));
}

/** An open one that is used least, before a new one is opened; undefined when all are full. */
function freest(lines: readonly Line[]): Line | undefined {
  let best: Line | undefined;
  for (const line of lines) {
    if (line.inUse >= MOST_ON_A_LINE) continue;
    if (!best || line.inUse < best.inUse) best = line;
    if (line.inUse === 0) break;
  }
  return best;
}

function busy(): Result<never> {
  return fail('rpc.busy', 'too many questions wait for the daemon', { remedy: 'wait a few seconds and try again' });
}
