/*
 * `npm run image`: the appliance of this tree as flash image, update bundle, list of components and
 * checksums, below build/image. `npm run image -- test` boots it in an emulated machine.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../image/compose/places.ts';
import { buildRelease, publish } from '../image/compose/release.ts';
import { readReleaseKey, trialKeys } from '../image/compose/release-keys.ts';
import { BuildStop, run, step } from '../image/compose/step.ts';
import { requireTools } from '../image/compose/tools.ts';
import { testImage } from '../image/test/main.ts';

const USAGE = `usage: npm run image [-- options]        builds the image and the update bundle
       npm run image -- test [--quick] [--only ports|reset]  boots the image in an emulated machine

  --version VERSION  of the release; package.json's when not said
  --key FILE         private key (Ed25519, PEM) that signs; a trial key when not said
  --next-key FILE    private or second key that later releases may be signed with
  --fresh            asks the mirror for the newest packages
  --rebuild          unpacks the packages again, although nothing about them changed
`;

const options = {
  version: { type: 'string' },
  key: { type: 'string' },
  'next-key': { type: 'string' },
  fresh: { type: 'boolean', default: false },
  rebuild: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  only: { type: 'string' },
} as const;

/** The time of the last commit, so that the same sources make the same image. */
function sourceEpochSec(): number {
  const said = process.env['SOURCE_DATE_EPOCH'];
  if (said) return Number(said);
  const log = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' });
  return log.status === 0 ? Number(log.stdout.trim()) : 1_700_000_000;
}

function versionOf(said: string | undefined): string {
  const own = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
  const version = said ?? own;
  if (/^\d+\.\d+\.\d+(-[a-z]+\.\d+)?$/.test(version)) return version;
  throw new BuildStop(`${version} is no version; write MAJOR.MINOR.PATCH or MAJOR.MINOR.PATCH-WORD.NUMBER`);
}

/** The engine, the system helper and the bundled program, as they are in the tree now. */
async function buildPrograms() {
  const crates = ['engine', 'system'].filter((name) => existsSync(join(root, 'dataplane', name)));
  const packages = crates.flatMap((name) => ['-p', `quicether-${name}`]);
  const manifest = ['--manifest-path', 'dataplane/Cargo.toml'];
  await step('programs in Rust', () =>
    run('cargo', ['build', '--release', '-q', ...manifest, ...packages], { cwd: root }),
  );
  await step('program in TypeScript', () => run(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root }));
}

async function main() {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [verb, ...rest] = positionals;
  if ((verb !== undefined && verb !== 'test') || rest.length > 0) throw new TypeError('unknown verb');
  await requireTools();
  await buildPrograms();
  const epochSec = sourceEpochSec();
  const version = versionOf(values.version);
  const keys = values.key
    ? [values.key, values['next-key']].filter((file) => file !== undefined).map(readReleaseKey)
    : trialKeys();
  if (verb === 'test') {
    process.exitCode = await testImage({ version, epochSec, keys }, { quick: values.quick, only: values.only });
    return;
  }
  const built = await buildRelease({ version, epochSec, keys }, { fresh: values.fresh, rebuild: values.rebuild });
  for (const file of await publish(built)) {
    process.stdout.write(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB\n`);
  }
  process.stdout.write(`root hash ${built.rootHash}\n`);
}

try {
  await main();
} catch (error) {
  const isUsage = error instanceof TypeError && (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
  if (error instanceof BuildStop) process.stderr.write(`image: ${error.message}\n`);
  else if (isUsage || (error as Error).message === 'unknown verb') process.stderr.write(USAGE);
  else throw error;
  process.exitCode = error instanceof BuildStop ? 1 : 2;
}
