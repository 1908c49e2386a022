import { expect, test } from 'vitest';
import { LineSplitter } from './line-splitter.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = (lines: Uint8Array[] | 'too-long'): string[] | 'too-long' =>
  lines === 'too-long' ? lines : lines.map((line) => new TextDecoder().decode(line));

test('lines come out whole however the stream was cut', () => {
  const input = 'one\ntwo é\n\nthree\n';
  for (let step = 1; step < input.length; step++) {
    const splitter = new LineSplitter(100);
    const seen: string[] = [];
    const all = bytes(input);
    for (let at = 0; at < all.length; at += step) {
      const lines = texts(splitter.push(all.subarray(at, at + step)));
      if (lines !== 'too-long') seen.push(...lines);
    }
    expect(seen).toEqual(['one', 'two é', '', 'three']);
    expect(splitter.isMidLine).toBe(false);
  }
});

test('a line that has begun does not change with the buffer it came in', () => {
  const splitter = new LineSplitter(100);
  const chunk = Buffer.from('one\ntw');
  expect(texts(splitter.push(chunk))).toEqual(['one']);
  chunk.fill('x');
  expect(texts(splitter.push(bytes('o\nthree\nfo')))).toEqual(['two', 'three']);
  expect(texts(splitter.push(bytes('ur\n')))).toEqual(['four']);
});

test('a line at the limit passes and one byte more does not, finished or not', () => {
  expect(texts(new LineSplitter(4).push(bytes('1234\n')))).toEqual(['1234']);
  expect(new LineSplitter(4).push(bytes('12345\n'))).toBe('too-long');
  expect(new LineSplitter(4).push(bytes('12345'))).toBe('too-long');
  const splitter = new LineSplitter(4);
  expect(splitter.push(bytes('123'))).toEqual([]);
  expect(splitter.isMidLine).toBe(true);
  expect(splitter.push(bytes('45\n'))).toBe('too-long');
});
