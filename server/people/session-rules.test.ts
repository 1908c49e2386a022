import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ABSOLUTE_MS, IDLE_MS, isLive, MAX_SESSIONS, surplus, touched } from './session-rules.ts';

const START_MS = Date.UTC(2026, 10, 23);

test('whatever somebody does, a session ends after its day and after its silence', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 * 60_000 }), { maxLength: 200 }), (pauses) => {
      let session = { startedMs: START_MS, seenMs: START_MS };
      let nowMs = START_MS;
      for (const pauseMs of pauses) {
        nowMs += pauseMs;
        const live = isLive(session, nowMs);
        if (nowMs - START_MS >= ABSOLUTE_MS || nowMs - session.seenMs >= IDLE_MS) expect(live).toBe(false);
        else expect(live).toBe(true);
        // Over is over: what is dead is never used, so never touched.
        if (!live) return;
        const next = touched(session, nowMs) ?? session;
        expect(next.seenMs).toBeGreaterThanOrEqual(session.seenMs);
        expect(nowMs - next.seenMs).toBeLessThan(60_000);
        session = next;
      }
    }),
  );
});

test('one that began in a future that a wrong clock believed in does not count', () => {
  expect(isLive({ startedMs: START_MS + ABSOLUTE_MS, seenMs: START_MS }, START_MS)).toBe(false);
  expect(isLive({ startedMs: START_MS, seenMs: START_MS + ABSOLUTE_MS }, START_MS)).toBe(false);
  expect(isLive({ startedMs: START_MS + 60_000, seenMs: START_MS + 60_000 }, START_MS)).toBe(true);
});

test('beyond so many of one person, those end that were quiet for longest', () => {
  const sessions = Array.from({ length: MAX_SESSIONS + 2 }, (_, i) => ({
    sessionId: `s_${i}`,
    secretHash: new Uint8Array(),
    userId: 'u_1',
    source: '192.0.2.7',
    surface: 'page',
    startedMs: START_MS,
    seenMs: START_MS + i,
    passwordUntilMs: null,
    old: null,
  }));
  expect(surplus(sessions).map(({ sessionId }) => sessionId)).toEqual(['s_0', 's_1', 's_2']);
  expect(surplus(sessions.slice(0, MAX_SESSIONS - 1))).toEqual([]);
});
