import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { START_MIB } from '../compose/disk.ts';

const MIB = 1 << 20;

/** The disk of an emulated machine, looked at and damaged from outside. */
export class DiskFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  #mtools(program: string, args: readonly string[]) {
    const image = `${this.path}@@${START_MIB.esp}M`;
    return spawnSync(program, ['-i', image, ...args], {
      encoding: 'utf8',
      env: { ...process.env, MTOOLS_SKIP_CHECK: '1' },
    });
  }

  /** A text file on the ESP; undefined when there is none. */
  readEsp(name: string): string | undefined {
    const { status, stdout } = this.#mtools('mtype', [`::/${name}`]);
    return status === 0 ? stdout : undefined;
  }

  /** What can be booted: names of the UKIs, in order. */
  releases(): readonly string[] {
    const { stdout } = this.#mtools('mdir', ['-b', '::/EFI/Linux']);
    return stdout
      .split('\n')
      .map((line) => line.replace('::/EFI/Linux/', '').trim())
      .filter(Boolean)
      .sort();
  }

  removeRelease(name: string): void {
    this.#mtools('mdel', [`::/EFI/Linux/${name}`]);
  }

  addRelease(uki: string, name: string): void {
    const { status, stderr } = this.#mtools('mcopy', [uki, `::/EFI/Linux/${name}`]);
    if (status !== 0) throw new Error(`mcopy: ${stderr}`);
  }

  read(place: keyof typeof START_MIB, sizeBytes: number): Buffer {
    const bytes = Buffer.alloc(sizeBytes);
    const file = openSync(this.path, 'r');
    readSync(file, bytes, 0, sizeBytes, START_MIB[place] * MIB);
    closeSync(file);
    return bytes;
  }

  write(place: keyof typeof START_MIB, bytes: Buffer): void {
    const file = openSync(this.path, 'r+');
    writeSync(file, bytes, 0, bytes.length, START_MIB[place] * MIB);
    closeSync(file);
  }
}
