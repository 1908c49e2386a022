import type { Figure, SubjectSummary } from './summary.ts';

type Column = readonly [title: string, of: (subject: SubjectSummary) => Figure, unit: number];

const COLUMNS: readonly Column[] = [
  ['1 flow Gbit/s', (subject) => subject.gbps_1, 1],
  ['8 flows Gbit/s', (subject) => subject.gbps_8, 1],
  ['160 B packets k/s', (subject) => subject.small_packets_per_s, 1e3],
  ['idle RTT us', (subject) => subject.idle_rtt_us, 1],
  ['drowsy RTT us', (subject) => subject.drowsy_rtt_us, 1],
  ['loaded RTT us', (subject) => subject.loaded_rtt_us, 1],
  ['CPU s/GB', (subject) => subject.cpu_seconds_per_gb, 1],
  ['RSS MB', (subject) => subject.rss_bytes, 1e6],
];

/** Lines of a table: the median of each figure, and its lowest and highest. */
export function tableOf(subjects: readonly SubjectSummary[]): string[] {
  const rows = [
    ['', ...COLUMNS.map(([title]) => title)],
    ...subjects.map((subject) => [subject.name, ...COLUMNS.map(([, of, unit]) => cell(of(subject), unit))]),
  ];
  const widths = Array.from({ length: COLUMNS.length + 1 }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function cell({ median, low, high }: Figure, unit: number): string {
  if (!Number.isFinite(median) || median === 0) return '-';
  return `${short(median / unit)} (${short(low / unit)}-${short(high / unit)})`;
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3).replace(/\.?0+$/, '');
}
