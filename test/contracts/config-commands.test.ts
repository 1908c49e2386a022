import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configFiles } from '../../server/adapters/config-file.ts';
import { keyTool } from '../../server/adapters/key-tool.ts';
import { register as registerConfig } from '../../server/cli/config.ts';
import { register as registerInit } from '../../server/cli/init.ts';
import { register as registerKeygen } from '../../server/cli/keygen.ts';
import { FAKE_NODE_ID, runCli } from './cli-world.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quicether-config-'));
  file = join(folder, 'config.toml');
});
afterEach(() => rmSync(folder, { recursive: true }));

const run = (args: readonly string[], env: Record<string, string> = {}) =>
  runCli([registerConfig, registerInit, registerKeygen], args, { env, cwd: folder });

describe('config show', () => {
  test('says where each value comes from, as text that is a configuration file again', () => {
    writeFileSync(file, '[monitoring]\nlog_level = "warn"\n');
    const { out, exit } = run(['config', 'show', '--origin', '--config', file], { QUICETHER_TUN_NAME: 'qe7' });
    expect(exit).toBe(0);
    expect(out).toContain(`log_level = "warn"  # ${file}:2`);
    expect(out).toContain('tun_name = "qe7"  # QUICETHER_TUN_NAME');
    expect(out).toContain('mtu = 1500  # default');
    writeFileSync(file, out);
    expect(run(['config', 'validate', file]).exit).toBe(0);
  });

  test('has the keys of the file in JSON', () => {
    writeFileSync(file, `[network]\ntun_addr = "100.64.3.7/16"\n[[peers]]\nnode_id = "${FAKE_NODE_ID}"\n`);
    const shown = JSON.parse(run(['config', 'show', '--origin', '--json', '-c', file]).out);
    expect(shown).toMatchObject({
      network: { tun_addr: ['100.64.3.7/16'], mtu: 1500 },
      multipath: { policies: { interactive_max_rtt_ms: null } },
      peers: [{ node_id: FAKE_NODE_ID, prefixes: [] }],
      origins: { 'network.tun_addr': { kind: 'file', file, line: 2, column: 1 }, 'network.mtu': { kind: 'default' } },
    });
  });

  test('without any file shows the defaults, but a file that was asked for must be there', () => {
    expect(run(['config', 'show'], { HOME: folder }).out).toContain('name = "testbox"');
    expect(run(['config', 'show', '-c', file])).toEqual({
      out: '',
      err: `${file}: there is no such file (make one with quicether init)`,
      exit: 1,
    });
  });
});

describe('config validate', () => {
  test('prints every mistake with its place and ends with 1', () => {
    writeFileSync(file, '[network]\ntun_addr = "100.64.0.300/16"\nmtuu = 3\n');
    expect(run(['config', 'validate', file])).toEqual({
      out: '',
      err: `${file}:2:12: network.tun_addr: "100.64.0.300/16" is not an address: each part goes up to 255\n${file}:3:1: network.mtuu: unknown key; did you mean "network.mtu"?`,
      exit: 1,
    });
    const { out, exit } = run(['config', 'validate', '--json', file]);
    expect(exit).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      file,
      valid: false,
      errors: [
        { code: 'settings.value', file, line: 2, column: 12 },
        { code: 'settings.unknown-key', line: 3 },
      ],
      notices: [],
    });
  });

  test('says which keys have no effect yet, and that the file is valid', () => {
    writeFileSync(file, '[multipath]\nmode = "failover"\n');
    expect(run(['config', 'validate', file])).toEqual({
      out: `${file}:2:1: multipath.mode: accepted, but without effect: this feature is not built yet\n${file}: valid`,
      err: '',
      exit: 0,
    });
  });

  test('without FILE takes the one in force, and the environment with it', () => {
    writeFileSync(file, '');
    const env = { QUICETHER_CONFIG: file, QUICETHER_NETWORK_MTU: 'big' };
    expect(run(['config', 'validate'], env)).toEqual({
      out: '',
      err: 'QUICETHER_NETWORK_MTU: "big" is not a whole number',
      exit: 1,
    });
    expect(run(['config', 'validate', file], env).exit).toBe(0);
  });

  test('a folder, a missing file and too many arguments are told apart', () => {
    expect(run(['config', 'validate', folder])).toMatchObject({ err: `${folder}: is not a file`, exit: 1 });
    expect(run(['config', 'validate', file])).toMatchObject({ err: `${file}: there is no such file`, exit: 1 });
    expect(run(['config', 'validate', file, file]).exit).toBe(2);
  });
});

