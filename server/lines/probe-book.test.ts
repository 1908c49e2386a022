import { expect, test } from 'vitest';
import { ProbeBook } from './probe-book.ts';

test('one in two seconds while all is well; quickly while an answer is late', () => {
  const book = new ProbeBook();
  const sentAt: number[] = [];
  for (let nowMs = 0; nowMs < 12_000; nowMs += 250) {
    if (!book.isDue(nowMs, 2_000)) continue;
    sentAt.push(nowMs);
    const epoch = book.sent(nowMs);
    if (nowMs < 6_000) book.answered(epoch, nowMs, 20);
    else if (sentAt.length > 6) book.lost(epoch);
  }
  expect(sentAt.slice(0, 8)).toEqual([0, 2_000, 4_000, 6_000, 6_750, 7_250, 7_750, 8_250]);
});

test('counts what is lost, forgets the round trip of before, and shows the middle one of the last', () => {
  const book = new ProbeBook();
  expect(book.view).toMatchObject({ lossRatio: undefined, rttMs: undefined, usualRttMs: undefined });
  for (const rttMs of [20, 21, 900, 19, 22, 23, 20, 21]) book.answered(book.sent(0), 1, rttMs);
  book.lost(book.sent(2));
  book.lost(book.sent(2));
  expect(book.view).toMatchObject({ lossRatio: 0.2, rttMs: 21, usualRttMs: 19, unanswered: 2, firstUnansweredMs: 2 });
});

test('an outage that is over does not look like a line that loses much', () => {
  const book = new ProbeBook();
  for (let second = 0; second < 20; second++) book.answered(book.sent(second * 1_000), second * 1_000, 20);
  const unanswered = Array.from({ length: 8 }, (_, second) => book.sent(20_000 + second * 1_000));
  for (const epoch of unanswered.slice(0, 5)) book.lost(epoch);
  book.answered(book.sent(29_000), 29_000, 20);
  for (const epoch of unanswered.slice(5)) book.lost(epoch);
  for (let second = 30; second < 50; second++) book.answered(book.sent(second * 1_000), second * 1_000, 20);
  expect(book.view).toMatchObject({ lossRatio: 0, unanswered: 0 });
});

test('a probe of an earlier connection says nothing about this one', () => {
  const book = new ProbeBook();
  const epoch = book.sent(0);
  book.disconnected();
  book.answered(epoch, 5, 20);
  expect(book.view).toMatchObject({ lastGoodMs: undefined, unanswered: 0 });
});
