import { copyFileSync, existsSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launchChromium } from '../../test/browser/chromium.ts';
import { Visitor } from '../../test/browser/visitor.ts';
import { Box } from '../../test/lab/box.ts';
import { Host } from '../../test/lab/host.ts';
import { work } from '../compose/places.ts';
import { DiskFile } from './disk-file.ts';
import type { Emulator } from './emulator.ts';
import { Machine } from './machine.ts';
import type { Findings } from './trial.ts';

/** What the box stands between: a provider that gives addresses, and an office with a laptop. */
const PROVIDER = '198.18.0.1';
const BOOT_SEC = 240;
const PROBE = join(import.meta.dirname, 'probe-ports.ts');
/** Ports on which something often answers junk or asks back. */
const UDP_PORTS = [53, 67, 69, 111, 123, 137, 161, 443, 500, 514, 547, 1194, 1900, 4500, 5353, 5355, 9000, 51820];

type Site = { readonly host: Host; readonly machine: Machine };

const base = join(work, 'base');
/** A program of the box's Debian, run on this machine. */
const ofBase = (program: string) => [
  join(base, 'usr/lib64/ld-linux-x86-64.so.2'),
  '--library-path',
  join(base, 'usr/lib/x86_64-linux-gnu'),
  join(base, program),
];

/** A box with two ports: which is which, what each of them shows, and a tunnel to another box. */
export async function tryPorts(findings: Findings, emulator: Emulator, folder: string, image: string): Promise<void> {
  const host = await Host.create('image');
  let machine: Machine | undefined;
  try {
    await prepare(host);
    machine = startMachine(emulator, folder, image, host);
    const site = { host, machine };
    await machine.said(/gw-health: OK/, BOOT_SEC);
    await findRoles(findings, site);
    await scanWan(findings, site);
    const gateway = await useLan(findings, site);
    await claimInBrowser(findings, site, gateway, folder);
    await tunnel(findings, site);
  } finally {
    await machine?.stop();
    await host.remove();
  }
}

/** A wire to each port of the box, and a provider that hands out addresses on the first. */
async function prepare(host: Host) {
  await host.ip(
    'link set lo up',
    'tuntap add wan mode tap',
    'tuntap add lan mode tap',
    `address add ${PROVIDER}/24 dev wan`,
    'link set wan up',
    'link set lan up',
  );
  const range = '--dhcp-range=198.18.0.50,198.18.0.60,1h';
  const files = ['--conf-file=/dev/null', `--dhcp-leasefile=${join(host.directory, 'leases')}`, '--pid-file='];
  const who = ['--interface=wan', '--bind-interfaces', '--port=0', '--user=root', '--no-ping'];
  host.start('provider', [...ofBase('usr/sbin/dnsmasq'), '--keep-in-foreground', ...files, ...who, range]);
}

function startMachine(emulator: Emulator, folder: string, image: string, host: Host): Machine {
  const disk = join(folder, 'ports.img');
  copyFileSync(image, disk);
  truncateSync(disk, 4 * 2 ** 30);
  const [variables, log] = [join(folder, 'ports.fd'), join(folder, 'ports.log')];
  rmSync(variables, { force: true });
  rmSync(log, { force: true });
  const port = (name: string, mac: string) => [
    ...['-netdev', `tap,id=${name},ifname=${name},script=no,downscript=no`],
    ...['-device', `virtio-net-pci,netdev=${name},mac=52:54:00:00:00:${mac},romfile=`],
  ];
  const extra = [...port('wan', '01'), ...port('lan', '02')];
  return new Machine(emulator, { disk, variables, log, extra, within: host.inside([]) });
}

async function findRoles(findings: Findings, { machine }: Site) {
  const settled = await machine.until(
    async () => ((await machine.shell('cat /run/quicether-box/lan')) ?? '').includes('10.'),
    60,
  );
  const roles = await machine.shell(
    'cat /run/quicether-box/lan; nft list set inet quicether_box lines; ip -br address',
  );
  findings.check('the port without DHCP becomes the LAN side', settled, roles);
  findings.check('the other one is a line', /198\.18\.0\.5\d/.test(roles ?? ''), roles);
}

