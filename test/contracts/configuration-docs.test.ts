import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { failureLine } from '../../server/core/failures.ts';
import type { Field } from '../../server/settings/field.ts';
import { loadSettings } from '../../server/settings/load.ts';
import { PEER_FIELDS } from '../../server/settings/peers.ts';
import { FIELDS } from '../../server/settings/schema.ts';

const page = new URL('../../docs/configuration.md', import.meta.url);
const examples = new URL('../../examples/', import.meta.url);

const code = (text: string): string => `\`${text}\``;

function defaultOf(field: Field<unknown>): string {
  if (field.fallbackText !== undefined) return field.fallbackText;
  const plain = field.kind.toPlain(field.fallback({ hostName: '', stateDir: '' }));
  if (plain === null || (Array.isArray(plain) && plain.length === 0) || JSON.stringify(plain) === '{}') return 'none';
  return code(String(plain));
}

/** The rows that the page has to have, one for each key. */
function rows(): string[] {
  const keys = FIELDS.map(({ field }) => {
    const names = [...(field.flags ?? []), ...(field.shortEnv === undefined ? [] : [field.shortEnv])]
      .map(code)
      .join(' ');
    const meaning = field.notBuilt ? `${field.meaning} *Not built yet.*` : field.meaning;
    return `| ${code(field.key)} | ${field.kind.name} | ${defaultOf(field)} | ${names} | ${meaning} |`;
  });
  const peers = Object.entries(PEER_FIELDS).map(
    ([key, { kind, meaning }]) => `| ${code(key)} | ${kind.name} | ${meaning} |`,
  );
  return [...keys, ...peers];
}

describe('docs/configuration.md', () => {
  const text = readFileSync(page, 'utf8');

  // QUICETHER_PRINT_KEYS=1 prints the rows, to be pasted where they belong.
  if (process.env['QUICETHER_PRINT_KEYS']) console.log(rows().join('\n'));

  test.each(rows())('has the row %s', (row) => expect(text.split('\n')).toContain(row));

  test('has no row for a key that is gone', () => {
    const shown = text.split('\n').filter((line) => line.startsWith('| `'));
    expect(shown.filter((line) => !rows().includes(line))).toEqual([]);
  });
});

describe('examples', () => {
  const names = readdirSync(examples).filter((name) => name.endsWith('.toml'));

  test('are there', () => expect(names.length).toBeGreaterThanOrEqual(8));

  test.each(names)('%s is valid, explains itself, and says when it needs what is not built yet', (name) => {
    const text = readFileSync(new URL(name, examples), 'utf8');
    const loaded = loadSettings({ hostName: 'box', file: { name, text } });
    expect(loaded.ok ? [] : loaded.error.map(failureLine)).toEqual([]);
    expect(text).toMatch(/^# .{40,}/);
    const unbuilt = loaded.ok ? loaded.value.notices : [];
    expect(/not\s+(#\s+)?built/.test(text)).toBe(unbuilt.length > 0);
  });
});
