import { runCommand } from '../../scripts/run-command.ts';

/** A failure that a person can do something about: said in one sentence, without a stack. */
export class BuildStop extends Error {}

/** Says what is done, and afterwards how long it took. */
export async function step<T>(title: string, work: () => Promise<T> | T): Promise<T> {
  const startMs = performance.now();
  process.stdout.write(`image: ${title} ...\n`);
  const value = await work();
  process.stdout.write(`image: ${title}: ${((performance.now() - startMs) / 1000).toFixed(1)} s\n`);
  return value;
}

export type RunOptions = { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string };

/** Runs a program quietly and gives what it said; its failure stops the build with its last words. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, output } = await runCommand(program, args, { ...options, quiet: true, timeoutMs: 900_000 });
  if (status !== 0) throw new BuildStop(`${program} failed with status ${status}:\n${output.slice(-3000)}`);
  return output;
}

/** The same for a few lines of shell, where programs hand bytes to each other. */
export const shell = (script: string, args: readonly string[] = [], options: RunOptions = {}): Promise<string> =>
  run('bash', ['-euo', 'pipefail', '-c', script, 'image', ...args], options);
