import type { Sample } from './measure.ts';
import { median, rounded, spread } from './statistics.ts';

/** Median of the rounds, with lowest and highest. */
export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** What all rounds found of one subject. */
export interface SubjectSummary {
  readonly name: string;
  readonly version: string;
  readonly gbps_1: Figure;
  readonly gbps_8: Figure;
  readonly idle_rtt_us: Figure;
  readonly drowsy_rtt_us: Figure;
  readonly loaded_rtt_us: Figure;
  readonly small_packets_per_s: Figure;
  readonly cpu_seconds_per_gb: Figure;
  readonly carrier_rss_bytes: Figure;
  readonly rss_bytes: Figure;
}

/** Samples of one subject, round by round. */
export interface Series {
  readonly name: string;
  readonly version: string;
  readonly samples: readonly Sample[];
}

/** Product over others, and what is promised of it. */
export interface Headline {
  readonly probe_gbps: number | null;
  readonly probe_gbps_8: number | null;
  readonly product_gbps_1: number | null;
  readonly product_gbps_8: number | null;
  readonly ratio_probe_1: number | null;
  readonly ratio_probe_8: number | null;
  readonly ratio_wireguard_1: number | null;
  readonly ratio_wireguard_8: number | null;
  /** Limit probe over the trial's program; null when that was not given. */
  readonly ratio_probe_nulltun_1: number | null;
  readonly ratio_probe_nulltun_8: number | null;
  /** Product over the trial's program: how far we are from the limit that the trial had. */
  readonly ratio_nulltun_1: number | null;
  readonly ratio_nulltun_8: number | null;
  readonly rtt_raw_us: number | null;
  readonly rtt_product_us: number | null;
  readonly rtt_raw_drowsy_us: number | null;
  readonly rtt_product_drowsy_us: number | null;
  /** Daemon and engine of one box. */
  readonly rss_bytes: number | null;
  readonly daemon_rss_bytes: number | null;
}

export function summarize({ name, version, samples }: Series): SubjectSummary {
  const figure = (of: (sample: Sample) => number, digits = 3): Figure => {
    const values = samples.map(of);
    const { low, high } = spread(values);
    return { median: rounded(median(values), digits), low: rounded(low, digits), high: rounded(high, digits) };
  };
  return {
    name,
    version,
    gbps_1: figure((sample) => sample.oneFlowBps / 1e9),
    gbps_8: figure((sample) => sample.eightFlowsBps / 1e9),
    idle_rtt_us: figure((sample) => sample.idleRttUs),
    drowsy_rtt_us: figure((sample) => sample.drowsyRttUs),
    loaded_rtt_us: figure((sample) => sample.loadedRttUs),
    small_packets_per_s: figure((sample) => sample.smallPacketsPerS),
    cpu_seconds_per_gb: figure((sample) => sample.cpuSecondsPerGb),
    carrier_rss_bytes: figure((sample) => sample.carrierRssBytes, 4),
    rss_bytes: figure((sample) => sample.rssBytes, 4),
  };
}

/**
 * The figures people ask for.
 *
 * A ratio is the median of the ratios of the rounds: both were measured within seconds, so what
 * else the machine did weighs on both.
 */
export function headlineOf(series: readonly Series[]): Headline {
  const samplesOf = (name: string): readonly Sample[] => series.find((entry) => entry.name === name)?.samples ?? [];
  const middle = (name: string, of: (sample: Sample) => number, digits = 3): number | null =>
    known(median(samplesOf(name).map(of)), digits);
  const ratio = (above: string, below: string, of: (sample: Sample) => number): number | null => {
    const others = samplesOf(below);
    const ratios = samplesOf(above).flatMap((sample, round) => {
      const other = others[round];
      return other ? [of(sample) / of(other)] : [];
    });
    return known(median(ratios), 3);
  };
  const one = (sample: Sample): number => sample.oneFlowBps;
  const eight = (sample: Sample): number => sample.eightFlowsBps;
  return {
    probe_gbps: middle('probe', (sample) => one(sample) / 1e9),
    probe_gbps_8: middle('probe', (sample) => eight(sample) / 1e9),
    product_gbps_1: middle('product', (sample) => one(sample) / 1e9),
    product_gbps_8: middle('product', (sample) => eight(sample) / 1e9),
    ratio_probe_1: ratio('product', 'probe', one),
    ratio_probe_8: ratio('product', 'probe', eight),
    ratio_wireguard_1: ratio('product', 'wireguard-go', one),
    ratio_wireguard_8: ratio('product', 'wireguard-go', eight),
    ratio_probe_nulltun_1: ratio('probe', 'nulltun', one),
    ratio_probe_nulltun_8: ratio('probe', 'nulltun', eight),
    ratio_nulltun_1: ratio('product', 'nulltun', one),
    ratio_nulltun_8: ratio('product', 'nulltun', eight),
    rtt_raw_us: middle('raw', (sample) => sample.idleRttUs),
    rtt_product_us: middle('product', (sample) => sample.idleRttUs),
    rtt_raw_drowsy_us: middle('raw', (sample) => sample.drowsyRttUs),
    rtt_product_drowsy_us: middle('product', (sample) => sample.drowsyRttUs),
    rss_bytes: middle('product', (sample) => sample.rssBytes, 4),
    daemon_rss_bytes: middle('product', (sample) => sample.rssBytes - sample.carrierRssBytes, 4),
  };
}

function known(value: number, digits: number): number | null {
  return Number.isFinite(value) ? rounded(value, digits) : null;
}
