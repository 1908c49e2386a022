import type { CancelTimer, Clock } from '../core/clock.ts';
import { type Failure, fail, failWith, ok, type Result } from '../core/result.ts';
import type { EngineHello, EnginePort } from '../operations/world.ts';
import { EngineConnection } from './engine.ts';
import type { Answer, Call, Event } from './engine-messages.ts';
import { type EngineCommand, type EngineProcess, isAlive, lastWords, startEngine } from './engine-process.ts';

const START_TIMEOUT_MS = 5_000;
const EXTERNAL_TIMEOUT_MS = 15_000;
const POLL_MS = 10;
const BUSY_TIMEOUT_MS = 1_000;
const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 5_000;
/** Draining takes a moment per peer; so long for its answer, and again for its end. */
const SHUTDOWN_TIMEOUT_MS = 8_000;

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly socketPath: string;
  /** How to start it; undefined: somebody else does (systemd), and it is only waited for. */
  readonly command: EngineCommand | undefined;
  readonly log: Record<'info' | 'warn' | 'error', (fields: object, text: string) => void>;
  /** Replaces a running engine instead of adopting it: broken on purpose, so that the lab sees that it notices. */
  readonly isAdoptionOff?: boolean;
}

/** Keeps an engine there: adopts a running one, starts one when there is none, and again when it dies. */
export class EngineSupervisor implements EnginePort {
  readonly #options: SupervisorOptions;
  readonly #onConnected: ((hello: EngineHello) => void)[] = [];
  readonly #onEvent: ((event: Event, droppedEvents: number) => void)[] = [];
  #connection: EngineConnection | undefined;
  #process: EngineProcess | undefined;
  #hello: EngineHello | undefined;
  #backoffMs = BACKOFF_MIN_MS;
  #retry: CancelTimer | undefined;
  #isStopping = false;
  #wasStarted = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  get hello(): EngineHello | undefined {
    return this.#hello;
  }

  /** Whether this daemon started the engine, so that a failed start takes it down again. */
  get wasStarted(): boolean {
    return this.#wasStarted;
  }

  onConnected(listener: (hello: EngineHello) => void): void {
    this.#onConnected.push(listener);
  }

  onEvent(listener: (event: Event, droppedEvents: number) => void): void {
    this.#onEvent.push(listener);
  }

  call(call: Call, timeoutMs?: number): Promise<Result<Answer>> {
    if (!this.#connection) return Promise.resolve(failWith(NOT_REACHABLE));
    return this.#connection.call(call, timeoutMs);
  }

  /** Connects to the running engine, else starts one and waits for it, doing something else `meanwhile`. */
  async start(meanwhile: () => Promise<unknown> = async () => {}): Promise<Result<void>> {
    const { clock, command } = this.#options;
    const running = await this.#adopt();
    if (running.ok && this.#options.isAdoptionOff) await this.#endRunning();
    else if (running.ok || running.error.code !== 'engine.not-reachable') return running;
    if (command) this.#spawn(command);
    await meanwhile();
    const deadlineMs = clock.monotonicMs() + (command ? START_TIMEOUT_MS : EXTERNAL_TIMEOUT_MS);
    for (;;) {
      const connected = await this.#connect();
      if (connected.ok) return connected;
      if (command && !this.#process) return failWith(whyEnded(command));
      if (clock.monotonicMs() > deadlineMs) return connected;
      await new Promise<void>((resolve) => clock.setTimer(command ? POLL_MS : 200, resolve));
    }
  }

  /** Lets go of the engine, which goes on. */
  release(): void {
    this.#isStopping = true;
    this.#retry?.();
    this.#connection?.close();
  }

  /** Has the engine say goodbye, remove all that is its own, and end. */
  async shutDown(): Promise<Result<void>> {
    this.#isStopping = true;
    this.#retry?.();
    const pid = this.#hello?.pid;
    const answer = await this.call({ call: 'shutdown' }, SHUTDOWN_TIMEOUT_MS);
    // It answers first and cleans up then; whoever waits for us waits for that too.
    const ended = answer.ok && pid !== undefined ? await this.#waitForEnd(pid) : ok(undefined);
    this.#connection?.close();
    return answer.ok ? ended : answer;
  }

  // By its number: an engine that was adopted is no child of ours.
  async #waitForEnd(pid: number): Promise<Result<void>> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + SHUTDOWN_TIMEOUT_MS;
    while (isAlive(pid)) {
      if (clock.monotonicMs() > deadlineMs) {
        return fail(
          'engine.timeout',
          `the engine (process ${pid}) has not ended within ${SHUTDOWN_TIMEOUT_MS / 1000} s`,
          {
            remedy: `look at its log, then end it with: kill -9 ${pid}`,
          },
        );
      }
      await new Promise<void>((resolve) => clock.setTimer(POLL_MS, resolve));
    }
    return ok(undefined);
  }

  async #endRunning(): Promise<void> {
    this.#options.log.warn({}, 'the running engine is replaced on purpose: this is for tests only');
    await this.shutDown();
    this.#isStopping = false;
  }

  // A daemon that was killed just now may still hold the engine for a moment.
  async #adopt(): Promise<Result<void>> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + BUSY_TIMEOUT_MS;
    for (;;) {
      const connected = await this.#connect();
      if (connected.ok || connected.error.code !== 'engine.busy' || clock.monotonicMs() > deadlineMs) return connected;
      await new Promise<void>((resolve) => clock.setTimer(POLL_MS, resolve));
    }
  }

  async #connect(): Promise<Result<void>> {
    const opened = await EngineConnection.open(this.#options.socketPath, this.#options.clock);
    if (!opened.ok) return opened;
    const { connection, hello } = opened.value;
    this.#connection = connection;
    this.#hello = hello;
    this.#backoffMs = BACKOFF_MIN_MS;
    connection.onClose = (why) => this.#lost(why);
    connection.onEvent = (event, droppedEvents) => {
      if (droppedEvents > 0) this.#options.log.warn({ droppedEvents }, 'engine events were lost');
      for (const listener of this.#onEvent) listener(event, droppedEvents);
    };
    const { pid, version, instance, generation } = hello;
    this.#options.log.info(
      { pid, version, instance, generation },
      generation > 0 ? 'engine adopted' : 'engine connected',
    );
    for (const listener of this.#onConnected) listener(hello);
    return ok(undefined);
  }

  #lost(why: Failure): void {
    this.#connection = undefined;
    this.#hello = undefined;
    if (this.#isStopping) return;
    this.#options.log.warn({ code: why.code }, `engine lost: ${why.message}`);
    this.#retryLater();
  }

  #retryLater(): void {
    this.#retry?.();
    this.#retry = this.#options.clock.setTimer(this.#backoffMs, () => void this.#recover());
    this.#backoffMs = Math.min(BACKOFF_MAX_MS, this.#backoffMs * 2);
  }

  async #recover(): Promise<void> {
    if (this.#isStopping || this.#connection) return;
    const backoffMs = this.#backoffMs;
    const { command } = this.#options;
    const connected = await this.#connect();
    if (connected.ok) {
      // An engine that dies again at once must not be restarted at full speed.
      this.#backoffMs = backoffMs;
      this.#options.clock.setTimer(BACKOFF_MAX_MS, () => {
        if (this.#connection) this.#backoffMs = BACKOFF_MIN_MS;
      });
      return;
    }
    if (command && !this.#process && connected.error.code === 'engine.not-reachable') this.#spawn(command);
    this.#retryLater();
  }

  #spawn(command: EngineCommand): void {
    const started = startEngine(command);
    this.#process = started;
    this.#wasStarted = true;
    this.#options.log.info({ pid: started.pid }, 'engine started');
    void started.ended.then(({ exit, signal }) => {
      this.#process = undefined;
      if (!this.#isStopping) this.#options.log.error({ exit, signal, said: lastWords(command) }, 'engine ended');
    });
  }
}

const NOT_REACHABLE: Failure = {
  code: 'engine.not-reachable',
  message: 'the engine does not answer; it is being restarted',
  remedy: 'quicether logs says why',
};

function whyEnded(command: EngineCommand): Failure {
  const said = lastWords(command);
  const isPermission = /permission|CAP_NET_ADMIN|EPERM/i.test(said);
  return fail(
    isPermission ? 'engine.permission' : 'engine.start',
    `the engine did not start: ${said || 'it said nothing'}`,
  ).error;
}
