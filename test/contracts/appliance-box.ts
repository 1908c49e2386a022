import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBundle } from '../../image/compose/bundle.ts';
import type { ReleaseKey } from '../../image/compose/release-keys.ts';

const program = join(import.meta.dirname, '../../dataplane/target/release/quicether-system');

export const hasSystem = existsSync(program);

/** A folder that stands for an appliance with release 1.4.0 on slot a, and its root helper. */
export class ApplianceFolder {
  readonly root: string;
  readonly socket: string;
  readonly key = makeKey();
  #helper: ChildProcess | undefined;

  constructor(root: string) {
    this.root = root;
    this.socket = join(root, 'system.sock');
    this.put('run/gw-slot', 'gwslot=a\ngwdev=/dev/vda2\ngwdisk=/dev/vda\ngwdata=/dev/vda4\ngwesp=/dev/vda1\n');
    this.put('usr/lib/os-release', 'ID=quicether\nIMAGE_ID=quicether\nIMAGE_VERSION=1.4.0\n');
    this.put('usr/share/quicether/board', 'amd64-uefi\n');
    this.put(`usr/share/quicether/release-keys/${this.key.id}.pub`, `${this.key.publicHex}\n`);
    this.put('sys/class/block/vda/vda3/uevent', 'DEVNAME=vda3\nPARTNAME=gw-root-b\n');
    this.put('sys/class/tty/console/active', 'ttyS0\n');
    this.put('dev/ttyS0', '');
    this.put('dev/vda3', Buffer.alloc(4 << 20));
    this.put('efi/EFI/Linux/gw_1.4.0.efi', 'running');
  }

  /** Starts the root helper, which serves this user. */
  async start(): Promise<void> {
    const args = ['serve', '--root', this.root, '--socket', this.socket];
    this.#helper = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    for (let i = 0; i < 100 && !existsSync(this.socket); i++) await sleep(20);
  }

  stop(): void {
    this.#helper?.kill('SIGKILL');
  }

  put(path: string, bytes: string | Buffer): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), bytes);
  }

  /** A bundle of this release as the image's build makes it; gives its file and what is in it. */
  async bundle(version: string, key: ReleaseKey = this.key) {
    const rootImage = Buffer.alloc(3 << 20, `root of ${version} `);
    const uki = Buffer.alloc(300_001, `kernel of ${version} `);
    this.put('build/uki.efi', uki);
    this.put('build/root.img', rootImage);
    const file = join(this.root, `build/quicether-${version}.gwu`);
    const from = { uki: join(this.root, 'build/uki.efi'), rootImage: join(this.root, 'build/root.img') };
    await makeBundle({ version, epochSec: 1_763_800_000, key, trusted: [key], ...from }, file);
    return { file, uki, rootImage };
  }
}

/** A release key of this run alone. */
export function makeKey(): ReleaseKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const id = createHash('sha256').update(raw).digest('hex').slice(0, 16);
  const signWith = (own: KeyObject) => (bytes: Uint8Array) => sign(null, bytes, own);
  return { id, publicHex: raw.toString('hex'), sign: signWith(privateKey) };
}
