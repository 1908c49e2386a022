import { defineConfig } from 'vitest/config';

/** Each project is one line of `npm test`; `unit` and `layout` are also part of `npm run check`. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'server/**/*.test.ts',
            'views/**/*.test.ts',
            'scripts/**/*.test.ts',
            'image/**/*.test.ts',
            'test/lab/**/*.test.ts',
            'test/bench/**/*.test.ts',
          ],
          exclude: ['scripts/package*.test.ts', 'test/lab/scenarios/**'],
        },
      },
      { test: { name: 'layout', include: ['test/layout/**/*.test.ts'] } },
      { test: { name: 'contracts', include: ['test/contracts/**/*.test.ts'], testTimeout: 60_000 } },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Each file has boxes and a browser of its own, and there may be two cores.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'package',
          include: ['scripts/package*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
