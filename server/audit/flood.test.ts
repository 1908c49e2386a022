import { expect, test } from 'vitest';
import type { AuditEvent } from './event.ts';
import { Flood } from './flood.ts';

const event = (name: string, outcome: AuditEvent['outcome']): AuditEvent => ({
  event: name,
  who: 'somebody',
  source: '192.0.2.66',
  surface: 'page',
  outcome,
  detail: '',
});

test('a scan costs lines, not megabytes, and what people did is always written', () => {
  const flood = new Flood();
  let written = 0;
  for (let n = 0; n < 100_000; n++) if (flood.admits(event('people.sign-in', 'refused'), n)) written++;
  expect(written).toBeLessThan(350);
  for (let n = 0; n < 30_000; n++) expect(flood.admits(event('peer.accept', 'done'), 100_000)).toBe(true);
  const summary = flood.takeSummary();
  expect(summary).toMatchObject({ event: 'audit.counted', facts: { count: 100_000 - written } });
  expect(summary?.detail).toContain(`people.sign-in ${100_000 - written}`);
  expect(flood.takeSummary()).toBeUndefined();
});

test('after a quiet hour refusals are written again', () => {
  const flood = new Flood();
  for (let n = 0; n < 1_000; n++) flood.admits(event('people.sign-in', 'refused'), 0);
  expect(flood.admits(event('people.sign-in', 'refused'), 0)).toBe(false);
  expect(flood.admits(event('people.sign-in', 'refused'), 3_600_000)).toBe(true);
});

test('a full gateway that loses and finds all its peers is written down', () => {
  const flood = new Flood();
  for (let n = 0; n < 20_000; n++) expect(flood.admits(event('peer.up', 'done'), 0)).toBe(true);
  expect(flood.admits(event('peer.up', 'done'), 0)).toBe(false);
});

test('strangers who show one new key after the other push nothing out', () => {
  const flood = new Flood();
  const written = Array.from({ length: 5_000 }, () => flood.admits(event('peer.pending', 'done'), 0)).filter(Boolean);
  expect(written).toHaveLength(300);
  expect(flood.admits(event('peer.up', 'done'), 0)).toBe(true);
});
