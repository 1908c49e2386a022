/*
 * What the set-up decides, apart from what it does. Plain JavaScript for the same reason as
 * setup.mjs; tested in setup-checks.test.ts.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const NODE_MAJOR = 20;
const CARGO_MINOR = 88;
const RUSTUP =
  "install Rust with rustup (https://rustup.rs), then run this again; the distribution's package is too old";

/** What a set-up can be for; each needs what those before it need. */
export const PURPOSES = ['run', 'lab', 'test'];

/** Programs, the Debian package each comes from, and the first purpose that needs it. */
const PROGRAMS = [
  ['ip', 'iproute2', 'run'],
  ['nft', 'nftables', 'lab'],
  ['iperf3', 'iperf3', 'lab'],
  ['ethtool', 'ethtool', 'lab'],
  ['tcpdump', 'tcpdump', 'lab'],
  ['ping', 'iputils-ping', 'lab'],
  ['rsync', 'rsync', 'lab'],
  ['ssh', 'openssh-client', 'lab'],
  ['sshd', 'openssh-server', 'lab'],
  ['curl', 'curl', 'test'],
  ['chromium', 'chromium', 'test'],
];

/** Debian packages whose programs are missing for one of {@link PURPOSES}. */
export function debianPackagesFor(purpose, isThere) {
  const wanted = PURPOSES.slice(0, PURPOSES.indexOf(purpose) + 1);
  return PROGRAMS.filter(([program, , first]) => wanted.includes(first) && !isThere(program)).map(
    ([, debianPackage]) => debianPackage,
  );
}

/** Why this Node cannot be used, or undefined. */
export function nodeProblem(version) {
  if (Number.parseInt(version, 10) >= NODE_MAJOR) return undefined;
  return `Node ${version} is too old; install Node ${NODE_MAJOR} or later`;
}

/** Why this cargo cannot be used, from what `cargo --version` said (undefined: not there), or undefined. */
export function cargoProblem(said) {
  if (said === undefined) return `cargo is missing; ${RUSTUP}`;
  const match = /^cargo (\d+)\.(\d+)/.exec(said);
  if (!match) return `cargo says "${said.trim()}" instead of its version; ${RUSTUP}`;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  if (major > 1 || (major === 1 && minor >= CARGO_MINOR)) return undefined;
  return `cargo ${major}.${minor} is older than 1.${CARGO_MINOR}; ${RUSTUP}`;
}

/**
 * Whether node_modules is not what package-lock.json asks for.
 *
 * npm records what it installed in the same format. Packages for other platforms are missing there
 * and marked optional in the lock; everything else must be there in the same version.
 */
export function npmPackagesDiffer(lock, installed) {
  if (!installed) return true;
  for (const [path, wanted] of Object.entries(lock.packages)) {
    if (path === '') continue;
    const found = installed.packages[path];
    if (found ? found.version !== wanted.version : !(wanted.optional || wanted.peer)) return true;
  }
  return Object.keys(installed.packages).some((path) => !(path in lock.packages));
}

/** One line for each source file below `folder` with its time and size: changes when one of them does. */
export function describeSources(folder) {
  const lines = [];
  const visit = (directory) => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (entry.name === 'target' || entry.name === 'fuzz') continue;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (/\.(rs|toml|lock|c|h)$/.test(entry.name)) {
        const { mtimeMs, size } = statSync(path);
        lines.push(`${path} ${mtimeMs} ${size}`);
      }
    }
  };
  visit(folder);
  return lines.sort().join('\n');
}
