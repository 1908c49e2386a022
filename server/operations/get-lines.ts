import * as z from 'zod';
import type { PathStatus, Snapshot } from '../adapters/engine-messages.ts';
import type { NodeId } from '../core/node-id.ts';
import { ok } from '../core/result.ts';
import { decideLine } from '../lines/line-state.ts';
import { OFFICE_STATES } from '../lines/office-state.ts';
import { rounded } from './office-view.ts';
import { operation } from './operation.ts';
import type { HostLine, World } from './world.ts';

const LineView = z.object({
  interface: z.string(),
  addresses: z.array(z.string()),
  state: z.enum(OFFICE_STATES),
  rtt_ms: z.number().nullable(),
  loss_ratio: z.number().nullable(),
  offices: z.number().describe('that are reached over it'),
});

/** The internet lines of this box: those that the system has, and those that the engine uses. */
export const getLines = operation({
  name: 'line.list',
  method: 'GetLines',
  summary: 'The internet lines of this box, and what goes over each.',
  role: 'viewer',
  input: z.object({}),
  output: z.object({ lines: z.array(LineView) }),
  audit: null,
  rest: { verb: 'GET', path: '/lines' },
  omitted: {},

  async run(_, world) {
    const [observed, system] = await Promise.all([world.steering.snapshot(), world.host.lines()]);
    const used = observed.ok ? pathsByLine(observed.value) : new Map<string, Used[]>();
    const known = new Map(system.map((line) => [line.interface, line]));
    const names = [...new Set([...known.keys(), ...used.keys()])].filter((name) => name !== '').sort();
    return ok({ lines: names.map((name) => viewLine(name, known.get(name), { used: used.get(name) ?? [], world })) });
  },
});

interface Used {
  readonly office: string;
  readonly path: PathStatus;
}

function pathsByLine(snapshot: Snapshot): Map<string, Used[]> {
  const all = snapshot.peers.flatMap((peer) => peer.paths.map((path): Used => ({ office: peer.node_id, path })));
  return Map.groupBy(all, ({ path }) => path.interface);
}

function viewLine(
  name: string,
  system: HostLine | undefined,
  { used, world }: { used: readonly Used[]; world: World },
): z.output<typeof LineView> {
  const paths = used.map(({ office, path }) => ({
    office,
    silentMs: path.silent_ms,
    lossRatio: world.health.pathLoss(office as NodeId, path),
  }));
  const losses = paths.map(({ lossRatio }) => lossRatio).filter((one) => one !== undefined);
  const rtts = used.map(({ path }) => path.rtt_us).sort((a, b) => a - b);
  const [quickestUs] = rtts;
  const seen = used.map(({ path }) => path.local.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'));
  return {
    interface: name,
    addresses: [...new Set(system?.addresses ?? seen)],
    state: decideLine({ isLinkUp: system?.isLinkUp, paths }),
    rtt_ms: quickestUs === undefined ? null : Math.round(quickestUs) / 1000,
    loss_ratio: losses.length === 0 ? null : rounded(losses.reduce((sum, one) => sum + one, 0) / losses.length),
    offices: new Set(used.map(({ office }) => office)).size,
  };
}
