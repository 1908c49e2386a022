import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** What a command that ended left behind. */
export interface Outcome {
  /** Exit status; 128 + signal number is not used: a killed command has -1. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly timeoutMs?: number;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A command did not do what the lab needs; the message carries what it said. */
export class CommandFailed extends Error {
  readonly outcome: Outcome;

  constructor(argv: readonly string[], outcome: Outcome) {
    const said = (outcome.stderr || outcome.stdout).trim().slice(-1500);
    super(`${argv.join(' ')} ended with ${outcome.status}: ${said}`);
    this.outcome = outcome;
  }
}

/** Output beyond this is cut at the front; nothing in the lab prints more on purpose. */
const MAX_OUTPUT_LEN = 8 << 20;
const DEFAULT_TIMEOUT_MS = 30_000;

/** Runs a command to its end, whatever its exit status; after the timeout it is killed. */
export function outcomeOf(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const [command, ...args] = argv;
  if (command === undefined) throw new Error('a command needs a name');
  return new Promise((resolve) => {
    // A group of its own: Ctrl-C in the terminal must reach the lab alone, which then tidies up.
    const child = spawn(command, args, {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
    });
    const output = { stdout: '', stderr: '' };
    const keep = (name: 'stdout' | 'stderr') => (chunk: string) => {
      output[name] = (output[name] + chunk).slice(-MAX_OUTPUT_LEN);
    };
    child.stdout.setEncoding('utf8').on('data', keep('stdout'));
    child.stderr.setEncoding('utf8').on('data', keep('stderr'));
    const timer = setTimeout(() => {
      output.stderr += `\nkilled after ${options.timeoutMs ?? DEFAULT_TIMEOUT_MS} ms`;
      killGroup(child, 'SIGKILL');
    }, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    let done = false;
    const finish = (status: number): void => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      resolve({ status, ...output });
    };
    child.on('error', (error) => {
      output.stderr += String(error);
      finish(127);
    });
    // A command may leave something behind that holds its pipes (`start --daemon`): its exit counts.
    child.on('exit', (status) => setTimeout(() => finish(status ?? -1), 200));
    child.on('close', (status) => finish(status ?? -1));
    child.stdin.on('error', () => undefined).end(options.input ?? '');
  });
}

/** Standard output of a command that succeeded; throws {@link CommandFailed} otherwise. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await outcomeOf(argv, options);
  if (outcome.status !== 0) throw new CommandFailed(argv, outcome);
  return outcome.stdout;
}

/** A process that goes on until it is told to stop. */
export interface Running {
  readonly pid: number;
  /** Where its output goes. */
  readonly logFile: string;
  /** Resolves with the exit status when it ends, -1 when it was killed. */
  readonly ended: Promise<number>;
  hasEnded(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** Asks it to end, then makes it. */
  stop(graceMs?: number): Promise<number>;
  /** Writes to its standard input. */
  write(text: string): void;
}

/** Starts a process whose output goes to `logFile`. */
export function start(argv: readonly string[], logFile: string, options: RunOptions = {}): Running {
  const [command, ...args] = argv;
  if (command === undefined) throw new Error('a command needs a name');
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, {
    detached: true,
    stdio: ['pipe', log, log],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  });
  closeSync(log);
  let over = false;
  const ended = new Promise<number>((resolve) => {
    const finish = (status: number): void => {
      over = true;
      resolve(status);
    };
    child.on('error', () => finish(127));
    child.on('exit', (status) => finish(status ?? -1));
  });
  child.stdin?.on('error', () => undefined);
  return {
    pid: child.pid ?? -1,
    logFile,
    ended,
    hasEnded: () => over,
    kill: (signal) => killGroup(child, signal),
    async stop(graceMs = 2000) {
      if (!over) killGroup(child, 'SIGTERM');
      const timer = setTimeout(() => killGroup(child, 'SIGKILL'), graceMs);
      const status = await ended;
      clearTimeout(timer);
      return status;
    },
    write: (text) => void child.stdin?.write(text),
  };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What `probe` found as soon as it finds something; throws, naming `what`, after `timeoutMs`. */
export async function until<T>(what: string, timeoutMs: number, probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let lastError = '';
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined) return found;
    } catch (error) {
      lastError = ` (${error instanceof Error ? error.message : String(error)})`;
    }
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}${lastError}`);
    await sleep(50);
  }
}
