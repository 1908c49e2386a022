import { formatIp, type Ip } from '../core/ip.ts';
import { type NodeId, nodeIdBytes } from '../core/node-id.ts';
import { type Failure, fail } from '../core/result.ts';
import { displayName } from './display-name.ts';

/** fd71:6574:6872::/64, ours (RFC 4193). */
const OVERLAY_V6_NETWORK = 0xfd71_6574_6872_0000n << 64n;

/** Overlay addresses of a box of a static pair. */
export interface OverlayAddresses {
  readonly v4: Ip;
  readonly v6: Ip;
}

/**
 * The addresses that follow from a NodeId: 22 bits of it in 100.64.0.0/10 (RFC 6598), 64 bits
 * in our ULA /64. Both boxes compute both, so a pair needs no configuration.
 */
export function overlayAddresses(id: NodeId): OverlayAddresses {
  const bytes = nodeIdBytes(id);
  const [a = 0, b = 0, c = 0] = bytes;
  const v4 = (100n << 24n) | (BigInt(64 | (a >> 2)) << 16n) | (BigInt(b) << 8n) | BigInt(c);
  const low = bytes.slice(0, 8).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { v4: { family: 4, value: v4 }, v6: { family: 6, value: OVERLAY_V6_NETWORK | low } };
}

/** A box and the overlay addresses it uses. */
export interface OverlayParty {
  readonly id: NodeId;
  readonly name?: string;
  readonly addresses: readonly Ip[];
}

/** Every pair of boxes that use one address, each explained with both parties and the way out. */
export function overlayCollisions(parties: readonly OverlayParty[]): Failure[] {
  const owners = new Map<string, OverlayParty>();
  const failures: Failure[] = [];
  for (const party of parties) {
    for (const address of new Set(party.addresses.map(formatIp))) {
      const owner = owners.get(address);
      if (!owner) owners.set(address, party);
      else if (owner.id !== party.id) failures.push(collision(address, owner, party));
    }
  }
  return failures;
}

function collision(address: string, first: OverlayParty, second: OverlayParty): Failure {
  const failed = fail(
    'identity.overlay-collision',
    `${displayName(first)} and ${displayName(second)} both have the overlay address ${address}`,
    { remedy: 'set network.tun_addr to a free address of 100.64.0.0/10 on one of them' },
  );
  return failed.error;
}
