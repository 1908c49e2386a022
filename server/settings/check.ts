import { formatHostPort, type HostPort } from '../core/host-port.ts';
import {
  containing,
  contains,
  formatInterfaceAddress,
  formatPrefix,
  type InterfaceAddress,
  overlaps,
  type Prefix,
  parsePrefix,
} from '../core/prefix.ts';
import type { Failure, Place } from '../core/result.ts';
import type { Given, GivenPeer } from './draft.ts';
import { formatOrigin, type Origin } from './origin.ts';
import { peerLabel } from './peers.ts';

/** Prefixes that lead nowhere through a tunnel, with the word for them. */
const SPECIAL: readonly (readonly [Prefix, string])[] = [
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['::1/128', 'loopback'],
  ['fe80::/10', 'link-local'],
  ['ff00::/8', 'multicast'],
  ['0.0.0.0/8', 'reserved'],
  ['::/128', 'reserved'],
].flatMap(([text = '', word = '']) => {
  const parsed = parsePrefix(text);
  return parsed.ok ? [[parsed.value, word] as const] : [];
});

/** Everything that is wrong only in combination, or with a value that is well-formed. */
export function checkTogether(given: ReadonlyMap<string, Given>, peers: readonly GivenPeer[]): Failure[] {
  return [
    ...checkTunAddresses(given.get('network.tun_addr')),
    ...checkPrefixes(given.get('network.advertise_subnets'), peers),
    ...checkListeners(given),
  ];
}

function checkTunAddresses(given: Given | undefined): Failure[] {
  const addresses = (given?.value ?? []) as readonly InterfaceAddress[];
  if (!given) return [];
  const failures: Failure[] = [];
  for (const address of addresses) {
    const shown = `"${formatInterfaceAddress(address)}"`;
    const special = SPECIAL.find(([prefix]) => contains(prefix, address.ip));
    const network = containing(address.ip, address.length);
    if (special)
      failures.push(
        failure(given.origin, 'network.tun_addr', `${shown} is a ${special[1]} address; take one of 100.64.0.0/10`),
      );
    else if (address.ip.family === 4 && address.length < 31 && network.network.value === address.ip.value) {
      failures.push(
        failure(given.origin, 'network.tun_addr', `${shown} is the network itself; give the address of this box in it`),
      );
    }
  }
  for (const family of [4, 6]) {
    if (addresses.filter(({ ip }) => ip.family === family).length > 1) {
      failures.push(
        failure(
          given.origin,
          'network.tun_addr',
          `two IPv${family} addresses; give at most one IPv4 and one IPv6 address`,
        ),
      );
    }
  }
  return failures;
}

interface NamedPrefix {
  readonly prefix: Prefix;
  /** Who has it, in words. */
  readonly owner: string;
  readonly key: string;
  readonly origin: Origin;
  readonly where: Place | undefined;
}

function checkPrefixes(own: Given | undefined, peers: readonly GivenPeer[]): Failure[] {
  const all: NamedPrefix[] = ((own?.value ?? []) as readonly Prefix[]).map((prefix) => ({
    prefix,
    owner: 'this box',
    key: 'network.advertise_subnets',
    origin: own?.origin ?? { kind: 'default' },
    where: undefined,
  }));
  for (const { peer, origin, partPlace } of peers) {
    peer.prefixes.forEach((prefix, index) => {
      all.push({
        prefix,
        owner: `peer ${peerLabel(peer)}`,
        key: 'peers.prefixes',
        origin,
        where: partPlace(['prefixes', index]),
      });
    });
  }
  const owners = new Map<string, NamedPrefix>();
  return all.flatMap((one) => {
    const shown = formatPrefix(one.prefix);
    const special = SPECIAL.find(([prefix]) => one.prefix.length > 0 && overlaps(prefix, one.prefix));
    const first = owners.get(shown);
    owners.set(shown, first ?? one);
    if (one.prefix.length === 0)
      return [
        prefixFailure(
          one,
          `"${shown}" is everything; sending all traffic to one box (overlay.default_gateway) is not built yet`,
        ),
      ];
    if (special) return [prefixFailure(one, `"${shown}" is ${special[1]} and cannot be reached through a tunnel`)];
    if (!first) return [];
    return [
      prefixFailure(
        one,
        `"${shown}" belongs to ${first.owner} already (${formatOrigin(first.origin)}); a prefix has one owner`,
        'settings.duplicate',
      ),
    ];
  });
}

function prefixFailure(one: NamedPrefix, message: string, code = 'settings.value'): Failure {
  if (one.where) return { code, message: `${one.key}: ${message}`, where: one.where };
  return failure(one.origin, one.key, message, code);
}

function checkListeners(given: ReadonlyMap<string, Given>): Failure[] {
  const health = given.get('monitoring.health_addr');
  const metrics = given.get('monitoring.metrics_addr');
  if (!health || !metrics) return [];
  const shown = formatHostPort(health.value as HostPort);
  if (shown !== formatHostPort(metrics.value as HostPort)) return [];
  return [
    failure(
      health.origin,
      'monitoring.health_addr',
      `"${shown}" is monitoring.metrics_addr too; each needs its own`,
      'settings.duplicate',
    ),
  ];
}

function failure(origin: Origin, key: string, message: string, code = 'settings.value'): Failure {
  if (origin.kind === 'file') {
    const { file, line, column } = origin;
    return { code, message: `${key}: ${message}`, where: { file, line, column } };
  }
  return { code, message: `${formatOrigin(origin)}: ${message}` };
}
