import { describe, expect, test } from 'vitest';
import type { Condition, Line } from '../model.ts';
import { NOW_MS, testOffice, testPending } from '../test-models.ts';
import { attentionOf, lineSentence, officeSentence, verdictOf } from './verdict.ts';

const plain = (text: string): string => text;
const when = { nowMs: NOW_MS, zone: 'Europe/London' };
const office = (name: string, state: Condition) =>
  testOffice(plain, { name, state, node_id: `qe1${name.toLowerCase()}` });

describe('"is it working?"', () => {
  test('is yes only when every office was measured to work', () => {
    const verdict = verdictOf('Leeds', { offices: [office('York', 'working'), office('Hull', 'working')] });
    expect(verdict).toEqual({
      shape: 'working',
      word: 'Working',
      sentence: 'Leeds, York and Hull are working together.',
    });
  });

  test('tells who works and who does not', () => {
    const offices = [office('Bradford', 'working'), office('York', 'failed'), office('Hull', 'unknown')];
    const verdict = verdictOf('Leeds', { offices });
    expect(verdict.word).toBe('Partly working');
    expect(verdict.sentence).toBe(
      'Leeds and Bradford are working together. York is not answering. We cannot tell whether Hull works.',
    );
  });

  test('is unknown, never green, when nothing is known', () => {
    expect(verdictOf('Leeds', { offices: [office('York', 'unknown')] })).toMatchObject({
      shape: 'unknown',
      word: 'Unknown',
    });
    expect(verdictOf('Leeds', { offices: [] }).shape).toBe('unknown');
  });

  test('is no when the only office is known not to work', () => {
    expect(verdictOf('Leeds', { offices: [office('York', 'failed')] })).toMatchObject({
      shape: 'failed',
      word: 'Not working',
    });
  });

  test('stays a sentence with forty offices, and with one that has no name', () => {
    const offices = Array.from({ length: 40 }, (_, at) => office(`Office${at}`, 'working'));
    expect(verdictOf('Leeds', { offices }).sentence).toBe(
      'Leeds, Office0, Office1 and 38 others are working together.',
    );
    const nameless = verdictOf('Leeds', { offices: [testOffice(plain, { name: ' ', state: 'failed' })] });
    expect(nameless.sentence).toBe('The box …w9p4td is not answering.');
  });
});

describe('what needs attention', () => {
  test('is nothing when all works', () => {
    expect(attentionOf({ offices: [office('York', 'working')], pending: [], checked_ms: NOW_MS }, [], when)).toEqual(
      [],
    );
  });

  test('comes most urgent first, each with one next step', () => {
    const offices = [office('Halifax', 'degraded'), office('Hull', 'unknown'), office('York', 'failed')];
    const all = attentionOf({ offices, pending: [testPending(plain)], checked_ms: NOW_MS }, [], when);
    expect(all.map(({ shape }) => shape)).toEqual(['failed', 'unknown', 'degraded', 'degraded']);
    expect(all[0]).toMatchObject({ href: '/offices/qe1york', button: 'Open York' });
  });

  test('is not a port that nothing is plugged into', () => {
    const line: Line = {
      interface: 'eth2',
      addresses: [],
      state: 'failed',
      rtt_ms: null,
      loss_ratio: null,
      offices: 0,
    };
    const broken: Line = { ...line, interface: 'eth0', addresses: ['192.0.2.7'] };
    const all = attentionOf({ offices: [], pending: [], checked_ms: null }, [line, broken], when);
    expect(all.map(({ heading }) => heading)).toEqual(['The line eth0 carries nothing']);
  });
});

describe('a box whose own cable is out', () => {
  const offices = { offices: [office('York', 'failed'), office('Hull', 'failed')], pending: [], cut_off: true };
  test('says that first, and blames nobody else', () => {
    expect(verdictOf('Leeds', offices)).toMatchObject({
      shape: 'failed',
      sentence: 'Leeds has no internet line: check its cable.',
    });
    const all = attentionOf({ ...offices, checked_ms: NOW_MS }, [], when);
    expect(all.map(({ heading }) => heading)).toEqual(['This box has no internet line']);
  });
});

describe('one that waits to be accepted there', () => {
  const waiting = { ...office('York', 'unknown'), waiting: true };
  test('is no fault', () => {
    expect(verdictOf('Leeds', { offices: [waiting] })).toEqual({
      shape: 'busy',
      word: 'Waiting to be accepted there',
      sentence: 'Leeds waits to be accepted by York.',
    });
    expect(attentionOf({ offices: [waiting], pending: [], checked_ms: NOW_MS }, [], when)).toMatchObject([
      { shape: 'busy', heading: 'York has not accepted this box yet' },
    ]);
  });
  test('does not spoil what works', () => {
    const verdict = verdictOf('Leeds', { offices: [waiting, office('Hull', 'working')] });
    expect(verdict).toMatchObject({
      shape: 'working',
      sentence: 'Leeds and Hull are working together. Leeds waits to be accepted by York.',
    });
  });
});

test('an office that is silent says since when it was last heard', () => {
  const silent = testOffice(plain, { state: 'failed', problem: 'no answer for 12 s', last_good_ms: NOW_MS - 12_000 });
  expect(officeSentence(silent, when)).toBe('No answer for 12 s; its last answer came at 10:41');
  const never = testOffice(plain, { state: 'unknown', problem: 'connecting', last_good_ms: null });
  expect(officeSentence(never, when)).toBe('Connecting; no answer so far');
});

test('a line that was not measured claims nothing', () => {
  const line: Line = { interface: 'eth0', addresses: [], state: 'working', rtt_ms: 14, loss_ratio: null, offices: 1 };
  expect(lineSentence(line)).toBe('Replies in 14 ms, reaches 1 office');
  expect(lineSentence({ ...line, loss_ratio: 0 })).toBe('Replies in 14 ms, nothing lost, reaches 1 office');
});
