import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const program = [join(root, 'scripts/quicether')] as const;

/** Whether these tests can run: a built engine, and the right to make namespaces. */
export const canRun = process.getuid?.() === 0 && existsSync(join(root, 'dataplane/target/release/quicether-engine'));

export interface Outcome {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** A box in a network namespace of its own, with a state directory of its own; all gone after {@link remove}. */
export class ContractBox {
  static #count = 0;
  readonly namespace = `qe-contract${process.pid}-${ContractBox.#count++}`;
  readonly folder = mkdtempSync(join(tmpdir(), 'qe-contract-'));
  readonly stateDir: string;
  readonly socket: string;
  readonly #children: ChildProcess[] = [];

  /** `stateBelow`: where in its folder the state is. */
  constructor(stateBelow = 'state') {
    this.stateDir = join(this.folder, stateBelow);
    this.socket = join(this.stateDir, 'quicether.sock');
    execFileSync('ip', ['netns', 'add', this.namespace]);
    execFileSync('ip', ['-n', this.namespace, 'link', 'set', 'lo', 'up']);
  }

  /** Runs `quicether WORDS` to its end. */
  run(words: readonly string[], options: { prefix?: readonly string[]; timeoutMs?: number } = {}): Promise<Outcome> {
    const child = this.#spawn([...(options.prefix ?? []), ...program, ...words]);
    const outcome = { out: '', err: '' };
    child.stdout?.on('data', (chunk: Buffer) => {
      outcome.out += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      outcome.err += chunk.toString();
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 15_000);
    return new Promise((resolve) => {
      // Not `close`: what a command leaves behind in the background may hold its standard error.
      child.once('exit', (status) => {
        clearTimeout(timer);
        setTimeout(() => resolve({ ...outcome, status }), 20);
      });
    });
  }

  /** Starts the daemon in front and waits until it answers. */
  async start(words: readonly string[] = []): Promise<ChildProcess> {
    const child = this.#spawn([...program, 'start', ...words]);
    const at = words.indexOf('--socket');
    const socket = at < 0 ? [] : words.slice(at, at + 2);
    for (let i = 0; i < 100; i++) {
      if (child.exitCode !== null) throw new Error(`the daemon ended with ${child.exitCode}`);
      if ((await this.run(['status', ...socket])).status === 0) return child;
    }
    throw new Error('the daemon did not come up');
  }

  async json<T>(...words: readonly string[]): Promise<T> {
    const { status, out, err } = await this.run([...words, '--json']);
    if (status !== 0) throw new Error(`quicether ${words.join(' ')}: ${status}: ${err}${out}`);
    return JSON.parse(out) as T;
  }

  /** What a program in the namespace prints. */
  inside(...command: readonly string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.namespace, ...command], { encoding: 'utf8' });
  }

  pids(): number[] {
    const text = execFileSync('ip', ['netns', 'pids', this.namespace], { encoding: 'utf8' });
    return text.split('\n').filter(Boolean).map(Number);
  }

  remove(): void {
    for (const pid of this.pids()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
    }
    for (const child of this.#children) child.removeAllListeners();
    execFileSync('ip', ['netns', 'del', this.namespace]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(command: readonly string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.namespace, ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, QUICETHER_STATE_DIR: this.stateDir, QUICETHER_CONFIG: '' },
      cwd: this.folder,
    });
    this.#children.push(child);
    return child;
  }
}

/** Resolves with the exit status of a process. */
export function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', (status) => resolve(status)));
}
