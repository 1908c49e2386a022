import { expect, test } from 'vitest';
import { Verdict } from './scenario.ts';
import { loadScenario, scenarioNames } from './scenario-list.ts';

test('a broken promise is kept with what was found, and the rest goes on', async () => {
  const verdict = new Verdict(() => undefined);
  verdict.promise('pings are answered', false, { received: 3 });
  verdict.promise('ssh works', true);
  await verdict.attempt('a copy ends', async () => {
    throw new Error('it took too long');
  });
  expect(verdict.broken).toEqual([
    'pings are answered (found: {"received":3})',
    'a copy ends (found: it took too long)',
  ]);
  expect(verdict.kept).toBe(1);
});

test('every scenario has its file’s name, a promise and time limits that `npm test` allows', async () => {
  expect(scenarioNames()).toContain('two-boxes');
  for (const name of scenarioNames()) {
    const { promise, timeLimitMs } = await loadScenario(name);
    expect(promise.length).toBeGreaterThan(20);
    expect(timeLimitMs).toBeLessThan(300_000);
  }
});
