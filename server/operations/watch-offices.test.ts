import { describe, expect, test } from 'vitest';
import type { PeerStatus } from '../adapters/engine-messages.ts';
import { SimulatedClock } from '../core/clock.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { HealthSample } from './health-port.ts';
import { boxId, settle } from './simulated-world.ts';
import { OfficeWatch } from './watch-offices.ts';

const york = boxId(1);
const path = (silentMs: number) => ({
  interface: 'eth0',
  local: '192.0.2.9:9000',
  remote: '192.0.2.1:9000',
  rtt_us: 20_000,
  min_rtt_us: 20_000,
  sent_packets: 0,
  lost_packets: 0,
  window_bytes: 0,
  mtu: 1_400,
  silent_ms: silentMs,
});
const peer = (node_id: string, more: Partial<PeerStatus> = {}): PeerStatus => ({
  node_id,
  name: '',
  state: 'up',
  problem: null,
  claimed_addresses: [],
  connected_ms: 0,
  sent_bytes: 0,
  received_bytes: 0,
  sent_packets: 0,
  received_packets: 0,
  queue_bytes: 0,
  queue_drops: 0,
  queue_marks: 0,
  paths: [path(0)],
  ...more,
});

/** A line to offices that can be cut; answers take `rttMs`. */
function world(count = 1) {
  const clock = new SimulatedClock(Date.UTC(2026, 10, 23));
  const line = {
    isCut: false,
    isEngineAway: false,
    cutAtMs: 0,
    pings: [] as string[],
    inFlight: 0,
    most: 0,
    rttMs: 20,
  };
  const offices = Array.from({ length: count }, (_, n) => peer(n === 0 ? york : `qe1office${n}`));
  const samples: [string, HealthSample][] = [];
  const snapshot = async () => {
    if (line.isEngineAway) return fail('engine.not-reachable', 'away');
    const silentMs = line.isCut ? clock.monotonicMs() - line.cutAtMs : 0;
    return ok({
      peers: offices.map((one) => ({ ...one, paths: one.paths.map((each) => ({ ...each, silent_ms: silentMs })) })),
    } as never);
  };
  const ping = (nodeId: string, timeoutMs: number): Promise<Result<number>> => {
    line.pings.push(nodeId);
    line.most = Math.max(line.most, ++line.inFlight);
    const { isCut, rttMs } = line;
    return new Promise((resolve) => {
      clock.setTimer(isCut ? timeoutMs : rttMs, () => {
        line.inFlight--;
        resolve(isCut ? fail('engine.timeout', 'no answer') : ok(rttMs * 1_000));
      });
    });
  };
  const health = new OfficeWatch({
    clock,
    steering: { snapshot, ping },
    lastGood: () => undefined,
    onSample: (subject, sample) => samples.push([subject, sample]),
  });
  const run = async (ms: number): Promise<void> => {
    for (let done = 0; done < ms; done += 10) {
      clock.advance(10);
      await settle();
    }
  };
  return { clock, line, offices, samples, health, run };
}

describe('an office', () => {
  test('is grey until a probe came back, then green, with the round trip', async () => {
    const { health, run } = world();
    expect(health.of(york)).toBeUndefined();
    health.start();
    await settle();
    expect(health.of(york)?.state).toBe('unknown');
    await run(1_000);
    expect(health.of(york)).toMatchObject({ state: 'working', rttMs: 20, problem: undefined });
  });

  test.each([0, 300, 700, 1_100, 1_500, 1_900])(
    '%i ms after a probe its line is cut: noticed within five seconds',
    async (at) => {
      const { health, line, clock, run } = world();
      health.start();
      await run(10_000 + at);
      line.isCut = true;
      line.cutAtMs = clock.monotonicMs();
      while (health.of(york)?.state !== 'failed') {
        expect(clock.monotonicMs() - line.cutAtMs).toBeLessThan(5_000);
        await run(50);
      }
      expect(clock.monotonicMs() - line.cutAtMs).toBeGreaterThan(2_000);
      const sinceMs = health.of(york)?.sinceMs;
      await run(3_000);
      expect(health.of(york)).toMatchObject({ state: 'failed', sinceMs });
      line.isCut = false;
      await run(1_500);
      expect(health.of(york)?.state).not.toBe('failed');
    },
  );

  test('is grey while the engine is away', async () => {
    const { health, line, run } = world();
    health.start();
    await run(5_000);
    line.isEngineAway = true;
    await run(1_500);
    expect(health.of(york)).toMatchObject({ state: 'unknown', problem: 'the tunnel of this box does not answer' });
  });

  test('leaves in mind which line it was reached over, when that is gone', async () => {
    const { health, offices, run } = world();
    health.start();
    await run(2_000);
    offices[0] = peer(york, { state: 'down', paths: [] });
    await run(1_500);
    expect(health.usedLines).toEqual(['eth0']);
  });

  test('that was removed is forgotten', async () => {
    const { health, offices, run } = world();
    health.start();
    await run(2_000);
    offices.length = 0;
    await run(1_500);
    expect(health.of(york)).toBeUndefined();
  });
});

test('ten thousand are probed without a burst, and every one in turn', async () => {
  const { health, line, clock, run } = world(10_000);
  health.start();
  await settle();
  for (let second = 0; second < 210; second++) {
    for (let quarter = 0; quarter < 4; quarter++) {
      clock.advance(250);
      await settle();
    }
  }
  await run(0);
  expect(line.most).toBeLessThanOrEqual(64);
  expect(new Set(line.pings).size).toBe(10_000);
  expect(line.pings.length).toBeLessThan(30_000);
}, 30_000);

test('what is carried and lost is measured between two looks, for the box too', async () => {
  const { health, offices, samples, run } = world();
  health.start();
  await run(1_000);
  offices[0] = peer(york, { sent_bytes: 125_000, received_bytes: 250_000 });
  await run(1_000);
  const last = (subject: string) => samples.findLast(([name]) => name === subject)?.[1];
  expect(last(york)?.sentBps).toBeCloseTo(1_000_000, -4);
  expect(last('box')?.receivedBps).toBeCloseTo(2_000_000, -4);
});

test('the loss of a path is that of the last half minute: one lost packet of a quiet line says nothing', async () => {
  const { health, offices, run } = world();
  const at = { local: '192.0.2.9:9000', remote: '192.0.2.1:9000' };
  const sent = (sent_packets: number, lost_packets: number): void => {
    offices[0] = peer(york, { paths: [{ ...path(0), sent_packets, lost_packets }] });
  };
  health.start();
  sent(0, 0);
  await run(1_100);
  sent(2, 1);
  await run(1_000);
  expect(health.pathLoss(york, at)).toBeUndefined();
  sent(102, 11);
  await run(1_000);
  expect(health.pathLoss(york, at)).toBeCloseTo(0.11, 1);
  for (let n = 1; n <= 60; n++) {
    sent(102 + 10 * n, 11);
    await run(1_000);
  }
  expect(health.pathLoss(york, at)).toBeLessThan(0.02);
  sent(5, 0);
  await run(1_000);
  expect(health.pathLoss(york, at)).toBeUndefined();
});
