import { spawn } from 'node:child_process';
import { constants, homedir } from 'node:os';
import { join } from 'node:path';

export type CommandOutcome = { readonly status: number; readonly output: string; readonly seconds: number };

export type CommandOptions = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the command and its children when it runs longer. */
  readonly timeoutMs?: number;
  /** Keeps the output to itself. */
  readonly quiet?: boolean;
};

/** Bytes of output kept for whoever counts in it; the beginning goes first. */
const KEPT_OUTPUT_BYTES = 4 << 20;
/** What a command that has to end gets to clean up after itself. */
const GRACE_MS = 20_000;

// rustup's cargo before the distribution's, as the set-up chose it.
const rustup = join(process.env['CARGO_HOME'] ?? join(homedir(), '.cargo'), 'bin');
const path = `${rustup}:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

const running = new Set<(signal: NodeJS.Signals) => void>();
let interruptedStatus: number | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interruptedStatus = 128 + constants.signals[signal];
    for (const end of running) end(signal);
    exitWhenInterrupted();
  });
}

/** Nothing new is begun after Ctrl-C, but what runs may clean up first. */
function exitWhenInterrupted() {
  if (interruptedStatus !== undefined && running.size === 0) process.exit(interruptedStatus);
}

/**
 * Runs a command to its end, its output shown as it comes, and tells its status and output.
 *
 * The command leads a process group of its own, so that an end by timeout or Ctrl-C reaches its
 * children too. A command that cannot be started has status 127, one ended by a signal 128 and more.
 */
export function runCommand(command: string, args: readonly string[], options: CommandOptions = {}) {
  const startMs = performance.now();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, PATH: path, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const take = (target: NodeJS.WriteStream) => (chunk: Buffer) => {
    if (!options.quiet) target.write(chunk);
    output = (output + chunk.toString('utf8')).slice(-KEPT_OUTPUT_BYTES);
  };
  child.stdout.on('data', take(process.stdout));
  child.stderr.on('data', take(process.stderr));
  const end = (signal: NodeJS.Signals) => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // The group has ended by itself.
    }
  };
  running.add(end);
  let killer: NodeJS.Timeout | undefined;
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          process.stderr.write(`${command}: still running after ${options.timeoutMs} ms, ending it\n`);
          end('SIGTERM');
          killer = setTimeout(() => end('SIGKILL'), GRACE_MS);
        }, options.timeoutMs);
  return new Promise<CommandOutcome>((resolve) => {
    const finish = (status: number) => {
      clearTimeout(timer);
      clearTimeout(killer);
      running.delete(end);
      exitWhenInterrupted();
      resolve({ status, output, seconds: (performance.now() - startMs) / 1000 });
    };
    child.on('error', (error) => {
      process.stderr.write(`${command}: ${error.message}\n`);
      finish(127);
    });
    child.on('close', (code, signal) => finish(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}
