import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parsePackages } from './base-tree.ts';
import { partitionTable, START_MIB } from './disk.ts';
import { isInstalled } from './tools.ts';

test.runIf(isInstalled('sfdisk'))('partitions lie where the tests and the box look for them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qe-disk-'));
  const disk = join(folder, 'disk');
  writeFileSync(disk, '');
  truncateSync(disk, 2600 * 2 ** 20);
  const made = spawnSync('sfdisk', ['-q', disk], { input: partitionTable(), encoding: 'utf8' });
  expect(made.stderr).toBe('');
  const { stdout } = spawnSync('sfdisk', ['--json', disk], { encoding: 'utf8' });
  const { partitiontable } = JSON.parse(stdout) as {
    partitiontable: { partitions: { name: string; start: number }[] };
  };
  const starts = Object.fromEntries(partitiontable.partitions.map(({ name, start }) => [name, start / 2048]));
  expect(starts).toEqual({
    'gw-esp': START_MIB.esp,
    'gw-root-a': START_MIB.slotA,
    'gw-root-b': START_MIB.slotB,
    'gw-data': START_MIB.data,
  });
  rmSync(folder, { recursive: true });
});

test('the list of packages is names, without reasons and comments', () => {
  expect(parsePackages('# what\nzlib # why\n\nabc\n')).toEqual(['abc', 'zlib']);
});
