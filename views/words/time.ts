import { html, type Markup } from '../markup.ts';

/** When a page is made, and whose clock its reader lives by. */
export interface When {
  readonly nowMs: number;
  /** IANA name: `Europe/London`. */
  readonly zone: string;
}

interface Formats {
  readonly day: Intl.DateTimeFormat;
  readonly clock: Intl.DateTimeFormat;
  readonly minute: Intl.DateTimeFormat;
  readonly date: Intl.DateTimeFormat;
  readonly short: Intl.DateTimeFormat;
}

/** Making a formatter costs more than a page: each zone's are kept; more zones than that start over. */
const MOST_ZONES = 64;
const formatsOfZone = new Map<string, Formats>();

function formatsOf(zone: string): Formats {
  const known = formatsOfZone.get(zone);
  if (known) return known;
  if (formatsOfZone.size >= MOST_ZONES) formatsOfZone.clear();
  const made = makeFormats(zone);
  formatsOfZone.set(zone, made);
  return made;
}

function makeFormats(timeZone: string): Formats {
  const format = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat('en-GB', { ...options, timeZone, hourCycle: 'h23' });
  return {
    day: format({ year: 'numeric', month: '2-digit', day: '2-digit' }),
    clock: format({ hour: '2-digit', minute: '2-digit', second: '2-digit' }),
    minute: format({ hour: '2-digit', minute: '2-digit' }),
    date: format({ day: 'numeric', month: 'long', year: 'numeric' }),
    short: format({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }),
  };
}

/** Whether times can be told in this zone; what a browser says of itself is not to be trusted. */
export function isZone(zone: string): boolean {
  if (formatsOfZone.has(zone)) return true;
  if (zone.length > 64 || !/^[A-Za-z0-9_+/-]+$/.test(zone)) return false;
  try {
    makeFormats(zone);
    return true;
  } catch {
    return false;
  }
}

function isToday(ms: number, when: When): boolean {
  const { day } = formatsOf(when.zone);
  return day.format(ms) === day.format(when.nowMs);
}

/** `10:42:07` today, `24 November 2026, 10:42` otherwise. */
export function exactTime(ms: number, when: When): string {
  const { clock, minute, date } = formatsOf(when.zone);
  return isToday(ms, when) ? clock.format(ms) : `${date.format(ms)}, ${minute.format(ms)}`;
}

/** `10:42:07` today, `24 Nov, 10:42` otherwise: for columns. */
export function columnTime(ms: number, when: When): string {
  const { clock, short } = formatsOf(when.zone);
  return isToday(ms, when) ? clock.format(ms) : short.format(ms);
}

/** `10:42` today, `24 November 2026` otherwise. */
export function roughTime(ms: number, when: When): string {
  const { minute, date } = formatsOf(when.zone);
  return isToday(ms, when) ? minute.format(ms) : date.format(ms);
}

/** `24 November 2026`. */
export function dateOf(ms: number, when: When): string {
  return formatsOf(when.zone).date.format(ms);
}

/** `10:42` whatever the day: for the axis of a chart. */
export function minuteOf(ms: number, when: When): string {
  return formatsOf(when.zone).minute.format(ms);
}

/** `since 10:30`, `since 3 November 2026`; nothing when it is not known. */
export function since(ms: number | null, when: When): string {
  return ms === null ? '' : ` since ${roughTime(ms, when)}`;
}

/** `8 seconds`, `12 minutes`, `3 days and 8 hours`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const units: readonly [number, string][] = [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ];
  const first = units.findIndex(([size]) => whole >= size);
  if (first < 0) return 'less than a second';
  const [size, name] = units[first]!;
  const head = plural(Math.floor(whole / size), name);
  const next = units[first + 1];
  const rest = next ? Math.floor((whole % size) / next[0]) : 0;
  // Beside minutes, seconds say nothing that lasts.
  return next && rest > 0 && size > 60 ? `${head} and ${plural(rest, next[1])}` : head;
}

function plural(amount: number, unit: string): string {
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`;
}

/** A point in time for people and programs. */
export function timeElement(ms: number, text: string): Markup {
  return html`<time datetime="${new Date(ms).toISOString()}">${text}</time>`;
}
