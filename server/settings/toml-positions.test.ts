import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { indexPositions, type TomlPath } from './toml-positions.ts';

const at = (line: number, column: number) => ({ line, column });

describe('keys and values are found', () => {
  const index = indexPositions(`# comment with [brackets] and = signs
top = 1
"quoted.key" = 'x'
[network]   # tail
  tun_addr = "100.64.0.1/16"
advertise = [ # why
  "10.0.0.0/8", 'a]#b',
  ["nested", """multi
]line"""],
]
after = true
[multipath.policies]
rtt = 5
[multipath]
weights = { eth0 = 1.5, "wlan 0" = 2 }
dotted.inner.key = 1
[[peers]]
name = "a"
[[peers]]
name = "b # \\" ="
[peers.extra]
x = 1
`);
  const cases: readonly [TomlPath, ReturnType<typeof at> | undefined, ReturnType<typeof at> | undefined][] = [
    [['top'], at(2, 1), at(2, 7)],
    [['quoted.key'], at(3, 1), at(3, 16)],
    [['network'], at(4, 2), at(4, 2)],
    [['network', 'tun_addr'], at(5, 3), at(5, 14)],
    [['network', 'advertise', 0], undefined, at(7, 3)],
    [['network', 'advertise', 1], undefined, at(7, 17)],
    [['network', 'advertise', 2, 1], undefined, at(8, 14)],
    [['network', 'after'], at(11, 1), at(11, 9)],
    [['multipath', 'policies', 'rtt'], at(13, 1), at(13, 7)],
    [['multipath', 'weights', 'eth0'], at(15, 13), at(15, 20)],
    [['multipath', 'weights', 'wlan 0'], at(15, 25), at(15, 36)],
    [['multipath', 'dotted', 'inner', 'key'], at(16, 1), at(16, 20)],
    [['peers', 0, 'name'], at(18, 1), at(18, 8)],
    [['peers', 1], at(19, 3), at(19, 3)],
    [['peers', 1, 'name'], at(20, 1), at(20, 8)],
    [['peers', 1, 'extra', 'x'], at(22, 1), at(22, 5)],
    [['nothing'], undefined, undefined],
  ];
  test.each(cases)('%j', (path, key, value) => {
    expect([index.key(path), index.value(path)]).toEqual([key, value]);
  });
  test('and nothing is taken for a duplicate', () => expect(index.duplicates).toEqual([]));
});

test('duplicates are named with both places: keys, tables, and a table over a value', () => {
  const { duplicates } = indexPositions('a = 1\na = 2\n[t]\n[t]\n[[l]]\n[[l]]\n[a]\n');
  expect(duplicates).toEqual([
    { path: ['a'], first: at(1, 1), again: at(2, 1) },
    { path: ['t'], first: at(3, 2), again: at(4, 2) },
    { path: ['a'], first: at(1, 1), again: at(7, 2) },
  ]);
});

test('never throws and always ends, whatever the text', () => {
  const tomlish = fc.string({ unit: fc.constantFrom(...'ab.=[]{}"\'\\#,\n \t1', '"""', "'''", '[['), maxLength: 80 });
  fc.assert(
    fc.property(fc.oneof(tomlish, fc.string()), (text) => {
      expect(() => indexPositions(text)).not.toThrow();
    }),
    { numRuns: 2_000 },
  );
  indexPositions('['.repeat(100_000));
  indexPositions(`a = ${'['.repeat(100_000)}`);
});

/** Every path of a parsed document. */
function paths(value: unknown, path: TomlPath = []): TomlPath[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([name, one]) =>
      paths(one, [...path, Array.isArray(value) ? Number(name) : name]),
    ),
  ];
}

test('whatever the parser accepts, every value of it has a place and nothing is a duplicate', () => {
  const key = fc.constantFrom('a', 'b', '"q k"', "'l'", 'c.d', 'e-1');
  const scalar = fc.constantFrom('1', '"x # ="', "'y]'", 'true', '1.5', '"""m\nn"""', '1979-05-27');
  const value = fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 3 }).map((all) => `[ ${all.join(', ')} ]`),
    fc.tuple(key, scalar).map(([name, one]) => `{ ${name} = ${one} }`),
  );
  const line = fc.oneof(
    fc.tuple(key, value).map(([name, one]) => `${name} = ${one} # c`),
    key.map((name) => `[t.${name}]`),
    key.map((name) => `[[l.${name}]]`),
    fc.constant(''),
  );
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const text = lines.join('\n');
      let parsed: unknown;
      try {
        parsed = parse(text);
      } catch {
        return;
      }
      accepted++;
      const index = indexPositions(text);
      expect(index.duplicates).toEqual([]);
      for (const path of paths(JSON.parse(JSON.stringify(parsed)))) {
        if (path.length > 0) expect(index.value(path), JSON.stringify(path)).toBeDefined();
      }
    }),
    { numRuns: 1_000 },
  );
  expect(accepted).toBeGreaterThan(100);
});
