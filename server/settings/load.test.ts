import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureLine } from '../core/failures.ts';
import { formatHostPort } from '../core/host-port.ts';
import { nodeIdFromBytes } from '../core/node-id.ts';
import { formatInterfaceAddress, formatPrefix } from '../core/prefix.ts';
import { envName } from './field.ts';
import { planListen } from './listen-plan.ts';
import { loadSettings, type SettingsSources } from './load.ts';
import { formatOrigin } from './origin.ts';
import { showSettings, writeToml } from './present.ts';
import { FIELDS } from './schema.ts';
import type { LoadedSettings } from './settings.ts';

const york = nodeIdFromBytes(new Uint8Array(20).fill(1));
const leeds = nodeIdFromBytes(new Uint8Array(20).fill(2));

type Given = Omit<SettingsSources, 'hostName' | 'file'>;
const sources = (text: string, more: Given = {}): SettingsSources => ({
  hostName: 'box',
  file: { name: 'config.toml', text },
  ...more,
});
function load(text: string, more?: Given): LoadedSettings {
  const loaded = loadSettings(sources(text, more));
  if (!loaded.ok) throw new Error(loaded.error.map(failureLine).join('\n'));
  return loaded.value;
}
function mistakes(text: string, more?: Given): string[] {
  const loaded = loadSettings(sources(text, more));
  return loaded.ok ? [] : loaded.error.map(failureLine);
}
const origin = ({ origins }: LoadedSettings, key: string) => formatOrigin(origins.get(key) ?? { kind: 'default' });

describe('precedence: defaults < file < environment < flags', () => {
  const key = 'monitoring.log_level';
  const file = '[monitoring]\nlog_level = "warn"\n';
  const env = { QUICETHER_LOG_LEVEL: 'debug' };
  const flags = [{ name: '--log-level', text: 'trace' }];
  test.each([
    ['', {}, 'info', 'default'],
    [file, {}, 'warn', 'config.toml:2'],
    [file, { env }, 'debug', 'QUICETHER_LOG_LEVEL'],
    [file, { env: { QUICETHER_MONITORING_LOG_LEVEL: 'debug' } }, 'debug', 'QUICETHER_MONITORING_LOG_LEVEL'],
    [file, { env, flags }, 'trace', '--log-level'],
  ])('%j %j', (text, more, value, from) => {
    const loaded = load(text, more);
    expect([loaded.settings.monitoring.logLevel, origin(loaded, key)]).toEqual([value, from]);
  });

  test('a wrong value is an error even when a stronger source has a right one', () => {
    expect(mistakes('[monitoring]\nlog_level = "loud"\n', { env })).toHaveLength(1);
  });

  test('two names of one key in the environment must agree', () => {
    const both = { QUICETHER_LOG_LEVEL: 'debug', QUICETHER_MONITORING_LOG_LEVEL: 'warn' };
    expect(mistakes('', { env: both })).toEqual([
      'QUICETHER_MONITORING_LOG_LEVEL and QUICETHER_LOG_LEVEL are both set and differ; keep one',
    ]);
    expect(mistakes('', { env: { ...both, QUICETHER_LOG_LEVEL: 'warn' } })).toEqual([]);
  });

  test('lists in the environment are separated by commas, repeated flags add up', () => {
    const env2 = { QUICETHER_NETWORK_ADVERTISE_SUBNETS: '10.1.0.0/16, fd01::/64' };
    expect(load('', { env: env2 }).settings.network.advertiseSubnets.map(formatPrefix)).toEqual([
      '10.1.0.0/16',
      'fd01::/64',
    ]);
    const given = [
      { name: '--forward-subnet', text: '10.1.0.0/16' },
      { name: '--advertise-subnet', text: '10.2.0.0/16' },
    ];
    expect(load('', { flags: given }).settings.network.advertiseSubnets.map(formatPrefix)).toEqual([
      '10.1.0.0/16',
      '10.2.0.0/16',
    ]);
  });

  test('the default of the key file follows the state directory', () => {
    expect(load('').settings.node.keyFile).toBe('/var/lib/quicether/node.key');
    expect(load('', { env: { QUICETHER_STATE_DIR: '/tmp/a' } }).settings.node.keyFile).toBe('/tmp/a/node.key');
    expect(load('').settings.node.name).toBe('box');
  });
});

