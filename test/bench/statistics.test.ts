import { expect, test } from 'vitest';
import { median, percentile, rounded, spread } from './statistics.ts';

test('the median is not moved by one wild run', () => {
  expect(median([4, 5, 900])).toBe(5);
  expect(median([4, 6])).toBe(5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test('the spread says how noisy the runs were', () => {
  expect(spread([5, 4, 9])).toEqual({ low: 4, high: 9 });
});

test('a percentile is a value that was measured', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentile(values, 0.99)).toBe(99);
  expect(percentile(values, 0.5)).toBe(50);
  expect(percentile([7], 0.99)).toBe(7);
  expect(percentile([], 0.5)).toBeNaN();
});

test('figures are not printed finer than they were measured', () => {
  expect(rounded(7.2468)).toBe(7.25);
  expect(rounded(1234.5)).toBe(1230);
  expect(rounded(Number.NaN)).toBeNaN();
});
