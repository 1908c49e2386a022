/** `17 ms`, `0.4 ms`, `2.3 s`; `none` when there was no answer. */
export function milliseconds(ms: number | null): string {
  if (ms === null) return 'none';
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 1 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

/** `46.0 Mbit/s`, `12 kbit/s`, `0`. */
export function bitrate(bitsPerSecond: number | null): string {
  if (bitsPerSecond === null) return 'not known';
  if (bitsPerSecond < 500) return '0 Mbit/s';
  if (bitsPerSecond < 1_000_000) return `${Math.round(bitsPerSecond / 1000)} kbit/s`;
  if (bitsPerSecond < 1e9) return `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
  return `${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s`;
}

/** `412 kB`, `1.2 GB`. */
export function bytes(count: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `0.4 %`; `not known` when nothing was measured. */
export function percent(ratio: number | null): string {
  if (ratio === null) return 'not known';
  const value = ratio * 100;
  return `${value !== 0 && value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}

/** `1 line`, `3 lines`. */
export function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount.toLocaleString('en-GB')} ${amount === 1 ? one : many}`;
}

/** `Leeds`, `Leeds and York`, `Leeds, York and Hull`, `Leeds, York and 5 others`. */
export function listed(names: readonly string[], most = 4): string {
  const shown = names.length > most ? names.slice(0, most - 1) : names;
  const rest = names.length - shown.length;
  const parts = rest > 0 ? [...shown, `${rest} others`] : shown;
  if (parts.length < 2) return parts[0] ?? '';
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
