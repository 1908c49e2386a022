import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** Names that the daemon declares, as they stand in its source. */
const declared = new Set(
  [...read('server/adapters/engine-metrics.ts').matchAll(/\b(?:gauge|counter)\(\s*'([a-z_]+)'/g)].map(
    ([, name]) => `quicether_${name}`,
  ),
);
const namedIn = (path: string) => new Set([...read(path).matchAll(/\bquicether_[a-z_]+/g)].map(([name]) => name));

test('the daemon declares metrics where this test looks for them', () => {
  expect(declared.size).toBeGreaterThan(10);
});

describe.each(['alerts.yml', 'dashboard.json', 'README.md'])('docs/monitoring/%s', (file) => {
  test('names only metrics that exist', () => {
    const named = namedIn(`docs/monitoring/${file}`);
    expect(named.size).toBeGreaterThan(5);
    expect([...named].filter((name) => !declared.has(name))).toEqual([]);
  });
});

test('every metric is explained', () => {
  const explained = namedIn('docs/monitoring/README.md');
  expect([...declared].filter((name) => !explained.has(name))).toEqual([]);
});

test('the dashboard is JSON with panels', () => {
  const dashboard = JSON.parse(read('docs/monitoring/dashboard.json')) as { readonly panels: readonly unknown[] };
  expect(dashboard.panels.length).toBeGreaterThan(5);
});
