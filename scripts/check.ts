/*
 * The quick checks, in the order in which they fail fastest. Arguments select some of them:
 * `npm run check -- types lint`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

const root = join(import.meta.dirname, '..');
const bin = (name: string) => join(root, 'node_modules', name);
const node = process.execPath;
const cargo = (...args: string[]): [string, string[]] => {
  const [verb = '', ...rest] = args;
  return ['cargo', [verb, '--manifest-path', 'dataplane/Cargo.toml', ...rest]];
};
const pure = ['wire', 'core', 'bundle'].flatMap((crate) => ['-p', `quicether-${crate}`]);

const steps: Record<string, [string, string[]]> = {
  types: [node, [bin('typescript/bin/tsc'), '--noEmit', '-p', 'tsconfig.json']],
  lint: [node, [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.']],
  unused: [node, [bin('knip/bin/knip.js'), '--no-progress']],
  unit: [node, [bin('vitest/vitest.mjs'), 'run', '--project', 'unit', '--project', 'layout', '--reporter=dot']],
  format: cargo('fmt', '--all', '--check'),
  clippy: cargo('clippy', '-q', ...pure, '--all-targets', '--', '-D', 'warnings'),
  rust: cargo('test', '-q', ...pure),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in steps));
if (unknown.length > 0) {
  process.stderr.write(`check: no step ${unknown.join(', ')}; there are ${Object.keys(steps).join(', ')}\n`);
  process.exit(2);
}

const failed: string[] = [];
for (const [name, [command, args]] of Object.entries(steps)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  if (name === 'types' && !existsSync(join(root, 'server'))) continue;
  const { status, output, seconds } = await runCommand(command, args, { cwd: root, quiet: true });
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(7)} ${seconds.toFixed(1)} s\n`);
  if (status !== 0) {
    process.stdout.write(output.endsWith('\n') ? output : `${output}\n`);
    failed.push(name);
  }
}
if (failed.length > 0) process.stdout.write(`check: failed: ${failed.join(', ')}\n`);
process.exitCode = failed.length > 0 ? 1 : 0;
