import { join } from 'node:path';
import { BOUNDS } from '../../bounds.ts';
import { sleep } from '../command.ts';
import { makeFile, SshServer } from '../files.ts';
import type { Line, LineQuality } from '../line.ts';
import type { Office } from '../office.ts';
import { Internet } from '../office.ts';
import type { Scenario, Verdict } from '../scenario.ts';
import { iperf } from '../traffic.ts';
import { startMesh, untilReachable } from '../tunnel.ts';

const STAGES: readonly { readonly label: string; readonly change: Partial<LineQuality> }[] = [
  { label: 'clean', change: { lossPercent: 0, reorderPercent: 0 } },
  { label: 'loss_1', change: { lossPercent: 1, reorderPercent: 0 } },
  { label: 'loss_5', change: { lossPercent: 5, reorderPercent: 0 } },
  { label: 'reorder', change: { lossPercent: 0, reorderPercent: 2, reorderMs: 5 } },
];

/** A line that loses and reorders costs speed, never content, and only the segments it lost. */
export const scenario: Scenario = {
  name: 'loss',
  promise:
    'a file arrives with the same SHA-256 over a line that loses 0, 1 or 5 % or reorders, and a lost piece costs only its own segments',
  sabotages: [{ mechanism: 'no-partial-trains', breaks: 'a train that lost one piece is thrown away whole' }],
  timeLimitMs: 240_000,
  fullTimeLimitMs: 3_600_000,

  async run(world, verdict, { bounds }) {
    const internet = await Internet.create(world);
    const leeds = await internet.office('leeds');
    const york = await internet.office('york', { line: { rateMbps: 300, delayMs: 3, queueMs: 60 } });
    if (!york.line) throw new Error('york has no line');
    await startMesh([leeds, york]);
    const address = (await leeds.box.overlay()).ipv4;
    await untilReachable(york.box.host, address);
    const ssh = await SshServer.start(leeds.box.host);
    const file = join(york.box.host.directory, 'file');
    await makeFile(file, bounds ? BOUNDS.loss.fullFileBytes : BOUNDS.loss.quickFileBytes);
    for (const stage of STAGES) {
      await york.line.change(stage.change);
      const copied = await ssh.copy(york.box.host, address, file, bounds ? 1_200_000 : 90_000);
      verdict.figure(`${stage.label}_copy_ms`, copied.durationMs);
      verdict.promise(`the copy arrives whole (${stage.label})`, copied.isSame, copied.problem);
    }
    await checkCostOfLoss(leeds, york, york.line, address, verdict);
  },
};

/** Compares the segments that the tunnel lost with what the line lost. */
async function checkCostOfLoss(
  leeds: Office,
  york: Office,
  line: Line,
  address: string,
  verdict: Verdict,
): Promise<void> {
  const { mostLostFactor, mostLostBase } = BOUNDS.loss;
  // A fast line, so that trains are long and losing them whole would show.
  await line.change({ rateMbps: 500, delayMs: 1, reorderPercent: 0 });
  for (const percent of [0, 3]) {
    await line.change({ lossPercent: percent });
    const before = await observeLosses(york, leeds);
    // BBR keeps its window up under loss, for the same reason.
    const { bps } = await iperf(york.box.host, leeds.box.host, address, { durationMs: 4000, congestion: 'bbr' });
    // What is still on the line is neither here nor lost.
    await sleep(1000);
    const after = await observeLosses(york, leeds);
    const inside = 1 - (after.segmentsArrived - before.segmentsArrived) / (after.segmentsSent - before.segmentsSent);
    const outside = (after.packetsLost - before.packetsLost) / (after.packetsSent - before.packetsSent);
    verdict.figure(`loss_${percent}_tcp_bps`, bps);
    verdict.figure(`loss_${percent}_lost_outside_ratio`, outside);
    verdict.figure(`loss_${percent}_lost_inside_ratio`, inside);
    const most = mostLostFactor * outside + mostLostBase;
    verdict.promise(
      `at ${percent} % loss a lost packet costs at most ${mostLostFactor} segments`,
      inside <= most,
      inside,
    );
  }
}

/** Inside segments that one box has sent to another and that arrived; outside packets sent and lost. */
async function observeLosses(from: Office, to: Office): Promise<Record<Losses, number>> {
  const [there, here] = [(await from.box.snapshot()).peers[0], (await to.box.snapshot()).peers[0]];
  const path = there?.paths[0];
  if (!there || !here || !path) throw new Error('the tunnel is down');
  return {
    segmentsSent: there.sent_packets,
    segmentsArrived: here.received_packets,
    packetsSent: path.sent_packets,
    packetsLost: path.lost_packets,
  };
}

type Losses = 'segmentsSent' | 'segmentsArrived' | 'packetsSent' | 'packetsLost';
