import type { Host } from '../host.ts';
import type { Verdict } from '../scenario.ts';
import { ping } from '../traffic.ts';
import { startMesh, untilReachable } from '../tunnel.ts';
import type { TwoBoxes } from './build.ts';

/** Bytes of IP and ICMP header before the data of a ping. */
const HEADERS = { ipv4: 28, ipv6: 48 } as const;

/** Packets as large as they come, larger than they may be, and from where they must not come. */
export async function checkEdges(two: TwoBoxes, verdict: Verdict): Promise<void> {
  const { leeds, york } = two;
  for (const family of ['ipv4', 'ipv6'] as const) {
    const address = leeds.lan[family];
    const full = await ping(york.lan.computer, address, {
      count: 5,
      sizeBytes: 1500 - HEADERS[family],
      isUnfragmented: true,
    });
    verdict.promise(`a whole packet of 1500 bytes passes (${family})`, full.received === 5, full);
    const large = await ping(york.lan.computer, address, { count: 5, sizeBytes: 20_000 });
    verdict.promise(`a ping of 20,000 bytes in fragments passes (${family})`, large.received === 5, large);
  }
  await checkSpoofed(two, verdict);
  await checkSmallMtu(two, verdict);
}

/** A computer behind York claims an address that York was not given. */
async function checkSpoofed({ leeds, york }: TwoBoxes, verdict: Verdict): Promise<void> {
  const strange = '10.99.99.1';
  const target = leeds.lan.computer;
  await york.lan.computer.ip(`addr add ${strange}/32 dev eth0`);
  // The kernels' own source checks must not be what stops it.
  for (const host of [leeds.box.host, york.box.host]) {
    await host.sysctl('net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0');
    for (const ifName of ['wan0', 'lan0', 'quicether0']) await host.sysctl(`net.ipv4.conf.${ifName}.rp_filter=0`);
  }
  await countFrom(target, strange);
  const before = await deniedBy(leeds.box, york.box);
  await ping(york.lan.computer, leeds.lan.ipv4, { count: 5, source: strange });
  const arrived = await countedFrom(target);
  const denied = (await deniedBy(leeds.box, york.box)) - before;
  verdict.promise('packets from an address that is not the peer’s do not arrive', arrived === 0, arrived);
  verdict.promise('and are counted as denied', denied >= 5, denied);
}

async function deniedBy(...boxes: readonly TwoBoxes['leeds']['box'][]): Promise<number> {
  const counts = await Promise.all(boxes.map((box) => box.counter('denied')));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function countFrom(host: Host, source: string): Promise<void> {
  await host.nft(`table ip watch {
    chain prerouting {
      type filter hook prerouting priority raw; policy accept;
      ip saddr ${source} counter
    }
  }`);
}

async function countedFrom(host: Host): Promise<number> {
  const text = await host.run(['nft', 'list', 'table', 'ip', 'watch']);
  return Number(/counter packets (\d+)/.exec(text)?.[1] ?? Number.NaN);
}

/** With a smaller MTU in the tunnel, whoever sends too large a packet is told. */
async function checkSmallMtu({ leeds, york, overlay }: TwoBoxes, verdict: Verdict): Promise<void> {
  await Promise.all([leeds.box.stop(), york.box.stop()]);
  await startMesh([leeds, york], { mtu: 1380, listen: ['0.0.0.0:9000', '[::]:9000'] });
  await untilReachable(york.box.host, overlay.leeds.ipv4);
  for (const family of ['ipv4', 'ipv6'] as const) {
    const words = ['ping', '-n', '-c', '3', '-i', '0.2', '-W', '1', '-M', 'do'];
    const size = String(1500 - HEADERS[family]);
    const { stdout, stderr } = await york.lan.computer.outcomeOf([...words, '-s', size, leeds.lan[family]]);
    const told = /mtu ?= ?1380|mtu=1380/.test(stdout + stderr);
    verdict.promise(`too large a packet is answered with the MTU that fits (${family})`, told, stdout + stderr);
  }
}
