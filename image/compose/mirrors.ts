import { existsSync, globSync, readFileSync } from 'node:fs';
import { type DebianMirrors, debianMirrors } from './apt-sources.ts';
import { SUITE } from './places.ts';
import { BuildStop } from './step.ts';

const MAIN = 'QUICETHER_DEBIAN_MIRROR';
const SECURITY = 'QUICETHER_DEBIAN_SECURITY_MIRROR';

/** Where Debian comes from: the environment, else this machine's own package sources. */
function findMirrors(): DebianMirrors {
  const [main, security] = [process.env[MAIN], process.env[SECURITY]];
  if (main && security) return { main, security };
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const files = ['/etc/apt/sources.list', ...globSync('/etc/apt/sources.list.d/*.{list,sources}')];
  const texts = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'));
  const found = codename === undefined ? undefined : debianMirrors(texts, codename);
  if (found) return found;
  throw new BuildStop(`the package sources of this machine name no Debian mirror; set ${MAIN} and ${SECURITY}`);
}

/** The package sources of the image, as apt reads them. */
export function imageSources(): string[] {
  const { main, security } = findMirrors();
  return [`deb ${main} ${SUITE} main`, `deb ${security} ${SUITE}-security main`];
}
