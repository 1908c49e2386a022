import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** What the engine is started with. */
export interface EngineCommand {
  readonly binary: string;
  readonly socketPath: string;
  readonly keyFile: string;
  readonly logFile: string;
  readonly logLevel: string;
  /** Where its last words go when it cannot start. */
  readonly stderrFile: string;
}

export interface EngineProcess {
  /** Resolves when it ends by itself. */
  readonly ended: Promise<{ readonly exit: number | null; readonly signal: string | null }>;
  readonly pid: number | undefined;
  /** Stays until it has ended; until then nothing of it keeps the daemon alive. */
  waitForEnd(): Promise<unknown>;
}

/** Starts the engine in a session of its own, so that it goes on when the daemon is killed. */
export function startEngine(command: EngineCommand): EngineProcess {
  // A file and not a pipe: a pipe would break with the daemon, and so would the engine at its next word.
  const stderr = openSync(command.stderrFile, 'w', 0o600);
  const files = ['--socket', command.socketPath, '--key-file', command.keyFile, '--log-file', command.logFile];
  const args = ['run', ...files, '--log-level', command.logLevel];
  const child = spawn(command.binary, args, { detached: true, stdio: ['ignore', 'ignore', stderr], cwd: '/' });
  closeSync(stderr);
  child.unref();
  const ended = new Promise<{ exit: number | null; signal: string | null }>((resolve) => {
    child.once('error', () => resolve({ exit: 127, signal: null }));
    child.once('exit', (exit, signal) => resolve({ exit, signal }));
  });
  const waitForEnd = (): Promise<unknown> => {
    child.ref();
    return ended;
  };
  return { ended, pid: child.pid, waitForEnd };
}

/** What the engine said before it ended, at most a few lines. */
export function lastWords(command: EngineCommand): string {
  try {
    return readFileSync(command.stderrFile, 'utf8').trim().split('\n').slice(-3).join(' ').slice(-1_000);
  } catch {
    return '';
  }
}
