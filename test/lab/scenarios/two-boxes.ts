import type { Scenario } from '../scenario.ts';
import { buildTwoBoxes } from '../two-boxes/build.ts';
import { checkEdges } from '../two-boxes/edges.ts';
import { checkPrograms } from '../two-boxes/programs.ts';
import { measureStart } from '../two-boxes/start-time.ts';
import { checkStrangers } from '../two-boxes/strangers.ts';

/** Real programs talk through the tunnel, and only those who may. */
export const scenario: Scenario = {
  name: 'two-boxes',
  promise: 'ping, ssh, rsync and iperf3 work between two offices over IPv4 and IPv6, and nobody else gets in',
  sabotages: [{ mechanism: 'no-policy', breaks: 'packets whose source is not the peer’s are let through' }],
  timeLimitMs: 120_000,
  fullTimeLimitMs: 180_000,

  async run(world, verdict, { bounds }) {
    const offices = await buildTwoBoxes(world, verdict);
    await checkPrograms(offices, verdict);
    await measureStart(offices, verdict, bounds);
    await checkEdges(offices, verdict);
    await checkStrangers(offices, verdict);
  },
};
