import { expect, test } from 'vitest';
import { decideLine } from './line-state.ts';

const path = (office: string, silentMs = 100, lossRatio: number | undefined = 0) => ({ office, silentMs, lossRatio });

test('a line works when something came over it; without traffic nobody knows', () => {
  expect(decideLine({ isLinkUp: true, paths: [path('a'), path('b')] })).toBe('working');
  expect(decideLine({ isLinkUp: true, paths: [] })).toBe('unknown');
  expect(decideLine({ isLinkUp: undefined, paths: [] })).toBe('unknown');
});

test('without a link it has failed', () => {
  expect(decideLine({ isLinkUp: false, paths: [path('a')] })).toBe('failed');
});

test('silence of one office may be its own line; silence of all is ours', () => {
  expect(decideLine({ isLinkUp: true, paths: [path('a', 9_000)] })).toBe('unknown');
  expect(decideLine({ isLinkUp: true, paths: [path('a', 9_000), path('b', 9_000)] })).toBe('failed');
  expect(decideLine({ isLinkUp: true, paths: [path('a', 9_000), path('b')] })).toBe('working');
});

test('one that loses packets is degraded', () => {
  expect(decideLine({ isLinkUp: true, paths: [path('a', 100, 0.2)] })).toBe('degraded');
});
