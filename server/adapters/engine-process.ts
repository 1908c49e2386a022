import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail, ok, type Result } from '../core/result.ts';

/** What the engine is started with. */
export interface EngineCommand {
  readonly binary: string;
  readonly socketPath: string;
  readonly keyFile: string;
  readonly logFile: string;
  /** Where its last words go when it cannot start. */
  readonly stderrFile: string;
}

export interface EngineProcess {
  /** Resolves when it ends by itself. */
  readonly ended: Promise<{ readonly exit: number | null; readonly signal: string | null }>;
  readonly pid: number | undefined;
}

/** The engine's program: named by the environment, beside an installed daemon, or built in a checkout. */
export function findEngine(env: Readonly<Record<string, string | undefined>>): Result<string> {
  const here = dirname(fileURLToPath(import.meta.url));
  const named = env['QUICETHER_ENGINE'];
  const candidates = named
    ? [named]
    : [
        join(here, 'quicether-engine'),
        join(here, '../quicether-engine'),
        join(here, '../../dataplane/target/release/quicether-engine'),
        join(here, '../dataplane/target/release/quicether-engine'),
        '/usr/lib/quicether/quicether-engine',
      ];
  const found = candidates.find((path) => existsSync(path));
  if (!found) {
    return fail('engine.missing', `the engine's program is missing: looked for ${candidates.join(', ')}`, {
      remedy: 'build it with: npm run setup, or name it in QUICETHER_ENGINE',
    });
  }
  try {
    accessSync(found, constants.X_OK);
    return ok(found);
  } catch {
    return fail('engine.missing', `${found} cannot be executed`, { remedy: `chmod 755 ${found}` });
  }
}

/** Starts the engine in a session of its own, so that it goes on when the daemon is killed. */
export function startEngine(command: EngineCommand): EngineProcess {
  // A file and not a pipe: a pipe would break with the daemon, and so would the engine at its next word.
  const stderr = openSync(command.stderrFile, 'w', 0o600);
  const args = ['run', '--socket', command.socketPath, '--key-file', command.keyFile, '--log-file', command.logFile];
  const child = spawn(command.binary, args, { detached: true, stdio: ['ignore', 'ignore', stderr], cwd: '/' });
  closeSync(stderr);
  child.unref();
  const ended = new Promise<{ exit: number | null; signal: string | null }>((resolve) => {
    child.once('error', () => resolve({ exit: 127, signal: null }));
    child.once('exit', (exit, signal) => resolve({ exit, signal }));
  });
  return { ended, pid: child.pid };
}

/** What the engine said before it ended, at most a few lines. */
export function lastWords(command: EngineCommand): string {
  try {
    return readFileSync(command.stderrFile, 'utf8').trim().split('\n').slice(-3).join(' ').slice(-1_000);
  } catch {
    return '';
  }
}
