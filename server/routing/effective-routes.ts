import type { Snapshot } from '../adapters/engine-messages.ts';
import { formatPrefix, parsePrefix } from '../core/prefix.ts';
import type { Intent } from './intent.ts';

export type RouteType = 'Local' | 'Node' | 'Gateway' | 'Default';

export interface EffectiveRoute {
  readonly destination: string;
  /** NodeId of the peer, or the local interface's name. */
  readonly next_hop: string;
  readonly type: RouteType;
  readonly installed: boolean;
  readonly problem: string | null;
}

/** Every route of the overlay as it is: local ones first, then to peers, then the default. */
export function effectiveRoutes(intent: Intent, ownAddresses: readonly string[], snapshot: Snapshot): EffectiveRoute[] {
  const local = [...ownAddresses, ...intent.localPrefixes.map(formatPrefix)].map(
    (destination): EffectiveRoute => ({
      destination,
      next_hop: 'local',
      type: 'Local',
      installed: true,
      problem: null,
    }),
  );
  const remote = snapshot.routes.map(
    (route): EffectiveRoute => ({
      destination: route.destination,
      next_hop: route.node_id,
      type: typeOf(route.destination),
      installed: route.installed,
      problem: route.problem,
    }),
  );
  return [...local, ...remote.sort((a, b) => ORDER[a.type] - ORDER[b.type])];
}

const ORDER: Readonly<Record<RouteType, number>> = { Local: 0, Node: 1, Gateway: 2, Default: 3 };

/** A whole box is a Node, everything is the Default, and what lies behind a box has it as Gateway. */
function typeOf(destination: string): RouteType {
  const prefix = parsePrefix(destination);
  if (!prefix.ok) return 'Gateway';
  const { length, network } = prefix.value;
  if (length === 0) return 'Default';
  return length === (network.family === 4 ? 32 : 128) ? 'Node' : 'Gateway';
}
