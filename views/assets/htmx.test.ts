import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8').trim();

/**
 * One file: run apart, htmx could begin before its extension is there. It stands in the tree because a
 * packaged box has no `node_modules`; that it is what the registry has is checked here.
 */
test('htmx.js is htmx and its extension for events, byte for byte as published', () => {
  const parts = ['node_modules/htmx.org/dist/htmx.min.js', 'node_modules/htmx.org/dist/ext/hx-sse.min.js'].map(read);
  const remedy =
    'put both into views/assets/htmx.js again, one after the other, each without its sourceMappingURL line';
  expect(read('views/assets/htmx.js') === parts.map(withoutMap).join('\n'), remedy).toBe(true);
});

function withoutMap(text: string): string {
  return text.replace(/\n?\/\/# sourceMappingURL=.*$/, '');
}
