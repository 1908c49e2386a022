import { describe, expect, test } from 'vitest';
import { html, idOf, pathTo, queryOf } from '../markup.ts';
import { NOW_MS, testEvents, testHistory } from '../test-models.ts';
import { chart, inWords, roundUp, thinned } from './chart.ts';
import { dayStrip, runsOf } from './day.ts';
import { log } from './log.ts';
import { qrCode } from './words.ts';

const when = { nowMs: NOW_MS, zone: 'UTC' };

describe('markup', () => {
  test('escapes what it is given and leaves out what is not there', () => {
    expect(String(html`<b title="${`"<'&`}">${[null, false, undefined, 0, html`<i></i>`]}</b>`)).toBe(
      '<b title="&quot;&lt;&#39;&amp;">0<i></i></b>',
    );
  });

  test('a name stays one segment of a path, one value of a query, one word of an id', () => {
    expect(pathTo('/offices', '../../x?y#z')).toBe('/offices/..%2F..%2Fx%3Fy%23z');
    expect(queryOf({ text: 'a&b=c', who: '', before: null })).toBe('?text=a%26b%3Dc');
    expect(idOf('x', '"><script>')).toBe('x--script-');
  });
});

describe('a chart', () => {
  test('has gaps where nothing was measured, and words and a table for who does not see it', () => {
    const { points } = testHistory(40, 10);
    const drawn = String(
      chart({
        id: 'c',
        when,
        series: [{ name: 'Reply', points, line: 'a', say: (value) => `${Math.round(value)} ms` }],
      }),
    );
    expect(drawn.match(/<polyline/g)).toHaveLength(2);
    expect(drawn).toMatch(/Reply: \d+ ms to \d+ ms, last \d+ ms/);
    expect(drawn.match(/<tr>/g)!.length).toBeGreaterThan(5);
  });

  test('says so when there is nothing', () => {
    const empty = { name: 'Reply', points: [[0, null] as const], line: 'a' as const, say: String };
    expect(String(chart({ id: 'c', when, series: [empty] }))).toContain('Nothing has been measured');
    expect(inWords(empty)).toBe('nothing measured');
  });

  test('is thinned by averages and never loses a stretch of silence', () => {
    const points = Array.from({ length: 1000 }, (_, at) => [at, at < 500 ? at : null] as const);
    const thin = thinned(points, 100);
    expect(thin).toHaveLength(100);
    expect(thin[0]![1]).toBe(4.5);
    expect(thin.slice(50).every(([, value]) => value === null)).toBe(true);
  });

  test('has an axis that ends at a round number', () => {
    expect([0, 0.5, 7, 55.8e6, 100].map(roundUp)).toEqual([1, 0.6, 8, 60e6, 100]);
  });
});

test('the day strip joins what was the same and tells it in words', () => {
  const slices = (['working', 'working', 'unknown', 'working'] as const).map((state, at) => ({
    atMs: NOW_MS - (4 - at) * 6 * 3_600_000,
    state,
  }));
  expect(runsOf(slices).map(({ state, from, to }) => [state, from, to])).toEqual([
    ['working', 0, 2],
    ['unknown', 2, 3],
    ['working', 3, 4],
  ]);
  expect(String(dayStrip(slices, when))).toContain(
    'Last 24 hours: working from 10:42, no answer measured from 22:42, working from 04:42',
  );
});

test('what came of nothing is told as tried, without codes', () => {
  const page = { asset: (name: string) => name, when };
  const said = (detail: string, outcome: string): string => {
    const [event] = testEvents((text) => text);
    return String(log(page, [{ ...event!, detail, outcome }], { id: 'x', label: 'x' }));
  };
  const detail = 'added York: whoever answers at x:y:z; peer.address: address: an IPv6 address stands in brackets';
  expect(said(detail, 'failed')).toContain(
    'tried to add York: whoever answers at x:y:z; an IPv6 address stands in brackets',
  );
  expect(said('added York', 'done')).toContain('added York');
});

test('a QR code is one path on white', () => {
  const code = String(qrCode('otpauth://totp/x', 'QR code'));
  expect(code.match(/<path/g)).toHaveLength(1);
  expect(code).toContain('role="img"');
});
