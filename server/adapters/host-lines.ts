import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { HostLine } from '../operations/world.ts';

/** Bits of a route's flags, linux/route.h. */
const ROUTE_UP = 1;
const ROUTE_REJECT = 0x200;

/** Interfaces with a way to the internet (a default route), with their addresses and whether the link is up. */
export function observeLines(root = ''): readonly HostLine[] {
  const found = new Set([
    ...defaultRoutes4(read(`${root}/proc/net/route`)),
    ...defaultRoutes6(read(`${root}/proc/net/ipv6_route`)),
  ]);
  const all = networkInterfaces();
  return [...found].map((name): HostLine => {
    const addresses = (all[name] ?? []).filter((one) => !one.address.startsWith('fe80:')).map((one) => one.address);
    const operState = read(`${root}/sys/class/net/${name}/operstate`).trim();
    // Many virtual interfaces say `unknown` and work.
    return { interface: name, addresses, isLinkUp: operState === '' ? undefined : operState !== 'down' };
  });
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

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
