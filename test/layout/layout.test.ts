import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BANS, CRATES, DOMAINS, IMPURE, LAYERS, RUST_IMPURE } from './rules.ts';
import { importsOf } from './source.ts';
import { findViolations } from './violations.ts';

const repository = join(import.meta.dirname, '../..');

test('this tree keeps its own rules', () => {
  expect(findViolations(repository)).toEqual([]);
});

test('every rule says why', () => {
  for (const { reason } of [...LAYERS, ...BANS, ...IMPURE, ...CRATES, ...RUST_IMPURE]) {
    expect(reason.length).toBeGreaterThan(20);
  }
});

test('imports are found however they are written', () => {
  const source = [
    "import a from './a.ts';",
    "import type { B } from './b.ts';",
    "import {\n  c,\n  type D,\n} from './c.ts';",
    "import './e.ts';",
    "export * from './f.ts';",
    "export type { G } from './g.ts';",
    "const h = await import('./h.ts');",
    "import type from './i.ts';",
    "// import './comment.ts';",
    "const text = 'no'; /* import './j.ts' */",
  ].join('\n');
  expect(importsOf(source).map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? ' type' : ''}`)).toEqual([
    './a.ts',
    './b.ts type',
    './c.ts',
    './e.ts',
    './f.ts',
    './g.ts type',
    './h.ts',
    './i.ts',
  ]);
});

describe('a forbidden thing is found', () => {
  let tree = '';
  beforeEach(() => {
    tree = mkdtempSync(join(tmpdir(), 'qe-layout-'));
  });
  afterEach(() => rmSync(tree, { recursive: true }));

  function write(path: string, text: string) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }

  test('one more import in this very tree', () => {
    cpSync(join(repository, 'server/core'), join(tree, 'server/core'), { recursive: true });
    expect(findViolations(tree)).toEqual([]);
    write('server/core/result.ts', "import { readFile } from 'node:fs/promises';\nexport const x = readFile;\n");
    expect(findViolations(tree)).toEqual([
      'server/core/result.ts:1: imports node:fs/promises: effects are handed in: Node stays out of core and domains',
    ]);
  });

  test.each([
    ['server/core/x.ts', '../settings/parse.ts', 'everything stands on core'],
    ['server/settings/x.ts', '../identity/node-id.ts', 'domains never import each other'],
    ['server/routing/x.ts', '../adapters/files.ts', 'a domain stands on core alone'],
    ['server/identity/x.ts', 'node:crypto', 'Node stays out of core and domains'],
    ['server/operations/x.ts', '../adapters/files.ts', 'handed its ports'],
    ['server/cli/x.ts', '../adapters/engine-messages.ts', 'only client of the engine'],
    ['server/cli/x.ts', '../rpc/server.ts', 'the command line is a client'],
    ['server/cli/x.ts', '../adapters/engine.ts', 'a command asks the daemon'],
    ['server/http/x.ts', '../people/sessions.ts', 'types only'],
    ['server/adapters/x.ts', '../policy/compile.ts', 'types only'],
    ['server/adapters/x.ts', './engine-messages.ts', 'only client of the engine'],
    ['server/rpc/x.ts', '../main.ts', 'composition root'],
    ['server/adapters/x.ts', '../../test/bounds.ts', 'does not ship its tests'],
    ['views/x.ts', '../server/operations/peers.ts', 'a view turns a model into HTML'],
    ['server/rpc/x.ts', 'left-pad', 'a surface serves the list'],
    ['server/elsewhere/x.ts', './y.ts', 'no rule knows this folder'],
  ])('%s importing %s', (path, specifier, reason) => {
    write(path, `import { thing } from '${specifier}';\nexport const x = thing;\n`);
    expect(findViolations(tree)).toEqual([expect.stringContaining(reason)]);
  });

  test.each([
    ['server/http/x.ts', '../people/sessions.ts'],
    ['server/adapters/x.ts', '../policy/compile.ts'],
    ['server/routing/x.ts', '../adapters/engine-messages.ts'],
  ])('%s may import the types of %s', (path, specifier) => {
    write(path, `import type { Thing } from '${specifier}';\nexport type X = Thing;\n`);
    expect(findViolations(tree)).toEqual([]);
  });

  test.each([
    'const now = Date.now();',
    'const today = new Date();',
    'const now = performance.now();',
    'setTimeout(() => {}, 1);',
    'const dice = Math.random();',
    'const id = crypto.randomUUID();',
    'const home = process.env.HOME;',
    "const page = fetch('x');",
    "console.log('x');",
  ])('`%s` in core and in every domain, but not in an adapter', (statement) => {
    const folders = ['server/core/', ...DOMAINS];
    for (const folder of [...folders, 'server/adapters/']) write(`${folder}x.ts`, `${statement}\n`);
    expect(findViolations(tree).map((line) => line.split(':')[0])).toEqual(folders.map((f) => `${f}x.ts`).sort());
  });

  test.each([
    ['wire', 'quicether-core', 'framing is codecs'],
    ['core', 'quicether-runtime', 'driven, not driving'],
    ['core', 'libc', 'driven, not driving'],
    ['host', 'quicether-runtime', 'engine joins the two'],
    ['runtime', 'quicether-host', 'engine joins the two'],
    ['engine', 'quicether-lab', 'out of the privileged process'],
    ['lab', 'quicether-runtime', 'the yardstick stands apart'],
  ])('crate %s depending on %s', (crate, dependency, reason) => {
    write(`dataplane/${crate}/Cargo.toml`, `[dependencies]\n${dependency}.workspace = true\n`);
    expect(findViolations(tree)).toEqual([expect.stringContaining(reason)]);
  });

  test('the clock in a pure crate, but not in its tests or comments', () => {
    write('dataplane/core/Cargo.toml', '[dependencies]\n');
    write('dataplane/core/src/a.rs', 'pub fn f() { let _ = Instant::now(); }\n');
    write('dataplane/core/src/b.rs', '// Instant::now\n#[cfg(test)]\nmod tests { fn f() { Instant::now(); } }\n');
    expect(findViolations(tree)).toEqual([expect.stringMatching(/^dataplane\/core\/src\/a\.rs:1: uses the clock/)]);
  });

  test('a long file and a name that says nothing', () => {
    write('server/core/long.ts', 'export {};\n'.repeat(401));
    write('dataplane/core/src/long.rs', '//\n'.repeat(801));
    write('scripts/test-helpers.ts', '');
    expect(findViolations(tree)).toEqual([
      expect.stringContaining('long.ts: 401 lines, at most 400'),
      expect.stringContaining('test-helpers.ts: "helpers" says nothing'),
      expect.stringContaining('long.rs: 801 lines, at most 800'),
    ]);
  });
});
