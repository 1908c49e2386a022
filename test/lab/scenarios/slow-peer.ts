import { BOUNDS } from '../../bounds.ts';
import { sleep } from '../command.ts';
import type { Office } from '../office.ts';
import { Internet } from '../office.ts';
import type { Scenario } from '../scenario.ts';
import { iperf, ping, startLoad } from '../traffic.ts';
import { startMesh, untilReachable } from '../tunnel.ts';

/** One peer on a slow line, flooded, takes nothing from another. */
export const scenario: Scenario = {
  name: 'slow-peer',
  promise: 'with one peer behind 5 Mbit/s under full load, another keeps 95 % of its speed and its ping',
  sabotages: [{ mechanism: 'no-fair-queue', breaks: 'all peers wait in one queue, the slow one in front' }],
  timeLimitMs: 90_000,
  fullTimeLimitMs: 180_000,

  async run(world, verdict, { bounds }) {
    const internet = await Internet.create(world);
    const leeds = await internet.office('leeds');
    const slow = await internet.office('slow', { line: { rateMbps: 5, delayMs: 10, queueMs: 200 } });
    const fast = await internet.office('fast', { line: { rateMbps: 150, delayMs: 2, queueMs: 60 } });
    await startMesh([leeds, slow, fast]);
    const [toSlow, toFast] = [(await slow.box.overlay()).ipv4, (await fast.box.overlay()).ipv4];
    await untilReachable(leeds.box.host, toSlow);
    await untilReachable(leeds.box.host, toFast);

    const durationMs = bounds ? 10_000 : 4000;
    const alone = await measure(leeds, fast, toFast, durationMs);
    // TCP fills what it gets and UDP pushes ten times what fits: the queue to the slow peer is never empty.
    const tcp = await startLoad(leeds.box.host, slow.box.host, toSlow, { flows: 4 });
    const udp = await startLoad(leeds.box.host, slow.box.host, toSlow, { udpRateBps: 50_000_000, port: 5302 });
    await sleep(1500);
    const beside = await measure(leeds, fast, toFast, durationMs);
    await Promise.all([tcp.stop(), udp.stop()]);

    verdict.promise('the other peer is measured alone', alone.bps > 0, alone);
    const { leastSpeedKept, mostPingFactor, mostAddedPingMs } = BOUNDS.slowPeer;
    const speedKept = beside.bps / alone.bps;
    verdict.figure('alone_bps', alone.bps);
    verdict.figure('beside_bps', beside.bps);
    verdict.figure('speed_kept_ratio', speedKept);
    verdict.figure('alone_rtt_ms', alone.rttMs);
    verdict.figure('beside_rtt_ms', beside.rttMs);
    // The short form runs beside other tests, which take more than the difference.
    const least = bounds ? leastSpeedKept : leastSpeedKept - 0.2;
    verdict.promise(`the other peer keeps ${least} of its speed`, speedKept >= least, speedKept);
    const addedMs = bounds ? mostAddedPingMs : 3 * mostAddedPingMs;
    const mostRttMs = Math.max(alone.rttMs * mostPingFactor, alone.rttMs + addedMs);
    verdict.promise('the other peer keeps its ping', beside.rttMs <= mostRttMs, beside.rttMs);
  },
};

async function measure(
  from: Office,
  to: Office,
  address: string,
  durationMs: number,
): Promise<{ bps: number; rttMs: number }> {
  const pings = await ping(from.box.host, address, { count: 60, intervalMs: 25 });
  // What does not even connect has no speed.
  const nothing = { bps: 0 };
  const { bps } = await iperf(from.box.host, to.box.host, address, { durationMs, warmUpMs: 1000, flows: 2 }).catch(
    () => nothing,
  );
  return { bps, rttMs: pings.medianRttMs };
}
