import { expect, test } from 'vitest';
import { SimulatedClock } from '../core/clock.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { NameBook } from './name-book.ts';

/** Lets answers that are there be taken. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

function world(answers: Result<readonly string[]>[]) {
  const clock = new SimulatedClock();
  const asked: number[] = [];
  const changes: string[] = [];
  const last = answers.at(-1) ?? ok([]);
  const book = new NameBook(
    clock,
    async () => {
      asked.push(clock.monotonicMs());
      return answers.shift() ?? last;
    },
    { change: (name, addresses) => changes.push(`${name} ${addresses.join(' ')}`), failure: () => {} },
  );
  return { clock, asked, changes, book };
}

const names = new Set(['york.example']);
const lost = fail('resolve.failed', 'no');

test('a name is resolved at once and told', async () => {
  const { book, changes } = world([ok(['192.0.2.2', '192.0.2.1'])]);
  await book.keep(names);
  expect(book.addressesOf('york.example')).toEqual(['192.0.2.1', '192.0.2.2']);
  expect(book.namesOf('192.0.2.1')).toEqual(['york.example']);
  expect(changes).toEqual(['york.example 192.0.2.1 192.0.2.2']);
});

test('the last known addresses stay while the resolver fails, also those of an earlier run', async () => {
  const { book, clock, changes } = world([lost]);
  await book.keep(names, { 'york.example': ['192.0.2.1'] });
  clock.advance(600_000);
  await settle();
  expect(book.addressesOf('york.example')).toEqual(['192.0.2.1']);
  expect(changes).toEqual([]);
});

test('a resolver that fails is asked less and less, at least once a minute', async () => {
  const { book, clock, asked } = world([lost]);
  await book.keep(names);
  for (let i = 0; i < 400; i++) {
    clock.advance(1_000);
    await settle();
  }
  const gaps = asked.slice(1).map((at, i) => at - (asked[i] ?? 0));
  expect(gaps.slice(0, 4)).toEqual([4_000, 8_000, 16_000, 32_000]);
  expect(Math.max(...gaps)).toBe(60_000);
});

test('a peer that cannot be reached has its name asked again, politely', async () => {
  const { book, clock, asked, changes } = world([ok(['192.0.2.1']), ok(['192.0.2.9'])]);
  await book.keep(names);
  for (let i = 0; i < 100; i++) book.doubt('york.example');
  clock.advance(1_999);
  await settle();
  expect(asked).toEqual([0]);
  clock.advance(1);
  await settle();
  expect(asked).toEqual([0, 2_000]);
  expect(changes.at(-1)).toBe('york.example 192.0.2.9');
});

test('a name that is no longer wanted is forgotten, timers and all', async () => {
  const { book, clock, asked } = world([ok(['192.0.2.1'])]);
  await book.keep(names);
  await book.keep(new Set());
  clock.advance(3_600_000);
  await settle();
  expect(asked).toEqual([0]);
  expect(book.addressesOf('york.example')).toEqual([]);
});
