import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** The login shell of the administrator, with a quicether that says its words. */
const SHELL = join(import.meta.dirname, '../overlay/usr/lib/quicether/box/shell');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-shell-'));
  writeFileSync(join(folder, 'quicether'), '#!/bin/sh\nfor word; do printf "[%s]" "$word"; done; echo\n', {
    mode: 0o755,
  });
});
afterEach(() => rmSync(folder, { recursive: true }));

function ask(args: readonly string[], input = '', env: Record<string, string> = {}) {
  const path = `${folder}:/usr/bin:/bin`;
  return spawnSync('sh', [SHELL, ...args], { input, cwd: folder, encoding: 'utf8', env: { PATH: path, ...env } });
}

test('what comes over SSH is the words of one command', () => {
  expect(ask(['-c', 'status --json']).stdout).toBe('[status][--json]\n');
  expect(ask(['-c', 'quicether peers accept qe1x']).stdout).toBe('[peers][accept][qe1x]\n');
});

test('nothing in a line is anything but a word', () => {
  const line = 'status; touch made $(touch made) `touch made` && touch made | touch made > made * $HOME "a b"';
  const expected = line
    .split(' ')
    .map((word) => `[${word}]`)
    .join('');
  expect(ask(['-c', line]).stdout).toBe(`${expected}\n`);
  expect(ask([], `${line}\nexit\n`).stdout).toContain(expected);
  expect(existsSync(join(folder, 'made'))).toBe(false);
});

test('other programs, such as those that copy files, are words too', () => {
  expect(ask(['-c', '/usr/lib/openssh/sftp-server']).stdout).toBe('[/usr/lib/openssh/sftp-server]\n');
  expect(ask(['-c', 'sh']).stdout).toBe('[sh]\n');
});

test('restart and reset are asked of the program over SSH, and the end of input ends the shell', () => {
  expect(ask(['-c', 'factory-reset']).stdout).toBe('[factory-reset]\n');
  expect(ask([], '').status).not.toBeNull();
});

test('at the screen a reset that is not confirmed in words changes nothing', () => {
  const said = ask([], 'factory-reset\nyes\nexit\n', { QUICETHER_SCREEN: '1' });
  expect(said.stdout).toContain('Nothing was changed.');
  expect(said.status).toBe(0);
});
