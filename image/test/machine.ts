import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, createWriteStream, existsSync, rmSync, type WriteStream } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Emulator } from './emulator.ts';

export type MachineOptions = {
  readonly disk: string;
  /** Where what the firmware remembers is kept. */
  readonly variables: string;
  /** Everything that the machine says on its serial line. */
  readonly log: string;
  /** Ports of this machine's loopback, and the ports inside that they lead to; none: no user network. */
  readonly forwards?: Readonly<Record<number, number>>;
  /** More words for QEMU. */
  readonly extra?: readonly string[];
  /** Runs QEMU by this, such as `ip netns exec NAME`. */
  readonly within?: readonly string[];
};

const MEMORY_MIB = 1024;

/**
 * A unit that runs a shell of root's on the second serial line. It comes from outside, by the
 * machine's firmware, so that the image under test is the one that is published.
 */
const PROBE = `[Unit]
DefaultDependencies=no
After=local-fs.target
[Service]
ExecStart=/bin/sh
StandardInput=tty-force
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
Environment=PATH=/usr/sbin:/usr/bin PS1= HOME=/run
Restart=always
`;
const PROBE_WANTED = '[Unit]\nWants=probe.service\n';

function credential(name: string, content: string): string[] {
  return ['-smbios', `type=11,value=io.systemd.credential.binary:${name}=${Buffer.from(content).toString('base64')}`];
}

const ESCAPE = String.fromCharCode(27);
const withoutEscapes = (text: string) => text.replaceAll(new RegExp(`${ESCAPE}\\[[0-9;?]*[a-zA-Z]`, 'g'), '');

/** An emulated machine that boots a disk. */
export class Machine {
  readonly startedMs = performance.now();
  readonly #child: ChildProcess;
  readonly #log: WriteStream;
  readonly #socket: string;
  #console = '';
  #probe = '';
  #line: Socket | undefined;
  #ended = false;
  #commands = 0;

  constructor(emulator: Emulator, options: MachineOptions) {
    if (!existsSync(options.variables)) copyFileSync(emulator.firmwareVariables, options.variables);
    const [program, ...args] = [...(options.within ?? []), ...emulator.command, ...machineArguments(emulator, options)];
    rmSync(probeSocket(options), { force: true });
    this.#socket = probeSocket(options);
    this.#log = createWriteStream(options.log, { flags: 'a' });
    this.#child = spawn(program!, args, {
      env: { ...process.env, ...emulator.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#hear(chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#hear(chunk));
    this.#child.on('close', () => {
      this.#ended = true;
      this.#log.end();
    });
  }

  #hear(chunk: Buffer) {
    const text = withoutEscapes(chunk.toString('utf8'));
    this.#console = (this.#console + text).slice(-4_000_000);
    this.#log.write(text);
  }

  get seconds(): number {
    return (performance.now() - this.startedMs) / 1000;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** What it said on its serial line so far. */
  get console(): string {
    return this.#console;
  }

  /** How often the pattern stands in what it said. */
  count(pattern: RegExp): number {
    return [...this.#console.matchAll(new RegExp(pattern, 'g'))].length;
  }

  /** Waits until the pattern was said `times` times; gives the seconds since the start, or undefined. */
  async said(pattern: RegExp, timeoutSec: number, times = 1): Promise<number | undefined> {
    const done = await this.until(() => this.count(pattern) >= times, timeoutSec);
    return done ? this.seconds : undefined;
  }

  /** Asks again and again until the answer is true, the machine ends, or time is over. */
  async until(ask: () => boolean | Promise<boolean>, timeoutSec: number): Promise<boolean> {
    const endMs = performance.now() + timeoutSec * 1000;
    while (performance.now() < endMs && !this.#ended) {
      if (await ask()) return true;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return ask();
  }

  /** Runs a line of shell inside, as root; gives what it printed, or undefined when no answer came. */
  async shell(line: string, timeoutSec = 60): Promise<string | undefined> {
    const mark = `@${++this.#commands}`;
    this.#probe = '';
    if (!this.#line) {
      await this.until(() => existsSync(this.#socket), 10);
      this.#line = connect(this.#socket);
      this.#line.on('error', () => undefined);
      this.#line.on('data', (chunk: Buffer) => {
        this.#probe = (this.#probe + chunk.toString('utf8')).slice(-1_000_000);
      });
    }
    this.#line.write(`stty -echo 2>/dev/null; echo '${mark}'begin; ${line}\necho '${mark}'end\n`);
    const pattern = new RegExp(`${mark}begin\\r?\\n([\\s\\S]*?)${mark}end`);
    const done = await this.until(() => pattern.test(this.#probe), timeoutSec);
    return done ? pattern.exec(this.#probe)?.[1]?.replaceAll('\r', '').trim() : undefined;
  }

  /** Switches it off as if the plug was pulled. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}

const probeSocket = ({ variables }: MachineOptions) => `${variables}.probe`;

function machineArguments(emulator: Emulator, options: MachineOptions): string[] {
  const forwards = Object.entries(options.forwards ?? {}).map(([port, to]) => `,hostfwd=tcp:127.0.0.1:${port}-:${to}`);
  const network = ['-netdev', `user,id=n0${forwards.join('')}`, '-device', 'virtio-net-pci,netdev=n0,romfile='];
  return [
    // Emulated everywhere, so that a result does not depend on what the processor lends.
    ...['-accel', 'tcg,thread=multi,tb-size=512', '-machine', 'q35', '-cpu', 'max,erms=off,fsrm=off'],
    ...['-smp', '2', '-m', String(MEMORY_MIB), '-display', 'none', '-monitor', 'none', '-nodefaults'],
    ...['-serial', 'stdio', '-serial', `unix:${probeSocket(options)},server=on,wait=off`],
    ...['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${emulator.firmware}`],
    ...['-drive', `if=pflash,format=raw,unit=1,file=${options.variables}`],
    ...['-drive', `if=none,id=d0,file=${options.disk},format=raw,cache=unsafe,discard=unmap`],
    ...['-device', 'virtio-blk-pci,drive=d0,bootindex=1', '-device', 'virtio-rng-pci'],
    ...['-device', 'i6300esb', '-action', 'watchdog=reset'],
    ...credential('systemd.extra-unit.probe.service', PROBE),
    ...credential('systemd.unit-dropin.sysinit.target', PROBE_WANTED),
    ...(options.forwards ? network : []),
    ...(options.extra ?? []),
  ];
}
