import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cargoProblem, debianPackagesFor, describeSources, nodeProblem, npmPackagesDiffer } from './setup-checks.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-setup-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('cargo of Debian 12 is refused with a sentence that names rustup', () => {
  expect(cargoProblem('cargo 1.65.0\n')).toMatch(/^cargo 1\.65 is older than 1\.88; install Rust with rustup/);
  expect(cargoProblem(undefined)).toMatch(/^cargo is missing; install Rust with rustup/);
  expect(cargoProblem('cargo 1.88.0 (873a06493 2025-05-10)\n')).toBeUndefined();
  expect(cargoProblem('cargo 2.0.0\n')).toBeUndefined();
});

test('Node is accepted from 20 on', () => {
  expect(nodeProblem('18.20.4')).toBe('Node 18.20.4 is too old; install Node 20 or later');
  expect(nodeProblem('20.20.2')).toBeUndefined();
});

test('only the packages of missing programs are asked for, and test tools only for tests', () => {
  const isThere = (program: string) => program !== 'ip' && program !== 'iperf3';
  expect(debianPackagesFor('run', isThere)).toEqual(['iproute2']);
  expect(debianPackagesFor('lab', isThere)).toEqual(['iproute2', 'iperf3']);
  expect(debianPackagesFor('lab', () => true)).toEqual([]);
  const isNoBrowserThere = (program: string) => program !== 'chromium';
  expect(debianPackagesFor('lab', isNoBrowserThere)).toEqual([]);
  expect(debianPackagesFor('test', isNoBrowserThere)).toEqual(['chromium']);
});

test('node_modules is left alone when every package that belongs here has the locked version', () => {
  const zod = { version: '4.6.7' };
  const lock = { packages: { '': { version: '0.1.0' }, zod, 'other-platform': { version: '1.0.0', optional: true } } };
  expect(npmPackagesDiffer(lock, { packages: { zod } })).toBe(false);
  expect(npmPackagesDiffer(lock, undefined)).toBe(true);
  expect(npmPackagesDiffer(lock, { packages: {} })).toBe(true);
  expect(npmPackagesDiffer(lock, { packages: { zod: { version: '4.6.6' } } })).toBe(true);
  expect(npmPackagesDiffer(lock, { packages: { zod, stray: { version: '1.0.0' } } })).toBe(true);
});

test('an edited source file calls for a build, an edited note does not', () => {
  writeFileSync(join(folder, 'main.rs'), 'fn main() {}');
  writeFileSync(join(folder, 'notes.md'), 'a');
  const before = describeSources(folder);
  writeFileSync(join(folder, 'notes.md'), 'longer');
  expect(describeSources(folder)).toBe(before);
  utimesSync(join(folder, 'main.rs'), 1, 1);
  expect(describeSources(folder)).not.toBe(before);
});

/** Runs the real set-up with nothing but the given programs on the PATH. */
function setupWith(programs: Readonly<Record<string, string>>) {
  symlinkSync(process.execPath, join(folder, 'node'));
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return spawnSync(process.execPath, [join(import.meta.dirname, 'setup.mjs')], {
    env: { PATH: folder, CARGO_HOME: folder, HOME: folder },
    encoding: 'utf8',
  });
}

test('a missing C compiler ends the set-up with one sentence', () => {
  const { status, stderr } = setupWith({ npm: 'true', cargo: 'echo cargo 1.90.0' });
  expect(status).toBe(1);
  expect(stderr).toBe('setup: a C compiler is missing; on Debian: apt-get install gcc libc6-dev\n');
});

test("the distribution's cargo ends the set-up with one sentence", () => {
  const { status, stderr } = setupWith({ npm: 'true', cc: 'true', cargo: 'echo cargo 1.65.0' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^setup: cargo 1\.65 is older than 1\.88; install Rust with rustup.*\n$/);
});
