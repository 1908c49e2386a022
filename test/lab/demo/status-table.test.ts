import { expect, test } from 'vitest';
import { renderLine, renderTable } from './status-table.ts';

const link = {
  from: 'Leeds',
  to: 'York',
  line: 'cable',
  status: 'connected',
  rttMs: 24.04,
  sentBytes: 0,
  receivedBytes: 0,
};

test('columns line up under their headings', () => {
  const [heading, row] = renderTable([{ ...link, sentBytes: 123_456_789, receivedBytes: 45_678 }]);
  expect(row?.indexOf('24.0 ms')).toBe(heading?.indexOf('round trip'));
  expect(row).toContain('123 MB');
  expect(row).toContain('46 kB');
});

test('a link without a round trip shows a dash', () => {
  expect(renderTable([{ ...link, status: 'connecting', rttMs: null }])[1]).toMatch(/connecting +- /);
});

test('the line for a log changes with the state alone', () => {
  expect(renderLine([link])).toBe('Leeds-York connected');
  expect(renderLine([{ ...link, rttMs: 99, sentBytes: 5 }])).toBe(renderLine([link]));
});
