import { expect, test } from 'vitest';
import { BOUNDS } from '../bounds.ts';
import type { Sample } from './measure.ts';
import type { Series } from './summary.ts';
import { headlineOf, summarize } from './summary.ts';
import { judge } from './verdict.ts';

function sample(gbps: number, more: Partial<Sample> = {}): Sample {
  return {
    idleRttUs: 100,
    drowsyRttUs: 300,
    loadedRttUs: 900,
    oneFlowBps: gbps * 1e9,
    eightFlowsBps: gbps * 1.1e9,
    smallPacketsPerS: 100_000,
    cpuSecondsPerGb: 2,
    carrierRssBytes: 20e6,
    rssBytes: 100e6,
    ...more,
  };
}

function series(name: string, ...samples: Sample[]): Series {
  return { name, version: '', samples };
}

function goodRun(product: number): Series[] {
  return [
    series('raw', sample(10, { idleRttUs: 20 })),
    series('probe', sample(6)),
    series('product', sample(product)),
    series('wireguard-go', sample(2.5)),
  ];
}

test('a ratio compares rounds, so that a slow minute of the machine weighs on both', () => {
  const runs = [
    series('probe', sample(6), sample(2), sample(6)),
    series('product', sample(4.8), sample(1.6), sample(4.8)),
  ];
  expect(headlineOf(runs).ratio_probe_1).toBe(0.8);
});

test('figures carry their spread', () => {
  const { gbps_1 } = summarize(series('probe', sample(6), sample(5), sample(9)));
  expect(gbps_1).toEqual({ median: 6, low: 5, high: 9 });
});

test('all promises held say nothing', () => {
  expect(judge(headlineOf(goodRun(4.6)), BOUNDS.tunnel)).toEqual([]);
});

test('a slow product breaks each promise that it breaks by name', () => {
  const broken = judge(headlineOf(goodRun(3)), BOUNDS.tunnel);
  expect(broken).toHaveLength(4);
  expect(broken[0]).toBe('ratio_probe_1 is 0.5, at least 0.75 is promised');
});

test('a round trip and a memory above what is promised are seen', () => {
  const run = goodRun(4.6);
  run[2] = series('product', sample(4.6, { idleRttUs: 171, rssBytes: 150e6 }));
  expect(judge(headlineOf(run), BOUNDS.tunnel)).toEqual([
    'rtt_product_us - rtt_raw_us is 151, at most 150 is promised',
    'daemon_rss_bytes is 130000000, at most 120000000 is promised',
  ]);
});

test('without wireguard-go its bar is not met, without the trial program nothing is missed', () => {
  const run = goodRun(4.6).filter(({ name }) => name !== 'wireguard-go');
  expect(judge(headlineOf(run), BOUNDS.tunnel)).toEqual([
    'ratio_wireguard_1 was not measured',
    'ratio_wireguard_8 was not measured',
  ]);
});

test('a probe slower than the trial program is no yardstick', () => {
  const run = [...goodRun(4.6), series('nulltun', sample(7))];
  expect(judge(headlineOf(run), BOUNDS.tunnel)[0]).toContain('ratio_probe_nulltun_1 is 0.857');
});