/** What a stranger on the internet sees. */
async function scanWan(findings: Findings, { host, machine }: Site) {
  const address = /198\.18\.0\.5\d/.exec((await machine.shell('ip -4 -br address')) ?? '')?.[0] ?? '';
  const tcp = await host.run([process.execPath, PROBE, 'tcp', address, '1', '65535'], { timeoutMs: 240_000 });
  findings.check(
    'no TCP port of the line answers, not even with a refusal',
    tcp.trim() === '{"open":[],"refused":[]}',
    tcp,
  );
  const udp = await host.run([process.execPath, PROBE, 'udp', address, ...UDP_PORTS.map(String)], {
    timeoutMs: 60_000,
  });
  findings.check('no UDP port answers junk, not even 9000', udp.trim() === '[]', udp);
  const ping = await host.outcomeOf(['ping', '-c', '2', '-W', '1', address], { timeoutMs: 10_000 });
  findings.check('it does not answer pings', ping.status !== 0, ping.stdout);
}

/** A laptop that is plugged into the LAN side. */
async function useLan(findings: Findings, { host, machine }: Site): Promise<string> {
  const script = join(host.directory, 'leased');
  const lines = ['#!/bin/sh', '[ "$1" = bound ] || exit 0', 'ip address add "$ip/24" dev "$interface"'];
  writeFileSync(script, `${[...lines, 'echo "router=$router dns=$dns ip=$ip"'].join('\n')}\n`, { mode: 0o755 });
  const busybox = [join(base, 'usr/bin/busybox'), 'udhcpc'];
  const leased = await host.outcomeOf([...busybox, '-i', 'lan', '-n', '-q', '-f', '-s', script], { timeoutMs: 40_000 });
  const gateway = /router=(10\.\d+\.\d+\.1)\b/.exec(leased.stdout + leased.stderr)?.[1] ?? '';
  findings.check('a laptop gets an address there', gateway !== '', leased.stdout + leased.stderr);
  const name = await host.run([process.execPath, PROBE, 'name', 'gateway.home.arpa', gateway], { timeoutMs: 30_000 });
  findings.check('gateway.home.arpa is the box', name.trim() === JSON.stringify([gateway]), name);
  const page = await host.run([process.execPath, PROBE, 'page', `https://${gateway}/claim`], { timeoutMs: 40_000 });
  findings.check('its claim page opens there', page.includes('200'), page);
  const failed = await machine.shell('systemctl --failed --no-legend --plain');
  findings.check('no unit has failed', failed === '', failed);
  return gateway;
}

/** The same page in the browser of somebody who plugged in a laptop. */
async function claimInBrowser(findings: Findings, { host }: Site, gateway: string, folder: string) {
  if (!existsSync('/usr/bin/chromium')) {
    process.stdout.write('        not tried in a browser: there is no chromium here\n');
    return;
  }
  const code = /Claim code:\s+(\S+)/.exec(new DiskFile(join(folder, 'ports.img')).readEsp('claim.txt') ?? '')?.[1];
  const browser = await launchChromium(host);
  try {
    const visitor = await Visitor.at(browser, `https://${gateway}`);
    visitor.context.setDefaultTimeout(60_000);
    await visitor.open('/');
    await visitor.page.screenshot({ path: join(folder, 'claim.png'), fullPage: true });
    await visitor.claim(code ?? 'none', 'anna', 'a long sentence for the test');
    await visitor.page.screenshot({ path: join(folder, 'claimed.png'), fullPage: true });
    findings.check(
      'the box is claimed in Chromium',
      visitor.path() === '/',
      `${visitor.path()} ${await visitor.heading()}`,
    );
    findings.check('nothing ran into its policy there', visitor.complaints.length === 0, visitor.complaints);
  } finally {
    await browser.close();
  }
}

/** The box and another one on the internet, each accepted by the other. */
async function tunnel(findings: Findings, { host, machine }: Site) {
  const other = new Box(host, undefined);
  const status = JSON.parse((await machine.shell('quicether status --json')) ?? '{}') as { node_id: string };
  other.configure({ name: 'other', peers: [{ id: status.node_id }] });
  await other.start();
  const overlay = await other.overlay();
  const id = await other.nodeId();
  const added = await machine.shell(`quicether peers add ${PROVIDER}:9000 --id ${id} 2>&1; echo status=$?`, 30);
  findings.check('the other box is added', added?.includes('status=0') ?? false, added);
  const up = await machine.until(
    async () => (await other.peers()).some(({ status: state }) => state === 'connected'),
    60,
  );
  findings.check('the two are connected', up, JSON.stringify(await other.peers()));
  const ping = await machine.shell(`ping -c 3 -W 5 ${overlay.ipv4}`, 30);
  findings.check('packets go through the tunnel', / 0% packet loss/.test(ping ?? ''), ping);
}
