import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SimulatedClock } from '../core/clock.ts';
import { createLog } from './log.ts';
import { LogBook } from './log-book.ts';

let folder = '';
let path = '';
const clock = new SimulatedClock();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qe-log-'));
  path = join(folder, 'quicether.log');
});
afterEach(() => rmSync(folder, { recursive: true }));

const openBook = (): LogBook => new LogBook(path, { toStderr: false, clock });

test('lines are kept in the file and for asking, also those of the run before', () => {
  const book = openBook();
  book.write('{"msg":"one"}\n');
  book.write('{"msg":"two"}\n');
  expect(readFileSync(path, 'utf8')).toBe('{"msg":"one"}\n{"msg":"two"}\n');
  expect(book.tail(1, 0).map(({ line }) => line)).toEqual(['{"msg":"two"}']);
  const next = openBook();
  next.write('{"msg":"three"}\n');
  expect(next.tail(10, 0).map(({ line }) => line)).toEqual(['{"msg":"one"}', '{"msg":"two"}', '{"msg":"three"}']);
});

test('of a long file the last lines are kept, whole', () => {
  const line = (n: number): string => `{"n":${n},"text":"${'x'.repeat(200)}"}`;
  writeFileSync(path, Array.from({ length: 20_000 }, (_, n) => `${line(n)}\n`).join(''));
  const kept = openBook().tail(100_000, 0);
  expect(kept.length).toBeGreaterThan(1_000);
  expect(kept.at(-1)?.line).toBe(line(19_999));
  expect(kept[0]?.line).toBe(line(20_000 - kept.length));
});

test('who follows is woken by the next line, or after his time', async () => {
  const book = openBook();
  book.write('a\n');
  const [{ seq } = { seq: 0 }] = book.tail(1, 0);
  const woken = book.wait(seq, 1_000);
  book.write('b\n');
  await woken;
  expect(book.tail(10, seq).map(({ line }) => line)).toEqual(['b']);
  const late = book.wait(seq + 1, 1_000);
  clock.advance(1_000);
  await late;
  await book.wait(seq, 1_000);
});

test('file and memory are bounded', () => {
  const book = openBook();
  const line = `${'x'.repeat(10_000)}\n`;
  for (let i = 0; i < 1_500; i++) book.write(line);
  expect(statSync(path).size).toBeLessThan(5 << 20);
  expect(statSync(`${path}.1`).size).toBeLessThan(5 << 20);
  expect(existsSync(`${path}.2`)).toBe(false);
  for (let i = 0; i < 10_000; i++) book.write('y\n');
  expect(book.tail(1_000_000, 0).length).toBeLessThanOrEqual(4_000);
});

test('a log that cannot be written stops nothing', () => {
  const book = new LogBook(join(folder, 'nowhere', 'x.log'), { toStderr: false, clock });
  book.write('still here\n');
  expect(book.tail(1, 0).map(({ line }) => line)).toEqual(['still here']);
});

test('lines are JSON with a level in words and a time; secrets are left out', () => {
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  log.debug({}, 'not wanted');
  log.info({ peer: 'qe1', token: 'abc' }, 'hello');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    peer: 'qe1',
    token: '[Redacted]',
    msg: 'hello',
  });
});
