import { bitsOf, type Family, formatIp, type Ip, readIp } from './ip.ts';
import { fail, failWith, ok, type Result } from './result.ts';

/** An IP network: host bits are zero. */
export interface Prefix {
  readonly network: Ip;
  readonly length: number;
}

/** An address together with the length of the network around it: `100.64.3.7/16`. */
export interface InterfaceAddress {
  readonly ip: Ip;
  readonly length: number;
}

/** Reads `10.1.0.0/16`; bits behind the length are refused, with the network that was meant. */
export function parsePrefix(text: string): Result<Prefix> {
  const read = parseInterfaceAddress(text);
  if (!read.ok) return read;
  const { ip, length } = read.value;
  const prefix = containing(ip, length);
  if (prefix.network.value !== ip.value) {
    return fail('ip.host-bits', `"${text}" has bits set behind its length; the network is ${formatPrefix(prefix)}`);
  }
  return ok(prefix);
}

/** Reads `100.64.3.7/16`, host bits kept. */
export function parseInterfaceAddress(text: string): Result<InterfaceAddress> {
  const slash = text.indexOf('/');
  const read = readIp(slash < 0 ? text : text.slice(0, slash));
  if (!read.ok) return fail('ip.address', `"${text}" is not an address: ${read.error}`);
  if (slash < 0) {
    return fail('ip.prefix', `"${text}" lacks the length of its network, as in ${text}/${bitsOf(read.value.family)}`);
  }
  const length = readLength(text.slice(slash + 1), read.value.family);
  if (!length.ok) return fail('ip.prefix', `"${text}" is not a network: ${length.error}`);
  return ok({ ip: read.value, length: length.value });
}

function readLength(text: string, family: Family): Result<number, string> {
  if (!/^(0|[1-9][0-9]*)$/.test(text)) return failWith('the length behind / is a number');
  const length = Number(text);
  if (length > bitsOf(family)) return failWith(`the length of IPv${family} goes up to ${bitsOf(family)}`);
  return ok(length);
}

/** The network of `length` bits around an address. */
export function containing(ip: Ip, length: number): Prefix {
  const drop = BigInt(bitsOf(ip.family) - length);
  return { network: { family: ip.family, value: (ip.value >> drop) << drop }, length };
}

/** Whether the address lies in the network; never across families. */
export function contains(prefix: Prefix, ip: Ip): boolean {
  return prefix.network.family === ip.family && containing(ip, prefix.length).network.value === prefix.network.value;
}

/** Whether two networks share an address; then one contains the other. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  return contains(a, b.network) || contains(b, a.network);
}

export function formatPrefix({ network, length }: Prefix): string {
  return `${formatIp(network)}/${length}`;
}

export function formatInterfaceAddress({ ip, length }: InterfaceAddress): string {
  return `${formatIp(ip)}/${length}`;
}
