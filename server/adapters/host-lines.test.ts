import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { observeLines } from './host-lines.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'qe-lines-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function file(path: string, text: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
}

test('lines are the interfaces with a default route, of either family, whatever their link does', () => {
  file(
    'proc/net/route',
    [
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
      'wan0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
      'lan0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
      'bad0\t00000000\t00000000\t0200\t0\t0\t0\t00000000\t0\t0\t0',
    ].join('\n'),
  );
  const zeros = '0'.repeat(32);
  file(
    'proc/net/ipv6_route',
    [
      `${zeros} 00 ${zeros} 00 fe800000000000000000000000000001 00000400 00000000 00000000 00000003     lte0`,
      `${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200       lo`,
      `20010db8000000000000000000000000 20 ${zeros} 00 ${zeros} 00000100 00000000 00000000 00000001     lan0`,
    ].join('\n'),
  );
  file('sys/class/net/wan0/operstate', 'down\n');
  file('sys/class/net/lte0/operstate', 'unknown\n');
  expect(observeLines(root)).toEqual([
    { interface: 'wan0', addresses: [], isLinkUp: false },
    { interface: 'lte0', addresses: [], isLinkUp: true },
  ]);
});

test('a port is a line without a default route too: it says whether its cable is in', () => {
  const port = (name: string, files: Record<string, string>): void => {
    for (const [path, text] of Object.entries(files)) file(`sys/class/net/${name}/${path}`, `${text}\n`);
  };
  port('eth0', { operstate: 'up', type: '1', 'device/vendor': '0x8086' });
  port('eth1', { operstate: 'lowerlayerdown', type: '1', iflink: '7', ifindex: '6' });
  port('ifb0', { operstate: 'down', type: '1', iflink: '3', ifindex: '3' });
  port('docker0', { operstate: 'down', type: '1', 'bridge/x': '', iflink: '4', ifindex: '5' });
  port('quicether0', { operstate: 'unknown', type: '65534' });
  port('lo', { operstate: 'unknown', type: '772' });
  expect(observeLines(root).map(({ interface: name, isLinkUp }) => [name, isLinkUp])).toEqual([
    ['eth0', true],
    ['eth1', false],
  ]);
});

test('a machine that tells nothing has no lines', () => {
  expect(observeLines(root)).toEqual([]);
});
