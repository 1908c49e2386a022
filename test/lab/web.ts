import { chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chooseWebUser, lendSocket, type User } from '../../scripts/web-user.ts';
import type { Box } from './box.ts';
import type { Outcome, Running } from './command.ts';
import { until } from './command.ts';
import { isListening } from './traffic.ts';

export const WEB_PORT = 8443;
/** Makes the certificate; a bundle does not lie where it would find it. */
const ENGINE = fileURLToPath(new URL('../../dataplane/target/release/quicether-engine', import.meta.url));

/** Where the pages of an office are for the others. */
export function originOf({ ipv4 }: { readonly ipv4: string }): string {
  return `https://${ipv4}:${WEB_PORT}`;
}

/** Who the pages run as in every lab of this process; ourselves when nobody else can read the tree. */
let chosen: User | undefined;

/** The web front of a box: `quicether web`, a process of a user without rights, as on an appliance. */
export class Web {
  readonly #box: Box;
  #process: Running | undefined;
  #bundle: string | undefined;

  constructor(box: Box) {
    this.#box = box;
  }

  get user(): User {
    chosen ??= chooseWebUser() ?? { uid: 0, gid: 0 };
    return chosen;
  }

  /** From now on it runs from this one file, as it is installed, and not from the sources. */
  useBundle(file: string): void {
    this.#bundle = file;
  }

  get #program(): readonly string[] {
    if (this.#bundle === undefined) return this.#box.program;
    return [process.execPath, '--max-semi-space-size=1', '--optimize-for-size', this.#bundle];
  }

  /** Its key and certificate. */
  get stateDirectory(): string {
    return join(this.#box.host.directory, 'web');
  }

  /** Starts it and waits until it takes connections; the daemon has to be up. More words are for `quicether web`. */
  async start(...words: readonly string[]): Promise<void> {
    const { user, stateDirectory } = this;
    mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
    chownSync(stateDirectory, user.uid, user.gid);
    writeFileSync(this.#configFile, '', { mode: 0o644 });
    this.#process = this.#box.host.start('web', this.#asUser(['web', ...this.#places(), ...words]), {
      cwd: stateDirectory,
      env: this.#environment(),
    });
    await until(`the pages of ${this.#box.host.name}`, 20_000, async () => {
      if (this.#process?.hasEnded()) throw new Error(`they ended: ${this.log().slice(-1500)}`);
      return isListening(this.#box.host, WEB_PORT);
    });
  }

  /** Empty: the daemon's file is not for its eyes, and what it needs is said in words. */
  get #configFile(): string {
    return join(this.stateDirectory, 'config.toml');
  }

  #places(): string[] {
    return ['--socket', this.#box.socket, '--state-dir', this.stateDirectory];
  }

  #environment(): Record<string, string> {
    return {
      ...this.#box.environment(),
      QUICETHER_CONFIG: this.#configFile,
      HOME: this.stateDirectory,
      QUICETHER_ENGINE: ENGINE,
      // Ours is not for others to write to; without one it is compiled anew each time, which costs memory, too.
      NODE_COMPILE_CACHE: join(this.stateDirectory, 'compiled'),
    };
  }

  /** The command line with the rights of the pages' user, and none besides. */
  #asUser(words: readonly string[]): string[] {
    const { uid } = this.user;
    if (uid === 0) return [...this.#program, ...words];
    const gid = this.borrowSocket();
    return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', ...this.#program, ...words];
  }

  /** Lets the pages' user open the daemon's socket, as the group of an installed box does. */
  borrowSocket(): number {
    return this.user.uid === 0 ? 0 : lendSocket(this.#box.socket, this.user);
  }

  /** The six words of its certificate, as the console says them. */
  async words(): Promise<string> {
    const { status, stdout, stderr }: Outcome = await this.#box.host.outcomeOf(
      this.#asUser(['web', '--fingerprint', ...this.#places()]),
      { env: this.#environment() },
    );
    if (status !== 0) throw new Error(`quicether web --fingerprint ended with ${status}: ${stderr}`);
    return stdout.trim();
  }

  /** What makes the box somebody's; throws when it is somebody's. */
  async claimCode(): Promise<string> {
    const { code } = await this.#box.call('GetClaimCode', {});
    if (code === null) throw new Error(`${this.#box.host.name} is claimed`);
    return code;
  }

  /** Its certificate, for clients that want to check it. */
  certificateFile(): string {
    const name = readdirSync(this.stateDirectory).find((file) => /\.(pem|crt)$/.test(file) && !file.includes('key'));
    if (name === undefined) throw new Error(`no certificate in ${this.stateDirectory}`);
    return join(this.stateDirectory, name);
  }

  log(): string {
    return this.#process ? readFileSync(this.#process.logFile, 'utf8') : '';
  }

  pid(): number {
    if (!this.#process || this.#process.hasEnded()) throw new Error(`${this.#box.host.name}: no pages are served`);
    return this.#process.pid;
  }

  async stop(): Promise<number> {
    return (await this.#process?.stop(5000)) ?? 0;
  }
}
