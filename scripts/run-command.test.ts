import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from './run-command.ts';

const quiet = { quiet: true } as const;

test('status and output of a command', async () => {
  const outcome = await runCommand('sh', ['-c', 'echo out; echo err >&2; exit 3'], quiet);
  expect(outcome.status).toBe(3);
  expect(outcome.output.split('\n').sort()).toEqual(['', 'err', 'out']);
});

test('a program that is not there has status 127', async () => {
  expect((await runCommand('no-such-program-here', [], quiet)).status).toBe(127);
});

test('what runs too long is ended with its children', async () => {
  const startMs = performance.now();
  const outcome = await runCommand('sh', ['-c', 'sleep 30 & wait'], { ...quiet, timeoutMs: 100 });
  expect(outcome.status).toBe(128 + 15);
  expect(performance.now() - startMs).toBeLessThan(5000);
});

test('after an interrupt the command cleans up and nothing new begins', async () => {
  const module = join(import.meta.dirname, 'run-command.ts');
  const program = `
    import { runCommand } from '${module}';
    await runCommand('sh', ['-c', 'trap "echo cleaned; exit 1" INT; echo ready; while :; do sleep 0.05; done']);
    await runCommand('echo', ['next']);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes('ready') && !said.includes('cleaned')) child.kill('SIGINT');
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  expect(said).toContain('cleaned');
  expect(said).not.toContain('next');
  expect(status).toBe(130);
});
