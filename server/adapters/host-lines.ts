import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { HostLine } from '../operations/world.ts';

/** Bits of a route's flags, linux/route.h. */
const ROUTE_UP = 1;
const ROUTE_REJECT = 0x200;

/** Ethernet and what looks like it, linux/if_arp.h; a tunnel is none. */
const ETHERNET = '1';
/** Many virtual interfaces say `unknown` and work. */
const WITHOUT_LINK = ['down', 'lowerlayerdown', 'notpresent'];

/** Interfaces with a way to the internet (a default route), and ports where a cable would make one, with or without it. */
export function observeLines(root = ''): readonly HostLine[] {
  const routed = new Set([
    ...defaultRoutes4(read(`${root}/proc/net/route`)),
    ...defaultRoutes6(read(`${root}/proc/net/ipv6_route`)),
  ]);
  const all = networkInterfaces();
  const lineOf = (name: string): HostLine => {
    const addresses = (all[name] ?? []).filter((one) => !one.address.startsWith('fe80:')).map((one) => one.address);
    const operState = read(`${root}/sys/class/net/${name}/operstate`).trim();
    return {
      interface: name,
      addresses,
      isLinkUp: operState === '' ? undefined : !WITHOUT_LINK.includes(operState),
    };
  };
  const ports = list(`${root}/sys/class/net`)
    .filter((name) => !routed.has(name))
    .map(lineOf)
    .filter((line) => isPort(`${root}/sys/class/net/${line.interface}`, line));
  return [...[...routed].map(lineOf), ...ports];
}

// One that a cable goes into, or that has an address; not what a machine makes for its own use (bridges, shapers).
function isPort(folder: string, { addresses, isLinkUp }: HostLine): boolean {
  if (existsSync(`${folder}/device`)) return true;
  if (read(`${folder}/type`).trim() !== ETHERNET || existsSync(`${folder}/bridge`)) return false;
  if (isLinkUp) return addresses.length > 0;
  const isLinked = read(`${folder}/iflink`).trim() !== read(`${folder}/ifindex`).trim();
  return isLinkUp === false && isLinked;
}

// Iface Destination Gateway Flags RefCnt Use Metric Mask ...
function defaultRoutes4(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', destination, , flags, , , , mask] = line.split(/\s+/);
    const isDefault = destination === '00000000' && mask === '00000000';
    return isDefault && isUsable(flags) ? [name] : [];
  });
}

// destination length source length next-hop metric refcnt use flags name
function defaultRoutes6(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const name = fields[9] ?? '';
    const isDefault = /^0{32}$/.test(fields[0] ?? '') && fields[1] === '00';
    return isDefault && name !== 'lo' && isUsable(fields[8]) ? [name] : [];
  });
}

function isUsable(flags: string | undefined): boolean {
  const bits = Number.parseInt(flags ?? '0', 16);
  return (bits & ROUTE_UP) !== 0 && (bits & ROUTE_REJECT) === 0;
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
