import { fail, failWith, ok, type Result } from './result.ts';

export type Family = 4 | 6;

/** An IP address as a number, so that masks and comparisons are arithmetic in both families. */
export interface Ip {
  readonly family: Family;
  readonly value: bigint;
}

/** Number of bits of an address of the family. */
export function bitsOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

/**
 * Reads an address, strictly: what two programs could read differently is refused.
 *
 * `010.0.0.1` is 10.0.0.1 to some and 8.0.0.1 to others, so it is neither here.
 */
export function parseIp(text: string): Result<Ip> {
  const read = readIp(text);
  return read.ok ? read : fail('ip.address', `"${text}" is not an address: ${read.error}`);
}

/** Like {@link parseIp}, but the error is only the reason, for callers that quote a longer text. */
export function readIp(text: string): Result<Ip, string> {
  const read = text.includes(':') ? readIpv6(text) : readIpv4(text);
  if (!read.ok) return read;
  return ok({ family: text.includes(':') ? 6 : 4, value: read.value });
}

function readIpv4(text: string): Result<bigint, string> {
  const parts = text.split('.');
  if (!/^[0-9.]+$/.test(text)) return failWith('IPv4 looks like 192.168.1.1, IPv6 like fd00::1');
  if (parts.length !== 4) return failWith(`it has ${parts.length} ${parts.length === 1 ? 'part' : 'parts'}, not 4`);
  let value = 0n;
  for (const part of parts) {
    if (part === '') return failWith('a part is empty');
    if (part.length > 1 && part.startsWith('0')) return failWith('a part must not begin with 0');
    if (part.length > 3 || Number(part) > 255) return failWith('each part goes up to 255');
    value = (value << 8n) | BigInt(part);
  }
  return ok(value);
}

function readIpv6(text: string): Result<bigint, string> {
  if (text.includes('%')) return failWith('a zone (%) is not allowed here');
  const tail = /^(.*:)([0-9.]*\.[0-9.]*)$/.exec(text);
  let hex = text;
  if (tail) {
    const v4 = readIpv4(tail[2] ?? '');
    if (!v4.ok) return v4;
    hex = `${tail[1]}${(v4.value >> 16n).toString(16)}:${(v4.value & 0xffffn).toString(16)}`;
  }
  const halves = hex.split('::');
  if (halves.length > 2) return failWith(':: may stand only once');
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const head = groups[0] ?? [];
  const end = groups[1] ?? [];
  const given = head.length + end.length;
  if (halves.length === 1 && given !== 8) return failWith(`it has ${given} groups, not 8`);
  if (halves.length === 2 && given > 7) return failWith(`it has ${given} groups beside ::, at most 7 fit`);
  const all = [...head, ...Array<string>(8 - given).fill('0'), ...end];
  let value = 0n;
  for (const group of all) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return failWith(`"${group}" is not 1 to 4 hexadecimal digits`);
    value = (value << 16n) | BigInt(`0x${group}`);
  }
  return ok(value);
}

/** The one canonical text: dotted for IPv4, RFC 5952 for IPv6 (as Rust's standard library). */
export function formatIp({ family, value }: Ip): string {
  if (family === 4) return formatIpv4(value);
  if (value >> 32n === 0xffffn) return `::ffff:${formatIpv4(value & 0xffffffffn)}`;
  const groups = Array.from({ length: 8 }, (_, i) => (value >> BigInt(112 - 16 * i)) & 0xffffn);
  const { start, length } = longestZeroRun(groups);
  const text = (part: readonly bigint[]): string => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function formatIpv4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
}

function longestZeroRun(groups: readonly bigint[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0n) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  });
  return best;
}
