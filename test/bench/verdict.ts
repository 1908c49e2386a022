import type { BOUNDS } from '../bounds.ts';
import type { Headline } from './summary.ts';

/** What a figure is held to. */
interface Bar {
  readonly name: string;
  readonly value: number | null;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** A figure that was not taken because its peer was not asked for is no broken promise. */
  readonly isOptional?: boolean;
}

/** Every promise that the figures do not hold, in words; none means all is well. */
export function judge(headline: Headline, bounds: (typeof BOUNDS)['tunnel']): string[] {
  const { rtt_product_us: product, rtt_raw_us: raw } = headline;
  const bars: Bar[] = [
    { name: 'ratio_probe_1', value: headline.ratio_probe_1, atLeast: bounds.leastRatioToProbe },
    { name: 'ratio_probe_8', value: headline.ratio_probe_8, atLeast: bounds.leastRatioToProbe },
    { name: 'ratio_wireguard_1', value: headline.ratio_wireguard_1, atLeast: bounds.leastRatioToWireguardGo },
    { name: 'ratio_wireguard_8', value: headline.ratio_wireguard_8, atLeast: bounds.leastRatioToWireguardGo },
    {
      name: 'ratio_probe_nulltun_1',
      value: headline.ratio_probe_nulltun_1,
      atLeast: bounds.leastProbeToReference,
      isOptional: true,
    },
    {
      name: 'ratio_probe_nulltun_8',
      value: headline.ratio_probe_nulltun_8,
      atLeast: bounds.leastProbeToReference,
      isOptional: true,
    },
    {
      name: 'rtt_product_us - rtt_raw_us',
      value: product === null || raw === null ? null : product - raw,
      atMost: bounds.mostAddedRttUs,
    },
    { name: 'daemon_rss_bytes', value: headline.daemon_rss_bytes, atMost: bounds.mostDaemonRssBytes },
  ];
  return bars.flatMap(judgeOne);
}

function judgeOne({ name, value, atLeast, atMost, isOptional }: Bar): string[] {
  if (value === null) return isOptional ? [] : [`${name} was not measured`];
  if (atLeast !== undefined && value < atLeast) return [`${name} is ${value}, at least ${atLeast} is promised`];
  if (atMost !== undefined && value > atMost) return [`${name} is ${value}, at most ${atMost} is promised`];
  return [];
}
