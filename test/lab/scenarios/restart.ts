import { join } from 'node:path';
import { BOUNDS } from '../../bounds.ts';
import { sleep, until } from '../command.ts';
import { makeFile, SshServer } from '../files.ts';
import { observeKernel } from '../host.ts';
import type { Office } from '../office.ts';
import { Internet } from '../office.ts';
import type { Scenario, Verdict } from '../scenario.ts';
import { startPing } from '../traffic.ts';
import { startMesh, untilReachable } from '../tunnel.ts';

const MEBIBYTE = 1024 ** 2;

interface Pair {
  readonly leeds: Office;
  readonly york: Office;
  /** Leeds, as York reaches it through the tunnel. */
  readonly address: string;
  readonly ssh: SshServer;
  readonly file: string;
  /** Keeps a copy going for a few seconds, well below what the tunnel could do. */
  readonly rateKbPerS: number;
}

/** Daemons and engines may die and come back; what is open stays open. */
export const scenario: Scenario = {
  name: 'restart',
  promise:
    'a daemon may be killed without a packet lost, an engine without a TCP session lost, and nothing is left behind',
  sabotages: [
    { mechanism: 'no-adopt', breaks: 'a new daemon restarts the engine instead of adopting it' },
    { mechanism: 'no-lease', breaks: 'without a daemon for long, new flows pass all the same' },
    { mechanism: 'no-reconnect', breaks: 'a peer that went away is not dialled again' },
  ],
  timeLimitMs: 120_000,
  fullTimeLimitMs: 400_000,

  async run(world, verdict, { bounds }) {
    const internet = await Internet.create(world);
    const leeds = await internet.office('leeds');
    // Nobody can dial York: that a tunnel comes back is York's doing.
    const york = await internet.office('york', { isBehindNat: true });
    const before = [await observeKernel(leeds.box.host), await observeKernel(york.box.host)];
    await startMesh([leeds, york]);
    const address = (await leeds.box.overlay()).ipv4;
    await untilReachable(york.box.host, address);
    const ssh = await SshServer.start(leeds.box.host);
    const file = join(york.box.host.directory, 'file');
    const sizeBytes = bounds ? BOUNDS.loss.fullFileBytes : 24 * MEBIBYTE;
    await makeFile(file, sizeBytes);
    const pair = { leeds, york, address, ssh, file, rateKbPerS: Math.round(sizeBytes / 1024 / (bounds ? 20 : 6)) };
    await killDaemon(pair, verdict);
    await killEngine(pair, verdict);
    await killBoth(pair, verdict);
    await outliveLease(pair, verdict);
    await stopOrderly(pair, before, verdict);
  },
};

/** Twice: with nothing but pings, where every one counts, and with a copy going on. */
async function killDaemon(pair: Pair, verdict: Verdict): Promise<void> {
  const { leeds, york, address, ssh, file } = pair;
  const engine = await leeds.box.enginePid();
  const pinger = startPing(york.box.host, address, { intervalMs: 10 });
  await sleep(500);
  await restartDaemon(leeds);
  await sleep(1000);
  const pings = await pinger.stop();
  verdict.figure('daemon_killed_pings', pings.sent);
  verdict.figure('daemon_killed_lost', pings.sent - pings.received);
  const isNoneLost = pings.sent > 100 && pings.sent - pings.received <= BOUNDS.restart.mostPingsLost;
  verdict.promise('not a ping is lost while a daemon is killed and restarted', isNoneLost, pings);
  const copying = ssh.copy(york.box.host, address, file, 60_000, pair.rateKbPerS);
  await sleep(1500);
  await restartDaemon(leeds);
  const copied = await copying;
  verdict.promise('a copy across it arrives whole', copied.isSame, copied.problem);
  verdict.promise('the new daemon adopts the engine', (await leeds.box.enginePid()) === engine, { engine });
}

async function restartDaemon({ box }: Office): Promise<void> {
  await box.killDaemon();
  await sleep(1000);
  await box.start();
}

async function killEngine(pair: Pair, verdict: Verdict): Promise<void> {
  const { leeds, york, address, ssh, file } = pair;
  const engine = await leeds.box.enginePid();
  const pinger = startPing(york.box.host, address, { intervalMs: 20 });
  const copying = ssh.copy(york.box.host, address, file, 90_000, pair.rateKbPerS);
  await sleep(1500);
  await leeds.box.killEngine();
  await verdict.attempt('the daemon starts another engine', async () => {
    await until('another engine', 10_000, async () => {
      const now = await leeds.box.enginePid();
      return now !== undefined && now !== engine ? now : undefined;
    });
    await untilReachable(york.box.host, address, 20_000);
  });
  const copied = await copying;
  const pings = await pinger.stop();
  verdict.figure('engine_killed_gap_ms', pings.longestGapMs);
  const isQuick = pings.longestGapMs <= BOUNDS.restart.mostEngineGapMs;
  verdict.promise('the tunnel is back soon after an engine was killed', isQuick && pings.received > 0, pings);
  verdict.promise('the TCP session survives and the copy arrives whole', copied.isSame, copied.problem);
}

async function killBoth({ leeds, york, address }: Pair, verdict: Verdict): Promise<void> {
  await york.box.killDaemon();
  await york.box.killEngine();
  await sleep(500);
  await verdict.attempt('a start cleans up what both left behind when killed', async () => {
    await york.box.start();
    await untilReachable(york.box.host, address, 20_000);
    await untilReachable(leeds.box.host, (await york.box.overlay()).ipv4, 5000);
  });
}

/** Without a daemon for longer than the lease, what is live goes on and nothing new begins. */
async function outliveLease({ leeds, york, address, ssh, file, rateKbPerS }: Pair, verdict: Verdict): Promise<void> {
  leeds.box.moreEnvironment = { QUICETHER_LEASE_SECONDS: '3' };
  await leeds.box.stop();
  await leeds.box.start();
  await untilReachable(york.box.host, address, 20_000);
  const copying = ssh.copy(york.box.host, address, file, 60_000, rateKbPerS);
  await sleep(1000);
  await leeds.box.killDaemon();
  await sleep(3500);
  const late = await ssh.command(york.box.host, address, ['true']);
  verdict.promise('without a daemon for long, no new flow begins', late.status !== 0, late);
  const copied = await copying;
  verdict.promise('and a copy that had begun goes on and arrives whole', copied.isSame, copied.problem);
  await leeds.box.start();
  await verdict.attempt('with a daemon again, new flows begin', async () => {
    await until('a new flow', 10_000, async () => {
      const again = await ssh.command(york.box.host, address, ['true']);
      return again.status === 0 ? true : undefined;
    });
  });
  leeds.box.moreEnvironment = {};
}

async function stopOrderly({ leeds, york }: Pair, before: readonly string[], verdict: Verdict): Promise<void> {
  for (const [index, { name, box }] of [leeds, york].entries()) {
    await verdict.attempt(`${name} stops when told, engine and all`, async () => {
      const status = await box.stop();
      if (status !== 0) throw new Error(`exit status ${status}: ${box.log().slice(-500)}`);
    });
    const after = await observeKernel(box.host);
    verdict.promise(
      `${name} leaves no interface, address, route or rule`,
      after === before[index],
      added(before[index], after),
    );
  }
}

function added(before = '', after = ''): string[] {
  const known = new Set(before.split('\n'));
  const left = after.split('\n').filter((line) => !known.has(line));
  return left.length > 0 ? left : ['something is missing that was there before'];
}
