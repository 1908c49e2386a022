import { expect, test } from 'vitest';
import { bitrate, bytes, count, listed, milliseconds, percent } from './numbers.ts';
import { duration, exactTime, isZone, roughTime } from './time.ts';

test('numbers have a unit and a space', () => {
  expect([milliseconds(17.4), milliseconds(0.44), milliseconds(2300), milliseconds(null)]).toEqual([
    '17 ms',
    '0.4 ms',
    '2.3 s',
    'none',
  ]);
  expect([bitrate(46e6), bitrate(12_000), bitrate(1.5e9), bitrate(0), bitrate(null)]).toEqual([
    '46.0 Mbit/s',
    '12 kbit/s',
    '1.50 Gbit/s',
    '0 Mbit/s',
    'not known',
  ]);
  expect([bytes(0), bytes(412_000), bytes(4.12e9)]).toEqual(['0 bytes', '412 kB', '4.1 GB']);
  expect([percent(0), percent(0.064), percent(1), percent(null)]).toEqual(['0 %', '6.4 %', '100 %', 'not known']);
  expect([count(1, 'office'), count(14_212, 'entry', 'entries')]).toEqual(['1 office', '14,212 entries']);
});

test('lists are sentences, however long', () => {
  expect([listed([]), listed(['A']), listed(['A', 'B']), listed(['A', 'B', 'C', 'D', 'E'])]).toEqual([
    '',
    'A',
    'A and B',
    'A, B, C and 2 others',
  ]);
});

test('times of today are clock times in the zone of the reader', () => {
  const nowMs = Date.UTC(2026, 6, 1, 9, 0, 0);
  const london = { nowMs, zone: 'Europe/London' };
  expect(exactTime(nowMs - 5000, london)).toBe('09:59:55');
  expect(roughTime(nowMs, { nowMs, zone: 'Asia/Tokyo' })).toBe('18:00');
  expect(exactTime(nowMs - 86_400_000, london)).toBe('30 June 2026, 10:00');
});

test('durations name the two units that matter', () => {
  expect([0, 59, 60, 90, 3700, 288_000].map(duration)).toEqual([
    'less than a second',
    '59 seconds',
    '1 minute',
    '1 minute',
    '1 hour and 1 minute',
    '3 days and 8 hours',
  ]);
});

test('a zone that a browser makes up is not taken', () => {
  expect(['Europe/London', 'Nowhere/Land', '', '"><script>', 'A'.repeat(1000)].map(isZone)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});
