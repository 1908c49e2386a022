import { copyFileSync, rmSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DiskFile } from './disk-file.ts';
import type { Emulator } from './emulator.ts';
import { Machine } from './machine.ts';
import type { TestReleases } from './releases.ts';
import { RestClient } from './rest.ts';

const DISK_BYTES = 4 * 2 ** 30;

/** A port of the loopback that is free now. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** The box under test: an emulated machine with its disk, and a program that talks to its pages. */
export class Appliance {
  readonly disk: DiskFile;
  readonly releases: TestReleases;
  readonly #emulator: Emulator;
  readonly #folder: string;
  #machine: Machine | undefined;
  #rest: RestClient | undefined;

  constructor(emulator: Emulator, folder: string, releases: TestReleases) {
    this.#emulator = emulator;
    this.#folder = folder;
    this.releases = releases;
    const path = join(folder, 'disk.img');
    copyFileSync(releases.disk, path);
    // A larger disk than the image, as there is in every box.
    truncateSync(path, DISK_BYTES);
    this.disk = new DiskFile(path);
    for (const name of ['variables.fd', 'console.log']) rmSync(join(folder, name), { force: true });
  }

  get machine(): Machine {
    if (!this.#machine) throw new Error('the machine is off');
    return this.#machine;
  }

  get rest(): RestClient {
    if (!this.#rest) throw new Error('the machine is off');
    return this.#rest;
  }

  async start(): Promise<Machine> {
    const port = await freePort();
    const session = this.#rest?.session;
    this.#rest = new RestClient(port);
    this.#rest.session = session;
    const bundles = `if=none,id=d1,file=${this.releases.bundles},format=raw,readonly=on`;
    this.#machine = new Machine(this.#emulator, {
      disk: this.disk.path,
      variables: join(this.#folder, 'variables.fd'),
      log: join(this.#folder, 'console.log'),
      forwards: { [port]: 443 },
      extra: ['-drive', bundles, '-device', 'virtio-blk-pci,drive=d1'],
    });
    return this.#machine;
  }

  async stop(): Promise<void> {
    await this.#machine?.stop();
    this.#machine = undefined;
  }

  /** Waits until the pages answer; gives the seconds since the machine was started. */
  async pageAnswers(timeoutSec: number): Promise<number | undefined> {
    const { machine, rest } = this;
    const answered = async () => {
      const answer = await rest.ask('GET', '/', undefined, 5000);
      return answer !== undefined && answer.status < 500;
    };
    return (await machine.until(answered, timeoutSec)) ? machine.seconds : undefined;
  }
}