describe('config edit', () => {
  /** An editor that puts this text into the file. */
  const editor = (text: string): string => {
    const path = join(folder, 'editor');
    const content = join(folder, 'content');
    writeFileSync(content, text);
    writeFileSync(path, `#!/bin/sh\ncat '${content}' > "$2"\n`);
    chmodSync(path, 0o755);
    return `${path} --wait`;
  };

  test('puts a valid change in place, keeping the mode and the link to the file', () => {
    const link = join(folder, 'link.toml');
    writeFileSync(file, '# old\n', { mode: 0o600 });
    symlinkSync(file, link);
    const { out, exit } = run(['config', 'edit', '-c', link], { EDITOR: editor('[network]\nmtu = 1400\n') });
    expect([out, exit]).toEqual([`${link}: changed; takes effect when quicether starts again`, 0]);
    expect(readFileSync(file, 'utf8')).toBe('[network]\nmtu = 1400\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('leaves the old file when the new one is wrong, and says where the draft is', () => {
    writeFileSync(file, '# old\n');
    const { err, exit } = run(['config', 'edit', '-c', file], {
      VISUAL: editor('[network]\nmtu = 1\n'),
      EDITOR: 'false',
    });
    expect(exit).toBe(1);
    expect(readFileSync(file, 'utf8')).toBe('# old\n');
    const [, draft = ''] = /your draft is (.*)$/.exec(err) ?? [];
    expect(err).toContain(`${draft}:2:7: network.mtu: 1 is out of range`);
    expect(readFileSync(draft, 'utf8')).toBe('[network]\nmtu = 1\n');
    rmSync(join(draft, '..'), { recursive: true });
  });

  test('starts from a template where there is no file, and does nothing when nothing was changed', () => {
    expect(run(['config', 'edit', '-c', file], { EDITOR: 'true' })).toEqual({
      out: `${file}: nothing changed`,
      err: '',
      exit: 0,
    });
    expect(existsSync(file)).toBe(false);
    expect(run(['config', 'edit', '-c', file], { EDITOR: editor('version = 1\n') }).exit).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe('version = 1\n');
  });

  test('an editor that fails or is not there changes nothing', () => {
    writeFileSync(file, '# old\n');
    expect(run(['config', 'edit', '-c', file], { EDITOR: 'false' })).toMatchObject({
      err: 'the editor false failed; nothing was changed',
      exit: 1,
    });
    expect(run(['config', 'edit', '-c', file], { EDITOR: '/nonexistent/ed' })).toMatchObject({
      err: 'there is no editor /nonexistent/ed (set VISUAL or EDITOR)',
      exit: 1,
    });
  });

  test('does not overwrite what somebody else wrote meanwhile', () => {
    writeFileSync(file, '# old\n');
    const racing = join(folder, 'racing');
    writeFileSync(racing, `#!/bin/sh\necho '# theirs' > '${file}'\necho '# mine' > "$1"\n`);
    chmodSync(racing, 0o755);
    const { err, exit } = run(['config', 'edit', '-c', file], { EDITOR: racing });
    expect([exit, readFileSync(file, 'utf8')]).toEqual([1, '# theirs\n']);
    expect(err).toContain('somebody else changed it');
  });
});

describe('init and keygen', () => {
  const stateDir = () => join(folder, 'state');

  test('writes a file that is valid and says who this box is; a second time leaves all as it is', () => {
    const keyFile = join(folder, 'node.key');
    const args = [
      'init',
      '-c',
      file,
      '--role',
      'gateway',
      '--name',
      'York "1"',
      '--bootstrap-mode',
      '--key-file',
      keyFile,
    ];
    const first = run(args);
    expect([first.err, first.exit]).toEqual(['', 0]);
    expect(first.out).toContain(`This box is ${FAKE_NODE_ID}`);
    const shown = JSON.parse(run(['config', 'show', '--json', '-c', file]).out);
    expect(shown.node).toMatchObject({ role: 'gateway', name: 'York "1"', key_file: keyFile });
    expect(shown.discovery.bootstrap_mode).toBe(true);
    const before = readFileSync(file, 'utf8');
    const again = JSON.parse(run([...args.slice(0, 3), '--name', 'Leeds', '--json']).out);
    expect(again).toEqual({
      node_id: FAKE_NODE_ID,
      config: file,
      config_made: false,
      key_file: keyFile,
      key_made: false,
    });
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  test('a wrong value writes nothing at all', () => {
    const { err, exit } = run(['init', '-c', file, '--role', 'gatway', '--state-dir', stateDir()]);
    expect([exit, existsSync(file), existsSync(stateDir())]).toEqual([2, false, false]);
    expect(err).toBe('--role: "gatway" is not one of standard, gateway, enterprise; did you mean "gateway"?');
  });

  test('keygen prints the NodeId', () => {
    const keyFile = join(folder, 'k');
    expect(run(['keygen', '--key-file', 'k'])).toEqual({ out: FAKE_NODE_ID, err: '', exit: 0 });
    expect(existsSync(keyFile)).toBe(true);
  });
});

describe('the engine as the tool for keys', () => {
  const engine = (script: string): Record<string, string> => {
    const path = join(folder, 'engine');
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return { QUICETHER_ENGINE: path };
  };
  const make = (env: Record<string, string>) => keyTool(env, '/nonexistent/main.ts').make('/k');

  test('is asked with the key file, and its answer is checked', () => {
    expect(make(engine(`[ "$*" = "keygen --key-file /k" ] && echo ${FAKE_NODE_ID}`))).toEqual({
      ok: true,
      value: FAKE_NODE_ID,
    });
    expect(make(engine('echo qe1nonsense'))).toMatchObject({ error: { code: 'node-id.checksum' } });
  });

  test('its refusals keep their sentence and their kind', () => {
    expect(make(engine('echo "quicether-engine: /k exists" >&2; exit 1'))).toMatchObject({
      error: { code: 'identity.key-file', message: '/k exists' },
    });
    expect(make(engine('echo "quicether-engine: mode 0644" >&2; exit 4'))).toMatchObject({
      error: { code: 'permission.key-file' },
    });
    expect(make({ QUICETHER_ENGINE: '/nonexistent/engine' })).toMatchObject({ error: { code: 'engine.no-program' } });
  });
});

test('files are never made over another, and a folder that may not be written is said so', () => {
  expect(configFiles.create(file, 'a')).toMatchObject({ ok: true });
  expect(configFiles.create(file, 'b')).toMatchObject({ error: { code: 'settings.file-exists' } });
  expect(readFileSync(file, 'utf8')).toBe('a');
  expect(configFiles.replace(join(folder, 'none', 'x'), 'a')).toMatchObject({ error: { code: 'settings.file' } });
});
