import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const documents = ['*.md', 'docs/**/*.md', 'examples/*.md']
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .sort();
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

describe.each(documents)('%s', (document) => {
  const text = readFileSync(join(root, document), 'utf8');

  test('its links lead somewhere', () => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map(([, target]) => target ?? '');
    const missing = targets.filter((target) => !existsSync(join(root, dirname(document), target)));
    expect(missing).toEqual([]);
  });

  test('its npm commands exist', () => {
    const named = [...text.matchAll(/\bnpm run (?:-s )?([a-z-]+)/g)].map(([, name]) => name ?? '');
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

test('every dependency has its reason in docs/dependencies.md', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Readonly<
    Record<string, Readonly<Record<string, string>> | undefined>
  >;
  const names = ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((kind) =>
    Object.keys(manifest[kind] ?? {}),
  );
  const cargo = parse(readFileSync(join(root, 'dataplane/Cargo.toml'), 'utf8')) as {
    readonly workspace: { readonly dependencies: Readonly<Record<string, unknown>> };
  };
  names.push(...Object.keys(cargo.workspace.dependencies).filter((name) => !name.startsWith('quicether-')));
  const explained = readFileSync(join(root, 'docs/dependencies.md'), 'utf8');
  expect(names.filter((name) => !explained.includes(name))).toEqual([]);
});

test('ARCHITECTURE is two pages and README one screen', () => {
  const lines = (path: string) => readFileSync(join(root, path), 'utf8').split('\n').length;
  expect(lines('docs/ARCHITECTURE.md')).toBeLessThan(140);
  expect(lines('README.md')).toBeLessThan(80);
});
