import * as z from 'zod';
import type { Snapshot } from '../adapters/engine-messages.ts';
import type { NodeId } from '../core/node-id.ts';
import { OFFICE_STATES } from '../lines/office-state.ts';
import { namesHere } from './peer-view.ts';
import type { HostLine, World } from './world.ts';

export const OfficeView = z.object({
  node_id: z.string(),
  name: z.string(),
  state: z.enum(OFFICE_STATES),
  since_ms: z.number().nullable(),
  rtt_ms: z.number().nullable(),
  last_good_ms: z.number().nullable(),
  paths: z.number(),
  problem: z.string().nullable(),
  remedy: z.string().nullable(),
  waiting: z.boolean().describe('to be accepted there: nothing is wrong'),
  configured: z.boolean().describe('named in the configuration, so it is removed there'),
});
export type OfficeView = z.output<typeof OfficeView>;

/** Whether no cable is in where offices were last reached, as far as the ports tell: whatever is silent then is not to blame for it. */
export function isCutOff(
  all: readonly HostLine[],
  offices: readonly Pick<OfficeView, 'state'>[],
  used: readonly string[] = [],
): boolean {
  // A port for the computers of this office may well have a link.
  const ways = all.filter((line) => used.includes(line.interface));
  const lines = ways.length > 0 ? ways : all;
  if (lines.length === 0 || lines.some(({ isLinkUp }) => isLinkUp !== false)) return false;
  return !offices.some(({ state }) => state === 'working' || state === 'degraded');
}

/** The same of offices of a box that has no line: the next step is here, not there. */
export function blamingHere(office: OfficeView): OfficeView {
  const problem = 'this box has no internet line';
  return { ...office, waiting: false, problem, remedy: 'check the cable of this box and its modem' };
}

/** Every office that this box accepts, as the probes have it; also while the engine is away. */
export function viewOffices(snapshot: Snapshot | undefined, world: World): OfficeView[] {
  const names = namesHere(world);
  const configured = new Set(world.intent.peers.map(({ id }) => id));
  const observed = new Map(snapshot?.peers.map((peer) => [peer.node_id, peer]));
  const ids = new Set<string>([...configured, ...world.steering.accepted.map(({ nodeId }) => nodeId)]);
  const problems = new Map(world.steering.problems.map(({ peer, failure }) => [peer as string | undefined, failure]));
  return [...ids].map((nodeId): OfficeView => {
    const health = world.health.of(nodeId as NodeId);
    const isUnknown = !snapshot || !health;
    const planned = problems.get(nodeId);
    const peer = observed.get(nodeId);
    return {
      node_id: nodeId,
      name: names.get(nodeId) ?? peer?.name ?? '',
      state: isUnknown ? 'unknown' : health.state,
      since_ms: isUnknown ? null : health.sinceMs,
      rtt_ms: isUnknown ? null : rounded(health.rttMs),
      last_good_ms: health?.lastGoodMs ?? null,
      paths: peer?.paths.length ?? 0,
      problem: (isUnknown ? 'not checked yet' : health.problem) ?? planned?.message ?? null,
      remedy: (isUnknown ? undefined : health.remedy) ?? planned?.remedy ?? null,
      waiting: !isUnknown && health.isWaiting === true,
      configured: configured.has(nodeId as NodeId),
    };
  });
}

/** Thousandths are enough for people and keep answers short; null for what is not known. */
export function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1000) / 1000;
}
