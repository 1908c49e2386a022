/*
 * `npm run build`: the program as one file, build/quicether.js, for Node 26 without node_modules.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';

const root = join(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const file = join(root, 'build/quicether.js');

await build({
  cwd: root,
  input: 'server/main.ts',
  platform: 'node',
  output: { file, format: 'esm', codeSplitting: false, banner: '#!/usr/bin/env node' },
});
const kilobytes = Math.round(statSync(file).size / 1000);
process.stdout.write(`build/quicether.js: version ${version}, ${kilobytes} kB\n`);