describe('mistakes are named with place, value and the nearest right name', () => {
  test.each<[string, string, string]>([
    [
      'unknown key',
      '[network]\ntun_adr = "x"',
      'config.toml:2:1: network.tun_adr: unknown key; did you mean "network.tun_addr"?',
    ],
    [
      'key in the wrong section',
      'log_level = "info"',
      'config.toml:1:1: log_level: unknown key; did you mean "monitoring.log_level"?',
    ],
    ['unknown section', '[netwrk]\nmtu = 1500', 'config.toml:1:2: netwrk: unknown key; did you mean "network"?'],
    ['nothing near', 'qqqqqq = 1', 'config.toml:1:1: qqqqqq: unknown key'],
    [
      'bad address',
      '[network]\ntun_addr = "100.64.0.300/16"',
      'config.toml:2:12: network.tun_addr: "100.64.0.300/16" is not an address: each part goes up to 255',
    ],
    [
      'wrong type',
      '[network]\nmtu = "1500"',
      'config.toml:2:7: network.mtu: "1500" is text; a whole number without quotes is needed',
    ],
    [
      'out of range',
      '[network]\nmtu = 100',
      'config.toml:2:7: network.mtu: 100 is out of range: it goes from 1280 to 9000',
    ],
    [
      'not even safe as a number',
      '[network]\nmtu = 9223372036854775807',
      'config.toml:2:7: network.mtu: 9223372036854775807 is out of range: it goes from 1280 to 9000',
    ],
    [
      'fraction',
      '[network]\nmtu = 1500.5',
      'config.toml:2:7: network.mtu: 1500.5 is a number with a decimal point; a whole number without quotes is needed',
    ],
    ['date', '[node]\nname = 1979-05-27', 'config.toml:2:8: node.name: 1979-05-27 is a date; text in quotes is needed'],
    ['value instead of section', 'node = 3', 'config.toml:1:8: node: 3 is not a table; write [node]'],
    [
      'section instead of value',
      '[network.mtu]\nx = 1',
      'config.toml:1:2: network.mtu: { x = 1 } is a table; a whole number without quotes is needed',
    ],
    [
      'text for a list',
      '[network]\nadvertise_subnets = "10.0.0.0/8"',
      'config.toml:2:21: network.advertise_subnets: "10.0.0.0/8" is not a list; write ["10.0.0.0/8"]',
    ],
    [
      'element',
      '[network]\nadvertise_subnets = ["10.0.0.0/8", "10.0.0.0/64"]',
      'config.toml:2:36: network.advertise_subnets[1]: "10.0.0.0/64" is not a network: the length of IPv4 goes up to 32',
    ],
    [
      'host bits',
      '[network]\nadvertise_subnets = ["10.0.0.1/8"]',
      'config.toml:2:22: network.advertise_subnets[0]: "10.0.0.1/8" has bits set behind its length; the network is 10.0.0.0/8',
    ],
    [
      'element twice',
      '[network]\nadvertise_subnets = ["fd00::/8", "FD00::/8"]',
      'config.toml:2:34: network.advertise_subnets[1]: "fd00::/8" stands in the list twice',
    ],
    [
      'two addresses of a family',
      '[network]\ntun_addr = ["100.64.0.1/16", "100.64.0.2/16"]',
      'config.toml:2:1: network.tun_addr: two IPv4 addresses; give at most one IPv4 and one IPv6 address',
    ],
    [
      'address of the network',
      '[network]\ntun_addr = "100.64.0.0/16"',
      'config.toml:2:1: network.tun_addr: "100.64.0.0/16" is the network itself; give the address of this box in it',
    ],
    [
      'loopback',
      '[network]\ntun_addr = "127.0.0.1/8"',
      'config.toml:2:1: network.tun_addr: "127.0.0.1/8" is a loopback address; take one of 100.64.0.0/10',
    ],
    [
      'choice',
      '[node]\nrole = "gatway"',
      'config.toml:2:8: node.role: "gatway" is not one of standard, gateway, enterprise; did you mean "gateway"?',
    ],
    [
      'not built',
      '[performance]\nio_backend = "io_uring"',
      'config.toml:2:14: performance.io_backend: "io_uring" is not built; use "auto" or "standard"',
    ],
    [
      'interface name',
      '[network]\ntun_name = "quicether-office-0"',
      'config.toml:2:12: network.tun_name: "quicether-office-0" is not an interface name: 1 to 15 characters, without spaces, / and :',
    ],
    [
      'duplicate key',
      '[network]\nmtu = 1400\n\nmtu = 1500',
      'config.toml:4:1: network.mtu: given twice, first in line 2',
    ],
    ['duplicate section', '[network]\n[node]\n[network]', 'config.toml:3:2: network: given twice, first in line 1'],
    [
      'name to listen on',
      '[discovery]\nlisten = ["localhost:9000"]',
      'config.toml:2:11: discovery.listen[0]: "localhost:9000" is not host:port: an address is needed here, as in 0.0.0.0:9000, not a name',
    ],
    [
      'newer document',
      'version = 2\n[future]\nx = 1',
      'config.toml:1:11: version: 2 is newer than this release, which reads up to version 1; upgrade quicether or write the file for version 1',
    ],
    ['no version', 'version = "1"', 'config.toml:1:11: version: "1" is not a version; this release writes version = 1'],
    ['older than any', 'version = 0', 'config.toml:1:11: version: 0 is not a version; this release writes version = 1'],
    [
      'one address for two',
      '[monitoring]\nmetrics_addr = "127.0.0.1:9090"\nhealth_addr = "127.0.0.1:9090"',
      'config.toml:3:1: monitoring.health_addr: "127.0.0.1:9090" is monitoring.metrics_addr too; each needs its own',
    ],
    [
      'weight',
      '[multipath.weights]\neth0 = "much"',
      'config.toml:2:8: multipath.weights.eth0: "much" is text; a number without quotes is needed',
    ],
  ])('%s', (_, text, line) => expect(mistakes(text)).toEqual([line]));

  test('what is not TOML is one mistake with its place', () => {
    expect(mistakes('[network\nmtu = 1')).toEqual([expect.stringMatching(/^config\.toml:1:\d+: not TOML: /)]);
    expect(mistakes('a'.repeat(2_000_000))).toEqual(['config.toml: larger than 1048576 bytes']);
  });

  test('monstrous nesting, keys and lists are refused like any mistake, and soon', () => {
    const long = Array(50_000).fill('a').join('.');
    const deep = `${'['.repeat(90)}${']'.repeat(90)}`;
    const many = Array(50_000).fill('1').join(',');
    for (const text of [
      `network.mtu.${long} = 1`,
      `[network.mtu.${long}]`,
      `node.name = ${deep}`,
      `peers = [${many}]`,
      `network.mtu = [${many}]`,
    ]) {
      expect(mistakes(text).length, text.slice(0, 40)).toBeGreaterThan(0);
    }
  });

  test('all mistakes are reported at once, in the order of the file, then the others', () => {
    const text = '[network]\nmtu = 1\ntun_nam = "x"\n[node]\nrole = "x"\nname = ""\n[[peers]]\nnam = "x"\n';
    const lines = mistakes(text, { env: { QUICETHER_NETWORK_MTUU: '1', QUICETHER_UNRELATED: 'x' } });
    expect(lines.map((line) => line.split(': ').slice(0, 2).join(' '))).toEqual([
      'config.toml:2:7 network.mtu',
      'config.toml:3:1 network.tun_nam',
      'config.toml:5:8 node.role',
      'config.toml:6:8 node.name',
      'config.toml:7:3 peers[0]',
      'config.toml:8:1 peers[0].nam',
      'QUICETHER_NETWORK_MTUU unknown key; did you mean QUICETHER_NETWORK_MTU?',
    ]);
  });

  test('names from the object prototype are ordinary unknown keys', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(mistakes(`${name} = 1`)).toEqual([`config.toml:1:1: ${name}: unknown key`]);
      expect(mistakes(`[[peers]]\naddress = "a:1"\n${name} = 1`)).toHaveLength(1);
    }
  });
});

