import { bitsOf, formatIp, type Ip, parseIp } from '../core/ip.ts';
import type { NodeId } from '../core/node-id.ts';
import { contains, type InterfaceAddress, type Prefix, parseInterfaceAddress, parsePrefix } from '../core/prefix.ts';
import type { Failure } from '../core/result.ts';
import type { DeriveAddresses, Intent, PeerIntent, PlanProblem } from './intent.ts';

/** Claims of one peer that are looked at; one per family is the rule. */
const MAX_CLAIMS = 8;

const known = (text: string): Prefix => {
  const read = parsePrefix(text);
  if (!read.ok) throw new TypeError(read.error.message);
  return read.value;
};
const OVERLAY_RANGES = ['100.64.0.0/10', 'fd00::/8'].map(known);
const PRIVATE_RANGES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map(known);

/** Addresses of our own interface: the one set by hand, derived ones for the families it leaves. */
export function ownAddresses(intent: Intent, derive: DeriveAddresses): InterfaceAddress[] {
  const { v4, v6 } = derive(intent.id);
  const chosen = intent.tunAddresses;
  const rest = [v4, v6].filter((ip) => !chosen.some((one) => one.ip.family === ip.family));
  return [...chosen, ...rest.map((ip) => ({ ip, length: bitsOf(ip.family) }))];
}

export interface OverlayPlan {
  readonly addresses: ReadonlyMap<NodeId, readonly Ip[]>;
  readonly problems: readonly PlanProblem[];
}

/**
 * Which overlay addresses each peer has: what it claims when that is sane, else derived.
 *
 * A claim never wins over an address that follows from somebody's NodeId, so an accepted peer
 * cannot take another one's traffic by claiming its address.
 */
export function planOverlay(
  intent: Intent,
  peers: readonly PeerIntent[],
  claims: ReadonlyMap<NodeId, readonly string[]>,
  derive: DeriveAddresses,
): OverlayPlan {
  const owners = new Map<string, Party>();
  const problems: PlanProblem[] = [];
  const self: Party = { id: intent.id, name: `this box (…${intent.id.slice(-6)})` };
  for (const { ip } of ownAddresses(intent, derive)) owners.set(formatIp(ip), self);
  const derived = new Map<NodeId, Ip[]>();
  for (const peer of peers) {
    const free = Object.values(derive(peer.id)).filter((ip) => {
      const owner = owners.get(formatIp(ip));
      if (owner) problems.push({ peer: peer.id, failure: collision(ip, party(peer), owner) });
      else owners.set(formatIp(ip), party(peer));
      return !owner;
    });
    derived.set(peer.id, free);
  }
  const behind = peers.flatMap((owner) => owner.prefixes.map((prefix) => ({ owner, prefix })));
  const addresses = new Map<NodeId, readonly Ip[]>();
  for (const peer of peers) {
    const claimed: Ip[] = [];
    for (const text of (claims.get(peer.id) ?? []).slice(0, MAX_CLAIMS)) {
      const verdict = judgeClaim(text, peer, { intent, behind, owners });
      if ('failure' in verdict) problems.push({ peer: peer.id, failure: verdict.failure });
      else if (!claimed.some((ip) => ip.family === verdict.ip.family)) claimed.push(verdict.ip);
    }
    for (const ip of claimed) owners.set(formatIp(ip), party(peer));
    const rest = (derived.get(peer.id) ?? []).filter((ip) => !claimed.some((one) => one.family === ip.family));
    addresses.set(
      peer.id,
      [...claimed, ...rest].sort((a, b) => a.family - b.family),
    );
  }
  return { addresses, problems };
}

interface Party {
  readonly id: NodeId;
  readonly name: string;
}

function party(peer: PeerIntent): Party {
  const tail = `…${peer.id.slice(-6)}`;
  return { id: peer.id, name: peer.name ? `${peer.name} (${tail})` : tail };
}

interface ClaimWorld {
  readonly intent: Intent;
  /** Every prefix behind a peer. */
  readonly behind: readonly { readonly owner: PeerIntent; readonly prefix: Prefix }[];
  readonly owners: ReadonlyMap<string, Party>;
}

function judgeClaim(text: string, peer: PeerIntent, world: ClaimWorld): { ip: Ip } | { failure: Failure } {
  const read = text.includes('/') ? parseInterfaceAddress(text) : parseIp(text);
  if (!read.ok) return { failure: refused(peer, JSON.stringify(text.slice(0, 64)), 'it is not an address') };
  const ip = 'ip' in read.value ? read.value.ip : read.value;
  const ranges = world.intent.tunAddresses.length > 0 ? [...OVERLAY_RANGES, ...PRIVATE_RANGES] : OVERLAY_RANGES;
  if (!ranges.some((range) => contains(range, ip))) {
    return {
      failure: refused(
        peer,
        formatIp(ip),
        'it is not in 100.64.0.0/10 or fd00::/8; set network.tun_addr here too to use private ranges',
      ),
    };
  }
  const owner = world.owners.get(formatIp(ip));
  if (owner && owner.id !== peer.id) return { failure: collision(ip, party(peer), owner) };
  if (world.intent.localPrefixes.some((prefix) => contains(prefix, ip))) {
    return { failure: refused(peer, formatIp(ip), 'it lies in a network behind this box') };
  }
  const behind = world.behind.find(({ owner: other, prefix }) => other.id !== peer.id && contains(prefix, ip));
  if (behind)
    return { failure: refused(peer, formatIp(ip), `it lies in a network behind ${party(behind.owner).name}`) };
  return { ip };
}

function refused(peer: PeerIntent, address: string, why: string): Failure {
  return {
    code: 'routing.claim-refused',
    message: `${party(peer).name} says its overlay address is ${address}, which is not accepted: ${why}`,
  };
}

function collision(ip: Ip, newcomer: Party, owner: Party): Failure {
  return {
    code: 'routing.overlay-collision',
    message: `${newcomer.name} and ${owner.name} both have the overlay address ${formatIp(ip)}; ${owner.name} keeps it`,
    remedy: 'set network.tun_addr to a free address of 100.64.0.0/10 on one of them',
  };
}
