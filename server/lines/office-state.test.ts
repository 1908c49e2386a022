import { describe, expect, test } from 'vitest';
import { decideOffice, type OfficeFacts } from './office-state.ts';
import type { ProbeView } from './probe-book.ts';

const good: ProbeView = {
  lastGoodMs: 99_000,
  unanswered: 0,
  firstUnansweredMs: undefined,
  lossRatio: 0,
  rttMs: 20,
  usualRttMs: 15,
};
const facts = (more: Partial<Omit<OfficeFacts, 'probes'>> = {}, probes: Partial<ProbeView> = {}): OfficeFacts => ({
  nowMs: 100_000,
  connection: 'up',
  problem: undefined,
  watchedMs: 60_000,
  silentMs: 500,
  intervalMs: 2_000,
  ...more,
  probes: { ...good, ...probes },
});
const state = (...given: Parameters<typeof facts>): string => decideOffice(facts(...given)).state;

test('answers came: it works', () => {
  expect(decideOffice(facts())).toEqual({ state: 'working' });
});

describe('grey, never green, when nobody knows', () => {
  test.each([
    ['the engine does not answer', facts({ connection: undefined })],
    ['no probe has come back yet', facts({ watchedMs: 1_000 }, { lastGoodMs: undefined })],
    ['it is connecting for the first time', facts({ connection: 'down', watchedMs: 1_000 }, { lastGoodMs: undefined })],
    ['the last answer is old and nothing was sent since', facts({ nowMs: 120_000 })],
  ])('%s', (_, given) => {
    expect(decideOffice(given)).toMatchObject({ state: 'unknown', problem: expect.any(String) });
  });
});

test('one that was just added waits to be accepted there: that is no fault', () => {
  const never = { lastGoodMs: undefined };
  const refused = { connection: 'down', problem: 'this box is not accepted there' } as const;
  for (const given of [facts({ connection: 'waiting' }, never), facts(refused, never)]) {
    expect(decideOffice(given)).toMatchObject({ state: 'unknown', isWaiting: true });
  }
});

describe('red', () => {
  test('what the engine says of it, with the next step', () => {
    const verdict = decideOffice(facts({ connection: 'down', problem: '192.0.2.1:9000: it did not answer' }));
    expect(verdict).toMatchObject({ state: 'failed', problem: '192.0.2.1:9000: it did not answer' });
    expect(verdict.remedy).toContain('check');
  });

  test('it does not accept this box any more: nobody is sent to look at its power', () => {
    const refused = { connection: 'down', problem: 'this box is not accepted there' } as const;
    for (const given of [facts({ connection: 'waiting' }), facts(refused)]) {
      expect(decideOffice(given)).toMatchObject({
        state: 'failed',
        problem: 'this box is not accepted there',
        remedy: expect.stringMatching(/^they have removed this box/),
      });
    }
  });

  test.each([
    ['it is stopping', 'wait a minute'],
    ['its engine was restarted', 'wait a minute'],
    ['192.0.2.1:9000: the address leads to this box itself', 'remove it here'],
    ['it did not answer any more', 'check that the box there has power'],
  ])('%s: %s', (problem, remedy) => {
    expect(decideOffice(facts({ connection: 'down', problem })).remedy).toContain(remedy);
  });

  test('three probes, four seconds, and silence of the line', () => {
    const unanswered = { lastGoodMs: 96_000, unanswered: 3, firstUnansweredMs: 98_000 };
    expect(decideOffice(facts({ silentMs: 4_000 }, unanswered))).toMatchObject({
      state: 'failed',
      problem: 'no answer for 4 s',
    });
    expect(state({ silentMs: 4_000 }, { ...unanswered, unanswered: 2 })).toBe('working');
    expect(state({ silentMs: 4_000 }, { ...unanswered, lastGoodMs: 96_500 })).toBe('working');
    expect(state({ silentMs: 100 }, unanswered)).toBe('degraded');
    expect(state({ silentMs: 100 }, { lastGoodMs: 80_000, unanswered: 9, firstUnansweredMs: 90_000 })).toBe('failed');
  });
});

describe('yellow', () => {
  test('packets get lost', () => {
    expect(decideOffice(facts({}, { lossRatio: 0.15 }))).toMatchObject({
      state: 'degraded',
      problem: '15 % of what is sent gets lost',
    });
    expect(state({}, { lossRatio: 0.05 })).toBe('working');
  });

  test('answers take much longer than they do at best', () => {
    expect(decideOffice(facts({}, { rttMs: 300 })).problem).toBe('answers take 300 ms, at best 15 ms');
    expect(state({}, { rttMs: 90 })).toBe('working');
    expect(state({}, { rttMs: 620, usualRttMs: 600 })).toBe('working');
  });
});
