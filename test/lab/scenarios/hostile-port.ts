import { BOUNDS } from '../../bounds.ts';
import type { Target } from '../attack.ts';
import { attack, observeAnswered, record, replay, sniff, watchAnswers } from '../attack.ts';
import { PORT, rssBytesOf } from '../box.ts';
import { sleep } from '../command.ts';
import type { Host } from '../host.ts';
import type { Office } from '../office.ts';
import { Internet } from '../office.ts';
import type { Scenario, ScenarioOptions, Verdict } from '../scenario.ts';
import { iperf, ping } from '../traffic.ts';
import { startMesh, untilReachable } from '../tunnel.ts';

/** Whoever has no business at the port hears nothing and harms nothing. */
export const scenario: Scenario = {
  name: 'hostile-port',
  promise: 'garbage of every kind at the port is answered with not one byte, and neither engine nor tunnel minds',
  sabotages: [{ mechanism: 'answer-strangers', breaks: 'handshakes without the right tag are answered' }],
  timeLimitMs: 120_000,
  fullTimeLimitMs: 600_000,

  async run(world, verdict, options) {
    const internet = await Internet.create(world);
    const leeds = await internet.office('leeds');
    // Below what the machine could do, so that the attacker's own work does not count as damage.
    const york = await internet.office('york', { line: { rateMbps: 100, delayMs: 4, queueMs: 50 } });
    const attacker = await internet.outsider('attacker');
    const target: Target = { host: leeds.box.host, address: leeds.ipv4, port: PORT };
    const recording = await record(target);
    await startMesh([leeds, york]);
    const address = (await leeds.box.overlay()).ipv4;
    await untilReachable(york.box.host, address);
    const recorded = await recording.stop();
    verdict.figure('recorded_first_packets', recorded);
    verdict.promise('first packets of York were recorded, to be sent again', recorded > 0, recorded);
    await watchAnswers(attacker.host, leeds.ipv4);
    const sniffer = await sniff(target, attacker.ipv4);
    await besiege(
      { leeds, york, attacker: attacker.host, target, address, recording: recording.file },
      verdict,
      options,
    );
    const captured = await sniffer.stop();
    verdict.promise('a capture on the box shows nothing sent to the attacker', isSilence(captured), captured);
  },
};

function isSilence(captured: Record<string, number>): boolean {
  return captured['packets'] === 0 && captured['icmp_errors'] === 0;
}

interface Siege {
  readonly leeds: Office;
  readonly york: Office;
  readonly attacker: Host;
  readonly target: Target;
  /** Of Leeds inside the tunnel. */
  readonly address: string;
  readonly recording: string;
}

async function besiege(siege: Siege, verdict: Verdict, { bounds }: ScenarioOptions): Promise<void> {
  const { leeds, york, attacker, target, address } = siege;
  const engine = (await leeds.box.enginePid()) ?? -1;
  const datagrams = bounds ? BOUNDS.hostilePort.fullDatagrams : BOUNDS.hostilePort.quickDatagrams;
  const ratePps = bounds ? 25_000 : 10_000;
  const durationMs = (datagrams / ratePps) * 1000 - 1000;
  const measure = (): ReturnType<typeof iperf> =>
    iperf(york.box.host, leeds.box.host, address, { durationMs, warmUpMs: 1000, flows: 4 });

  const peace = await measure();
  // A first helping lets caches fill to their bounds: from then on memory must be flat.
  await attack(attacker, target, { datagrams: 10_000, ratePps, seed: 1 });
  const [rssBefore, before] = [rssBytesOf(engine), (await leeds.box.snapshot()).counters];
  const [war, sent] = await Promise.all([measure(), attack(attacker, target, { datagrams, ratePps, seed: 2 })]);
  verdict.figure('replayed_sent', await replay(attacker, target, siege.recording));
  await sleep(1500);

  const after = (await leeds.box.snapshot()).counters;
  const dropped =
    after.silenced + after.replayed + after.wrong_version - before.silenced - before.replayed - before.wrong_version;
  const answered = await observeAnswered(attacker);
  verdict.figure('sent_datagrams', sent);
  verdict.figure('dropped_datagrams', dropped);
  verdict.figure('replayed_datagrams', after.replayed);
  verdict.figure('answered_packets', answered.packets);
  verdict.figure('answered_bytes', answered.bytes);
  verdict.promise(
    'not one byte goes back to the attacker',
    answered.packets <= BOUNDS.hostilePort.mostAnswered,
    answered,
  );
  // Part of the random garbage looks like a packet of a connection and is not told apart at once.
  verdict.promise('what was dropped is counted', dropped >= 0.75 * sent, { sent, dropped });
  verdict.promise('the engine is the same process', (await leeds.box.enginePid()) === engine);
  const grownBytes = rssBytesOf(engine) - rssBefore;
  verdict.figure('rss_growth_bytes', grownBytes);
  verdict.promise('its memory is flat', grownBytes <= BOUNDS.hostilePort.mostRssGrowthBytes, grownBytes);
  const pings = await ping(york.box.host, address, { count: 20, intervalMs: 20 });
  verdict.promise('the tunnel carries on', pings.received === 20, pings);
  verdict.figure('peace_bps', peace.bps);
  verdict.figure('war_bps', war.bps);
  const { leastSpeedKept } = BOUNDS.hostilePort;
  // The short form runs beside other tests: half the speed still shows that nothing is stuck.
  const least = bounds ? leastSpeedKept : leastSpeedKept / 2;
  verdict.promise(
    `under attack the tunnel keeps ${least} of its speed`,
    war.bps >= least * peace.bps,
    war.bps / peace.bps,
  );
}
