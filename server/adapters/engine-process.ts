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
  return { ended, pid: child.pid };
}

/** Whether a process is there and has not ended, whoever runs it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    // Ended, but nobody has asked for its status yet: the process that should have may be gone.
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}

/** What the engine said before it ended, at most a few lines. */
export function lastWords(command: EngineCommand): string {
  try {
    return readFileSync(command.stderrFile, 'utf8').trim().split('\n').slice(-3).join(' ').slice(-1_000);
  } catch {
    return '';
  }
}
