/*
 * `npm run package`: build/quicether_VERSION_ARCH.deb from the engine, the bundle and Node.
 * `npm run package -- test`: installs, runs and purges it in a minimal Debian tree (slow, root).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RUST_PROGRAMS, stagePackage } from './package-stage.ts';
import { tryInDebianTree } from './package-tree.ts';
import { runCommand } from './run-command.ts';

const root = join(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
const node = `node_modules/node-linux-${process.arch === 'arm64' ? 'arm64' : 'x64'}/bin/node`;
const deb = join(root, 'build', `quicether_${version}_${architecture}.deb`);

/** The time of the last commit for every file, so that the same sources make the same package. */
function dated(): Record<string, string> {
  if (process.env['SOURCE_DATE_EPOCH']) return {};
  const said = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' });
  return said.status === 0 ? { SOURCE_DATE_EPOCH: said.stdout.trim() } : {};
}

async function step(title: string, command: string, args: readonly string[]) {
  process.stdout.write(`package: ${title}\n`);
  const { status, output } = await runCommand(command, args, { cwd: root, quiet: true, env: dated() });
  if (status === 0) return;
  process.stderr.write(`${output}package: ${title}: failed\n`);
  process.exit(1);
}

async function makePackage() {
  for (const program of RUST_PROGRAMS) {
    if (existsSync(join(root, 'dataplane/target/release', program))) continue;
    process.stderr.write(`package: ${program} is not built; run: npm run setup\n`);
    process.exit(1);
  }
  await step('bundling the program', process.execPath, [join(root, 'scripts/build.ts')]);
  const stage = join(root, 'build', 'deb');
  stagePackage({ root, version, architecture, node }, stage);
  // One thread, so that the bytes do not depend on the machine; a middling level, so that it takes seconds.
  const pack = ['-Zzstd', '-z10', '--threads-max=1', '--root-owner-group', '--build', stage, deb];
  await step(`packing ${deb}`, 'dpkg-deb', pack);
  rmSync(stage, { recursive: true });
  process.stdout.write(`${deb}: ${Math.round(statSync(deb).size / 1e6)} MB\n`);
}

const [verb, ...rest] = process.argv.slice(2);
if ((verb !== undefined && verb !== 'test') || rest.length > 0) {
  process.stderr.write('usage: npm run package [-- test]\n');
  process.exit(2);
}
await makePackage();
if (verb === 'test') process.exitCode = await tryInDebianTree(root, deb);
