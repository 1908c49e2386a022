import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

export type PackageInputs = {
  readonly root: string;
  readonly version: string;
  /** Debian's name of the processor. */
  readonly architecture: 'amd64' | 'arm64';
  readonly node: string;
};

/** What is built from dataplane/ and installed. */
export const RUST_PROGRAMS = ['quicether-engine', 'quicether-system'] as const;

/** The newest glibc that any of these programs asks for, as `2.36`. */
export function neededGlibc(programs: readonly string[]): string {
  let newest: [number, number] = [2, 28];
  for (const program of programs) {
    for (const match of readFileSync(program, 'latin1').matchAll(/GLIBC_(\d+)\.(\d+)/g)) {
      const found: [number, number] = [Number(match[1]), Number(match[2])];
      if (found[0] > newest[0] || (found[0] === newest[0] && found[1] > newest[1])) newest = found;
    }
  }
  return newest.join('.');
}

function controlFile(inputs: PackageInputs, installedKilobytes: number, glibc: string): string {
  const lines = [
    'Package: quicether',
    `Version: ${inputs.version}`,
    `Architecture: ${inputs.architecture}`,
    'Maintainer: QuicEther <quicether@localhost>',
    `Installed-Size: ${installedKilobytes}`,
    `Depends: libc6 (>= ${glibc}), libstdc++6, libgcc-s1, libatomic1, passwd, systemd | systemd-standalone-sysusers | adduser`,
    'Recommends: iproute2, nftables',
    'Section: net',
    'Priority: optional',
    'Description: joins offices over all of their internet lines at once',
    ' Boxes find each other and carry IP packets between their networks inside',
    ' mutually authenticated QUIC, without a server of anybody else in the middle.',
  ];
  return `${lines.join('\n')}\n`;
}

/** Lays out the tree of the package below `stage`, which is emptied first. */
export function stagePackage(inputs: PackageInputs, stage: string): void {
  const { root } = inputs;
  rmSync(stage, { recursive: true, force: true });
  const put = (from: string, to: string, mode = 0o644) => {
    mkdirSync(dirname(join(stage, to)), { recursive: true });
    copyFileSync(join(root, from), join(stage, to));
    chmodSync(join(stage, to), mode);
  };
  const write = (to: string, content: string | Buffer, mode = 0o644) => {
    mkdirSync(dirname(join(stage, to)), { recursive: true });
    writeFileSync(join(stage, to), content, { mode });
    chmodSync(join(stage, to), mode);
  };

  put('packaging/deb/quicether.sh', 'usr/bin/quicether', 0o755);
  put('build/quicether.js', 'usr/lib/quicether/quicether.js');
  // Node takes the bundle for a module because of this, wherever it is started from.
  write('usr/lib/quicether/package.json', `${JSON.stringify({ type: 'module', version: inputs.version })}\n`);
  put(inputs.node, 'usr/lib/quicether/node', 0o755);
  for (const program of RUST_PROGRAMS)
    put(`dataplane/target/release/${program}`, `usr/lib/quicether/${program}`, 0o755);
  for (const unit of globSync('*.{service,socket}', { cwd: join(root, 'packaging') })) {
    put(`packaging/${unit}`, `usr/lib/systemd/system/${unit}`);
  }
  for (const file of globSync('*.{css,js,svg,png,ico,webmanifest}', { cwd: join(root, 'views/assets') })) {
    put(`views/assets/${file}`, `usr/lib/quicether/assets/${file}`);
  }
  put('packaging/quicether.sysusers', 'usr/lib/sysusers.d/quicether.conf');
  put('packaging/quicether.tmpfiles', 'usr/lib/tmpfiles.d/quicether.conf');
  put('packaging/config.toml', 'etc/quicether/config.toml');
  const doc = 'usr/share/doc/quicether';
  put('LICENSE', `${doc}/copyright`);
  put('README.md', `${doc}/README.md`);
  write(`${doc}/changelog.gz`, gzipSync(readFileSync(join(root, 'CHANGELOG.md')), { level: 9 }));
  cpSync(join(root, 'examples'), join(stage, doc, 'examples'), { recursive: true });
  const completion = bashCompletion(inputs);
  if (completion) write('usr/share/bash-completion/completions/quicether', completion);

  const programs = ['node', ...RUST_PROGRAMS].map((name) => join(stage, 'usr/lib/quicether', name));
  const size = spawnSync('du', ['-sk', stage], { encoding: 'utf8' });
  write('DEBIAN/control', controlFile(inputs, Number.parseInt(size.stdout, 10) || 0, neededGlibc(programs)));
  write('DEBIAN/conffiles', '/etc/quicether/config.toml\n');
  for (const script of ['postinst', 'prerm', 'postrm']) put(`packaging/deb/${script}`, `DEBIAN/${script}`, 0o755);
}

/** What the program itself says, so that the package never lags behind it. */
function bashCompletion({ root, node }: PackageInputs): string | undefined {
  const said = spawnSync(join(root, node), [join(root, 'build/quicether.js'), 'completion', 'bash'], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return said.status === 0 ? said.stdout : undefined;
}
