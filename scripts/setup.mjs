/*
 * Set-up of a clone. Plain JavaScript without dependencies: it runs before node_modules exists,
 * under whatever Node (20 or later) the system has.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  cargoProblem,
  debianPackagesFor,
  describeSources,
  nodeProblem,
  npmPackagesDiffer,
  PURPOSES,
} from './setup-checks.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const purpose = process.argv[2] ?? 'run';

// Written at once, so that the lines of a step stand between them.
const say = (text) => writeSync(1, text);
const complain = (text) => writeSync(2, text);

/** Ends the set-up with one sentence that says what to do. */
function stop(sentence) {
  complain(`setup: ${sentence}\n`);
  process.exit(1);
}

function find(program, also = []) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', ...also];
  for (const folder of folders.filter(Boolean)) {
    const file = join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here; the next folder.
    }
  }
  return undefined;
}

/**
 * Under sudo: whose clone this is, so that what is built here belongs to him and not to root, and so
 * that his rustup is found.
 */
const invoker = (() => {
  const uid = Number(process.env.SUDO_UID);
  if (process.getuid() !== 0 || !(uid > 0) || statSync(root).uid !== uid) return undefined;
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => Number(fields[2]) === uid);
  if (!entry) return undefined;
  return { uid, gid: Number(entry[3]), env: { ...process.env, HOME: entry[5], USER: entry[0] } };
})();
const home = invoker?.env.HOME ?? homedir();

/** Runs a step with its output visible, and says how long it took. */
function step(title, command, args, options = {}) {
  say(`setup: ${title}\n`);
  const startMs = Date.now();
  const done = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (done.signal) stop(`${title}: interrupted`);
  if (done.error || done.status !== 0) return false;
  say(`setup: ${title}: done in ${Math.round((Date.now() - startMs) / 1000)} s\n`);
  return true;
}

function checkTools() {
  if (process.platform !== 'linux') {
    stop(`QuicEther runs on Linux only (this is ${process.platform}); use a Linux machine or a virtual one`);
  }
  const node = nodeProblem(process.versions.node);
  if (node) stop(node);
  if (!find('npm')) stop('npm is missing; on Debian: apt-get install npm');
  if (!['cc', 'gcc', 'clang'].some((name) => find(name))) {
    stop('a C compiler is missing; on Debian: apt-get install gcc libc6-dev');
  }
}

/** The first cargo that is new enough: rustup's may be hidden behind the distribution's. */
function findCargo() {
  const rustup = join(process.env.CARGO_HOME ?? join(home, '.cargo'), 'bin', 'cargo');
  let problem = cargoProblem(undefined);
  for (const cargo of [existsSync(rustup) ? rustup : undefined, find('cargo')].filter(Boolean)) {
    const said = spawnSync(cargo, ['--version'], { encoding: 'utf8', cwd: join(root, 'dataplane'), ...invoker });
    problem = cargoProblem(said.status === 0 ? said.stdout : undefined);
    if (!problem) return { cargo, version: said.stdout.trim() };
  }
  return stop(problem);
}

function installDebianPackages() {
  const missing = debianPackagesFor(purpose, (program) => find(program) !== undefined);
  if (missing.length === 0) return;
  const line = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid() !== 0) stop(`these programs are needed; run: sudo ${line}`);
  if (!find('apt-get')) stop(`install these with your package manager: ${missing.join(' ')}`);
  const [command, ...args] = line.split(' ');
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  const title = `installing ${missing.join(' ')}`;
  if (!step(title, command, args, options)) {
    step('refreshing the list of Debian packages', command, ['update'], options);
    if (!step(title, command, args, options)) stop(`apt-get failed; see above, then run: ${line}`);
  }
  // The lab runs an sshd of its own; installing the package must not open a port of this machine.
  if (missing.includes('openssh-server') && existsSync('/run/systemd/system')) {
    spawnSync('systemctl', ['disable', '--now', 'ssh.service', 'ssh.socket'], { stdio: 'ignore' });
  }
}

function checkTun() {
  if (existsSync('/dev/net/tun')) return;
  if (process.getuid() === 0 && find('modprobe')) spawnSync('modprobe', ['tun'], { stdio: 'ignore' });
  if (!existsSync('/dev/net/tun')) {
    complain('setup: warning: /dev/net/tun is missing, so no tunnel can start; run: modprobe tun\n');
  }
}

function installNpmPackages() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const file = join(root, 'node_modules', '.package-lock.json');
  const installed = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  const node = join(root, 'node_modules', `node-linux-${arch}`, 'bin', 'node');
  if (existsSync(node) && !npmPackagesDiffer(lock, installed)) return;
  if (
    !step(
      'installing npm packages (about 520 MB, half a minute)',
      'npm',
      ['ci', '--no-audit', '--no-fund', '--loglevel=error'],
      invoker,
    )
  ) {
    stop('npm ci failed; see above. It needs the npm registry: check the network and run it again');
  }
  if (!existsSync(node)) stop(`npm ci left out node-linux-${arch}; run it without --omit=optional`);
  if (spawnSync(node, ['--version']).status !== 0) {
    stop('the Node from npm does not start; on Debian: apt-get install libatomic1 libstdc++6');
  }
}

function buildEngine({ cargo, version }) {
  const stampFile = join(root, '.cache', 'setup-dataplane');
  const sources = `${version}\n${describeSources(join(root, 'dataplane'))}`;
  const stamp = createHash('sha256').update(sources).digest('hex');
  const names = ['quicether-engine', 'quicether-system', 'quicether-lab'];
  const programs = names.map((name) => join(root, 'dataplane/target/release', name));
  const stamped = existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : '';
  if (stamped === stamp && programs.every((file) => existsSync(file))) return;
  const args = ['build', '--release', '--manifest-path', 'dataplane/Cargo.toml'];
  const packages = names.flatMap((name) => ['-p', name]);
  // On a clean checkout the lock must fit; who edits a Cargo.toml wants it brought up to date.
  const locked = process.env.CI ? ['--locked'] : [];
  if (
    !step('building the engine (two to four minutes the first time)', cargo, [...args, ...locked, ...packages], invoker)
  ) {
    stop('the engine did not build; see above');
  }
  mkdirSync(join(root, '.cache'), { recursive: true });
  writeFileSync(stampFile, stamp);
  if (invoker) for (const path of [join(root, '.cache'), stampFile]) chownSync(path, invoker.uid, invoker.gid);
}

if (!PURPOSES.includes(purpose)) stop(`"${purpose}" is not a purpose; say ${PURPOSES.join(', ')}`);
checkTools();
const toolchain = findCargo();
installDebianPackages();
checkTun();
installNpmPackages();
buildEngine(toolchain);