describe('peers', () => {
  test('are read whole', () => {
    const text = `[[peers]]\nnode_id = "${york}"\naddress = "vpn.example.com:9000"\nname = "York"\nprefixes = ["10.1.0.0/16"]\n[[peers]]\naddress = "[2001:db8::1]:9000"\n`;
    const { settings, origins } = load(text);
    const [first, second] = settings.peers;
    expect([first?.nodeId, first?.name, first?.address?.isName, first?.prefixes.map(formatPrefix)]).toEqual([
      york,
      'York',
      true,
      ['10.1.0.0/16'],
    ]);
    expect([second?.nodeId, second?.address && formatHostPort(second.address), second?.prefixes]).toEqual([
      undefined,
      '[2001:db8::1]:9000',
      [],
    ]);
    expect(formatOrigin(origins.get('peers[1]')!)).toBe('config.toml:6');
  });

  test.each<[string, string, string]>([
    ['without either', '[[peers]]\nname = "x"', 'config.toml:1:3: peers[0]: a peer needs node_id, address or both'],
    [
      'prefixes for nobody known',
      '[[peers]]\naddress = "a:1"\nprefixes = ["10.0.0.0/8"]',
      'config.toml:3:12: peers[0].prefixes: needs node_id too: traffic goes only to a box whose identity is known',
    ],
    [
      'twice',
      `[[peers]]\nnode_id = "${york}"\n[[peers]]\nnode_id = "${york}"`,
      `config.toml:4:11: peers.node_id: "${york}" is ${york} already, from config.toml:1`,
    ],
    [
      'one address for two',
      `[[peers]]\naddress = "A.example:1"\n[[peers]]\naddress = "a.example:1"`,
      'config.toml:4:11: peers.address: "a.example:1" is a.example:1 already, from config.toml:1',
    ],
    [
      'one prefix for two',
      `[[peers]]\nname = "York"\nnode_id = "${york}"\nprefixes = ["10.0.0.0/8"]\n[[peers]]\nnode_id = "${leeds}"\nprefixes = ["fd00::/8", "10.0.0.0/8"]`,
      'config.toml:7:25: peers.prefixes: "10.0.0.0/8" belongs to peer "York" already (config.toml:1); a prefix has one owner',
    ],
    [
      'our own prefix',
      `[network]\nadvertise_subnets = ["10.0.0.0/8"]\n[[peers]]\nnode_id = "${york}"\nprefixes = ["10.0.0.0/8"]`,
      'config.toml:5:13: peers.prefixes: "10.0.0.0/8" belongs to this box already (config.toml:2); a prefix has one owner',
    ],
    [
      'everything',
      `[[peers]]\nnode_id = "${york}"\nprefixes = ["0.0.0.0/0"]`,
      'config.toml:3:13: peers.prefixes: "0.0.0.0/0" is everything; sending all traffic to one box (overlay.default_gateway) is not built yet',
    ],
    [
      'multicast',
      `[[peers]]\nnode_id = "${york}"\nprefixes = ["224.0.0.0/8"]`,
      'config.toml:3:13: peers.prefixes: "224.0.0.0/8" is multicast and cannot be reached through a tunnel',
    ],
    ['a table', '[peers]\nname = "x"', 'config.toml:1:2: peers: is a list of tables; write [[peers]]'],
  ])('%s', (_, text, line) => expect(mistakes(text)).toEqual([line]));

  test('a mistyped NodeId is caught', () => {
    const typo = `${york.slice(0, 9)}${york[9] === 'q' ? 'p' : 'q'}${york.slice(10)}`;
    expect(mistakes(`[[peers]]\nnode_id = "${typo}"`)).toEqual([
      `config.toml:2:11: peers[0].node_id: "${typo}" is not a NodeId: its checksum does not fit, so a character is wrong or missing`,
    ]);
  });

  test('--peer adds, --peer for a known NodeId moves it, --route adds a prefix to it', () => {
    const file = `[[peers]]\nnode_id = "${york}"\naddress = "old.example:1"\nname = "York"\nprefixes = ["10.1.0.0/16"]\n`;
    const flags = [
      { name: '--peer', text: `${york}@192.0.2.1:9000` },
      { name: '--peer', text: 'new.example:9000' },
      { name: '--peer', text: leeds },
      { name: '--route', text: `10.2.0.0/16=${york}` },
    ];
    const peers = load(file, { flags }).settings.peers;
    expect(
      peers.map((peer) => [
        peer.nodeId,
        peer.name,
        peer.address && formatHostPort(peer.address),
        peer.prefixes.map(formatPrefix),
      ]),
    ).toEqual([
      [york, 'York', '192.0.2.1:9000', ['10.1.0.0/16', '10.2.0.0/16']],
      [undefined, undefined, 'new.example:9000', []],
      [leeds, undefined, undefined, []],
    ]);
  });

  test('flags that do not fit say which', () => {
    expect(
      mistakes('', {
        flags: [
          { name: '--peer', text: 'nowhere' },
          { name: '--route', text: `10.0.0.0/8=${york}` },
        ],
      }),
    ).toEqual([
      '--peer: "nowhere" is not host:port: the port is missing, as in :9000',
      `--route: 10.0.0.0/8 leads to ${york}, which is no peer; add --peer ${york}@HOST:PORT`,
    ]);
  });
});

