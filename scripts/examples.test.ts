import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const examples = [...globSync(join(root, 'examples/*.toml')), join(root, 'packaging/config.toml')];

test.each(examples.map((file) => [basename(file), file]))('%s is a valid configuration', (_, file) => {
  const program = join(root, 'scripts/quicether');
  const { status, stderr } = spawnSync(program, ['config', 'validate', '--config', file], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
