import { describe, expect, test } from 'vitest';
import { formatHostPort } from '../core/host-port.ts';
import { formatPrefix } from '../core/prefix.ts';
import { formatOrigin } from './origin.ts';
import { leeds, load, mistakes, york } from './test-sources.ts';

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
