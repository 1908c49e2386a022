import * as z from 'zod';
import { formatHostPort, type HostPort } from '../core/host-port.ts';
import { parseNodeId } from '../core/node-id.ts';
import { fail, ok } from '../core/result.ts';
import { operation } from './operation.ts';
import type { World } from './world.ts';

/** As many as may stand in the configuration; the engine takes both together. */
const MAX_ACCEPTED = 10_000;

/** What whoever added the address called the box that is there. */
export function nameSought(addresses: readonly HostPort[], { steering }: World): string | undefined {
  const texts = addresses.map(formatHostPort);
  return steering.sought.find(({ address }) => texts.includes(formatHostPort(address)))?.name;
}

/** Lets a box send and receive; from then on traffic flows when it has accepted this one too. */
export const acceptPeer = operation({
  name: 'peer.accept',
  method: 'AcceptPeer',
  summary: 'Lets a box send and receive, whether it is connected already or comes later.',
  role: 'admin',
  input: z.object({ node_id: z.string().max(128), name: z.string().min(1).max(64).optional() }),
  output: z.object({ node_id: z.string(), was_accepted: z.boolean(), accepted_there: z.boolean().nullable() }),
  audit: ({ node_id }) => `accepted ${node_id}`,
  rest: { verb: 'POST', path: '/peers/{node_id}/accept' },
  omitted: {},

  async run({ node_id, name }, world) {
    // Whole NodeIds only: accepting by name would let a stranger choose whom it is taken for.
    const parsed = parseNodeId(node_id);
    if (!parsed.ok) return parsed;
    const nodeId = parsed.value;
    if (nodeId === world.intent.id)
      return fail('peer.self', `${nodeId} is this box itself`, { remedy: 'give the NodeId of the other box' });
    const { accepted } = world.steering;
    const isConfigured = world.intent.peers.some((peer) => peer.id === nodeId);
    if (isConfigured || accepted.some((peer) => peer.nodeId === nodeId))
      return ok({ node_id, was_accepted: true, accepted_there: null });
    if (accepted.length >= MAX_ACCEPTED) {
      return fail('peer.too-many', `${MAX_ACCEPTED} peers are accepted already`, {
        remedy: 'remove one that is gone with: quicether peers remove ID',
      });
    }
    const snapshot = await world.steering.snapshot();
    const pending = snapshot.ok ? snapshot.value.pending.find((peer) => peer.node_id === nodeId) : undefined;
    const addresses = pending ? world.steering.dialledAt(pending.address) : [];
    const written = await world.steering.accept({
      nodeId,
      name: name ?? nameSought(addresses, world),
      addresses,
      acceptedAtMs: world.clock.nowMs(),
    });
    return written.ok ? ok({ node_id, was_accepted: false, accepted_there: pending?.accepted_there ?? null }) : written;
  },
});
