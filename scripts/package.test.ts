import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RUST_PROGRAMS } from './package-stage.ts';

const root = join(import.meta.dirname, '..');
const UNITS = ['quicether', 'quicether-engine', 'quicether-web', 'quicether-system'];
const MOST_EXPOSURE = 2.5;
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

test.runIf(has('systemd-analyze')).each(UNITS)('%s.service is hardened: exposure below 2.5', (unit) => {
  const file = join(root, 'packaging', `${unit}.service`);
  const said = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', file], { encoding: 'utf8' });
  const exposure = /Overall exposure level for .*: ([\d.]+)/.exec(said.stdout)?.[1];
  expect(exposure, said.stdout + said.stderr).toBeDefined();
  expect(Number(exposure)).toBeLessThan(MOST_EXPOSURE);
});

test('daemon and pages have no capability, the engine has one, the root helper two', () => {
  const capabilities = (unit: string) =>
    readFileSync(join(root, `packaging/${unit}.service`), 'utf8')
      .split('\n')
      .filter((line) => /^(Ambient|CapabilityBounding)/.test(line));
  for (const unit of ['quicether', 'quicether-web']) {
    expect(capabilities(unit)).toEqual(['CapabilityBoundingSet=', 'AmbientCapabilities=']);
  }
  expect(capabilities('quicether-system')).toEqual([
    'CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_SYS_ADMIN',
    'AmbientCapabilities=',
  ]);
  expect(capabilities('quicether-engine')).toEqual([
    'AmbientCapabilities=CAP_NET_ADMIN',
    'CapabilityBoundingSet=CAP_NET_ADMIN',
  ]);
});

describe.runIf(has('dpkg-deb'))('the package', () => {
  let tree = '';
  const file = (path: string) => join(tree, path);
  const run = (program: string, ...args: string[]) =>
    spawnSync(file(program), args, { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', HOME: tree } });

  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'qe-package-'));
    const made = spawnSync(process.execPath, [join(root, 'scripts/package.ts')], { encoding: 'utf8' });
    expect(made.status, made.stdout + made.stderr).toBe(0);
    const [deb = ''] = globSync(join(root, 'build/quicether_*.deb'));
    expect(spawnSync('dpkg-deb', ['--raw-extract', deb, tree]).status).toBe(0);
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  test('holds everything that its units start', () => {
    for (const unit of globSync(file('usr/lib/systemd/system/*.service'))) {
      const started = /^ExecStart=(.*)$/m.exec(readFileSync(unit, 'utf8'))?.[1]?.split(' ') ?? [];
      const programs = started.filter((word) => word.startsWith('/usr/'));
      expect(programs.length).toBeGreaterThan(0);
      for (const program of programs) expect(existsSync(file(program)), program).toBe(true);
    }
  });

  test('runs from an extracted tree, without node_modules', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const said = run('usr/lib/quicether/node', file('usr/lib/quicether/quicether.js'), '--version');
    expect(said.stdout + said.stderr).toContain(version);
    expect(said.status).toBe(0);
    for (const program of RUST_PROGRAMS) {
      expect(run(`usr/lib/quicether/${program}`, '--version').stdout).toContain(version);
    }
  });

  test('has what pages load, and no source of it', () => {
    const assets = globSync('*', { cwd: file('usr/lib/quicether/assets') });
    expect(assets).toEqual(expect.arrayContaining(['style.css', 'htmx.js', 'icons.svg']));
    expect(assets.filter((name) => name.endsWith('.ts'))).toEqual([]);
  });

  test('its configuration is valid', () => {
    const config = file('etc/quicether/config.toml');
    const said = run(
      'usr/lib/quicether/node',
      file('usr/lib/quicether/quicether.js'),
      'config',
      'validate',
      '--config',
      config,
    );
    expect(said.stderr).toBe('');
    expect(said.status).toBe(0);
  });

  test('completes commands in bash', () => {
    const completion = file('usr/share/bash-completion/completions/quicether');
    expect(existsSync(completion)).toBe(true);
    expect(spawnSync('bash', ['-n', completion]).status).toBe(0);
  });

  test('its maintainer scripts are sound shell, and nobody but root can write anything', () => {
    for (const script of ['postinst', 'prerm', 'postrm']) {
      expect(spawnSync('sh', ['-n', file(`DEBIAN/${script}`)]).status, script).toBe(0);
    }
    for (const path of globSync(file('**/*'))) expect(statSync(path).mode & 0o022, path).toBe(0);
  });

  test('asks for the C library that its programs need', () => {
    const control = readFileSync(file('DEBIAN/control'), 'utf8');
    expect(control).toMatch(/^Depends: libc6 \(>= 2\.\d+\)/m);
    expect(control).toMatch(/^Version: \d/m);
  });
});