describe('the rest', () => {
  test('keys of unbuilt features are accepted, and that is said', () => {
    const { notices } = load('[overlay]\ndefault_gateway = "York"\n');
    expect(notices.map(failureLine)).toEqual([
      'config.toml:2:1: overlay.default_gateway: accepted, but without effect: this feature is not built yet',
    ]);
    expect(load('').notices).toEqual([]);
  });

  test('both overlay addresses can be given', () => {
    const { settings } = load('[network]\ntun_addr = ["100.64.3.7/16", "fd00::7/64"]');
    expect(settings.network.tunAddresses.map(formatInterfaceAddress)).toEqual(['100.64.3.7/16', 'fd00::7/64']);
  });

  test('listening somewhere named answers strangers, listening everywhere does not', () => {
    const shown = (text: string) => {
      const { addresses, answerStrangers } = planListen(load(text).settings);
      return [...addresses.map(formatHostPort), answerStrangers];
    };
    expect(shown('')).toEqual(['0.0.0.0:9000', '[::]:9000', false]);
    expect(shown('[discovery]\nlisten = ["192.0.2.1:7"]')).toEqual(['192.0.2.1:7', true]);
    expect(shown('[discovery]\ndht_port = 7')).toEqual(['0.0.0.0:7', '[::]:7', false]);
  });

  test('every key has one name in the environment, one place in the file, and a sentence', () => {
    expect(new Set(FIELDS.map(({ field }) => envName(field.key))).size).toBe(FIELDS.length);
    for (const { section, field } of FIELDS) {
      expect(field.key.startsWith(`${section}.`), field.key).toBe(true);
      expect(field.meaning, field.key).toMatch(/\.$/);
    }
  });

  test('settings written as a file read back as the same settings', () => {
    const text = `[node]\nname = "Büro \\"7\\""\n[network]\ntun_addr = "100.64.3.7/16"\nadvertise_subnets = ["10.0.0.0/8"]\n[multipath]\nweights = { eth0 = 1.5, "wlan.0" = 2 }\npolicies.interactive_max_rtt_ms = 80\n[monitoring]\nmetrics_addr = "127.0.0.1:9090"\n[[peers]]\nnode_id = "${york}"\nprefixes = ["fd00::/8"]\n[[peers]]\naddress = "a.example:1"\n`;
    const loaded = load(text);
    const again = load(writeToml(showSettings(loaded), (one) => `from ${formatOrigin(one.origin)}`));
    expect(again.settings).toEqual(loaded.settings);
  });

  test('no text, environment or flag makes it throw, and each mistake has a code and a sentence', () => {
    const keys = FIELDS.map(({ field }) => field.key);
    const value = fc.oneof(
      fc.constantFrom('1', '"x"', '[]', '["10.0.0.0/8"]', '{}', 'true', '-1', '1e400', 'nan', '""'),
      fc.string(),
    );
    const line = fc.oneof(
      fc.tuple(fc.constantFrom(...keys, 'peers', 'version', 'x'), value).map(([key, one]) => `${key} = ${one}`),
      fc.string(),
    );
    const env = fc.dictionary(fc.constantFrom(...keys.map(envName), 'QUICETHER_NODE_X'), fc.string());
    const flag = fc.record({
      name: fc.constantFrom('--peer', '--route', '--mtu', '--listen', '--tun-addr'),
      text: fc.string(),
    });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), env, fc.array(flag, { maxLength: 3 }), (lines, given, flags) => {
        const loaded = loadSettings(sources(lines.join('\n'), { env: given, flags }));
        if (loaded.ok) return;
        expect(loaded.error.length).toBeGreaterThan(0);
        for (const failure of loaded.error)
          expect([failure.code, failure.message]).toEqual([
            expect.stringMatching(/^(settings|usage)\./),
            expect.any(String),
          ]);
      }),
      { numRuns: 500 },
    );
  });
});
