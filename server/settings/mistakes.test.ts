import { describe, expect, test } from 'vitest';
import { mistakes } from './test-sources.ts';

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
