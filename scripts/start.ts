/*
 * `npm start`: a box that runs from this tree and its web pages; key, socket, `config.toml`, people and
 * logs under `.state/`. `npm start -- --demo`: three offices in network namespaces instead. Other
 * arguments go to `quicether start` as they are.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { introduceWeb, openPlaces, readWebPlan, startWeb, untilAnswered, whyTaken } from './start-web.ts';

const root = join(import.meta.dirname, '..');
const args = process.argv.slice(2);

function stop(sentence: string, status: number): never {
  process.stderr.write(`npm start: ${sentence}\n`);
  process.exit(status);
}

/** Runs in the foreground; signals of the terminal reach it by themselves, others are passed on. */
function runForeground(command: string, commandArgs: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(command, commandArgs, { stdio: 'inherit', env: { ...process.env, ...env } });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // The terminal sends Ctrl-C to both; passing it on again would be a second, impatient one.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => stop(error.message, 1));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0);
  });
  return child;
}

function startDemo() {
  const demo = join(root, 'test/lab/demo.ts');
  if (!existsSync(demo)) stop('this tree has no demo (test/lab/demo.ts)', 1);
  if (process.getuid?.() !== 0) stop('the demo makes network namespaces; run: sudo npm start -- --demo', 4);
  const setup = spawnSync('sh', [join(root, 'scripts/setup'), 'lab'], { stdio: 'inherit' });
  if (setup.status !== 0) process.exit(setup.status ?? 1);
  runForeground(process.execPath, [demo, ...args.filter((arg) => arg !== '--demo')]);
}

async function startBox() {
  const places = openPlaces(join(root, '.state'));
  const onlyExplains = args.includes('--help') || args.includes('-h');
  const hasOwnSocket = args.some((arg) => arg === '--socket' || arg.startsWith('--socket='));
  const taken = onlyExplains || hasOwnSocket ? undefined : await whyTaken(places.socket);
  if (taken !== undefined) stop(taken, 1);
  process.stdout.write(`npm start: state in ${places.state}; look at it with: npm run quicether -- status\n`);
  const daemon = runForeground(join(root, 'scripts/quicether'), ['start', ...args], places.env);
  // What leaves at once, into the background or because it only explains itself, has no pages.
  if (args.includes('--daemon') || !(await untilAnswered(places.socket, daemon))) return;
  const plan = await readWebPlan(places.socket);
  const web = startWeb(places, plan);
  daemon.on('exit', () => web.kill('SIGTERM'));
  web.on('exit', (code) => {
    if (daemon.exitCode !== null || daemon.signalCode !== null || code === 0) return;
    process.stderr.write(`npm start: the web pages ended (${code ?? 'killed'}), see above; the box itself goes on\n`);
  });
  await introduceWeb(places, web, plan);
}

// npm keeps a flag without the second -- to itself, and says so in the environment.
if (args.includes('--demo') || process.env['npm_config_demo']) startDemo();
else await startBox();
