import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, describe, expect, test } from 'vitest';
import { register as registerCompletion } from '../../server/cli/completion.ts';
import { register as registerConfig } from '../../server/cli/config.ts';
import { register as registerInit } from '../../server/cli/init.ts';
import { runCli } from './cli-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'quicether-completion-'));
afterAll(() => rmSync(folder, { recursive: true }));

function script(shell: string): string {
  const secret = (program: Command): void => void program.command('secret', { hidden: true });
  const { out } = runCli([registerConfig, registerInit, registerCompletion, secret], ['completion', shell]);
  const path = join(folder, `completion.${shell}`);
  writeFileSync(path, `${out}\n`);
  return path;
}

/** What each shell really offers for a line that ends where the cursor is. */
const SHELLS: Record<string, (path: string, words: readonly string[]) => { command: string; args: string[] }> = {
  bash: (path, words) => ({
    command: 'bash',
    // compopt works only while a person presses Tab.
    args: [
      '--norc',
      '-c',
      `source "$1"; shift; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _quicether; printf '%s\\n' "\${COMPREPLY[@]}"`,
      'bash',
      path,
      ...words,
    ],
  }),
  zsh: (path, words) => ({
    command: 'zsh',
    args: [
      '-f',
      '-c',
      `compdef() { : }; compadd() { shift; print -l -- "$@" }; _files() { print -l -- *(N) }; _describe() { print -l -- "\${(@P)2}" }; file=$1; shift; source $file; words=("$@"); CURRENT=$#; PREFIX=$words[-1]; _quicether | sed 's/:.*//' | { grep -e "^\${words[-1]}" || true }`,
      'zsh',
      path,
      ...words,
    ],
  }),
  fish: (path, words) => ({
    command: 'fish',
    args: ['--no-config', '-c', `source ${path}; complete -C '${words.join(' ')}' | string split -f1 \\t; true`],
  }),
};

describe.each(Object.keys(SHELLS))('%s', (shell) => {
  const isThere = spawnSync(shell, ['--version']).status === 0;
  const offers = (...words: string[]): string[] => {
    const { command, args } = SHELLS[shell]!(script(shell), words);
    const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', cwd: folder });
    expect([stderr, status]).toEqual(['', 0]);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .sort();
  };

  // bash is on every machine that can run the tests; the others are tested where they are.
  test.skipIf(!isThere && shell !== 'bash')('completes commands, options and values', () => {
    expect(offers('quicether', '')).toEqual(['completion', 'config', 'help', 'init']);
    expect(offers('quicether', 'co')).toEqual(['completion', 'config']);
    expect(offers('quicether', 'config', '')).toEqual(['edit', 'help', 'show', 'validate']);
    expect(offers('quicether', 'config', 'show', '--o')).toEqual(['--origin']);
    expect(offers('quicether', 'config', '--json', 'show', '--o')).toEqual(['--origin']);
    expect(offers('quicether', 'init', '--role', '')).toEqual(['enterprise', 'gateway', 'standard']);
    expect(offers('quicether', 'init', '--role', 'ga')).toEqual(['gateway']);
    expect(offers('quicether', 'completion', '')).toEqual(['bash', 'fish', 'zsh']);
    expect(offers('quicether', 'init', '--name', '')).toEqual([]);
    const files = offers('quicether', 'config', 'validate', '--config', '');
    expect(files).toContain(`completion.${shell}`);
    expect(offers('quicether', 'config', 'validate', 'comple')).toContain(`completion.${shell}`);
  });
});
