import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Outcome } from './command.ts';
import { outcomeOf, run, until } from './command.ts';
import type { Host } from './host.ts';
import { isListening } from './traffic.ts';

/** Writes a file that does not compress and never repeats. */
export async function makeFile(path: string, sizeBytes: number): Promise<void> {
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  const zeros = Buffer.alloc(1 << 20);
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let left = sizeBytes; left > 0; left -= zeros.length) {
      yield cipher.update(left < zeros.length ? zeros.subarray(0, left) : zeros);
    }
  }
  await pipeline(chunks(), createWriteStream(path));
}

/** SHA-256 of a file, in hexadecimal; empty when it is not there. */
export async function digestOf(path: string): Promise<string> {
  if (!existsSync(path)) return '';
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

const SSH_PORT = 22;

/** A real sshd on a host, with keys of its own that are thrown away with it. */
export class SshServer {
  readonly host: Host;
  readonly #clientKey: string;

  private constructor(host: Host, clientKey: string) {
    this.host = host;
    this.#clientKey = clientKey;
  }

  static async start(host: Host): Promise<SshServer> {
    const directory = join(host.directory, 'ssh');
    mkdirSync(directory, { mode: 0o700 });
    for (const name of ['host_key', 'client_key']) {
      await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(directory, name)]);
    }
    const config = join(directory, 'sshd_config');
    writeFileSync(
      config,
      [
        `Port ${SSH_PORT}`,
        `HostKey ${join(directory, 'host_key')}`,
        `AuthorizedKeysFile ${join(directory, 'client_key.pub')}`,
        'PidFile none',
        'StrictModes no',
        'UsePAM no',
        'UseDNS no',
        'PermitRootLogin yes',
        'PasswordAuthentication no',
        'MaxStartups 100',
        '',
      ].join('\n'),
    );
    // `ip netns exec` gives a mount namespace of its own: what sshd wants of the machine (a
    // directory in /run, an account that is not locked) is put there and nobody else sees it.
    const script = `mkdir -p ${directory}/run/sshd && mount --bind ${directory}/run /run &&
      sed 's/^root:[^:]*/root:*/' /etc/shadow > ${directory}/shadow && mount --bind ${directory}/shadow /etc/shadow &&
      exec $(command -v sshd || echo /usr/sbin/sshd) -D -e -f ${config}`;
    host.start('sshd', ['sh', '-c', script]);
    await until(`sshd on ${host.name}`, 5000, () => isListening(host, SSH_PORT));
    return new SshServer(host, join(directory, 'client_key'));
  }

  #ssh(): string[] {
    const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'ConnectTimeout=10'];
    options.push('IdentitiesOnly=yes', 'ServerAliveInterval=5', 'ServerAliveCountMax=12');
    return ['ssh', '-F', 'none', '-i', this.#clientKey, ...options.flatMap((option) => ['-o', option])];
  }

  /** The ssh command line that reaches this server, without host and command. */
  clientCommand(): string {
    return this.#ssh().join(' ');
  }

  /** Runs a command on the server through ssh from another host. */
  command(from: Host, address: string, words: readonly string[]): Promise<Outcome> {
    return outcomeOf(from.inside([...this.#ssh(), `root@${address}`, ...words]), { cwd: from.directory });
  }

  /** Copies a file to the server with rsync over ssh, at most at a rate unless that is 0, and says whether it arrived whole. */
  async copy(from: Host, address: string, file: string, timeoutMs: number, rateKbPerS = 0): Promise<Copied> {
    const target = join(this.host.directory, `copied-${randomBytes(4).toString('hex')}`);
    const place = address.includes(':') ? `[${address}]` : address;
    const startedMs = performance.now();
    const outcome = await from.outcomeOf(
      [
        'rsync',
        '--whole-file',
        '--inplace',
        `--bwlimit=${rateKbPerS}`,
        '-e',
        this.#ssh().join(' '),
        file,
        `root@${place}:${target}`,
      ],
      { timeoutMs },
    );
    const durationMs = performance.now() - startedMs;
    const [sent, arrived] = [await digestOf(file), await digestOf(target)];
    return {
      isSame: outcome.status === 0 && sent === arrived,
      digest: sent,
      durationMs: Math.round(durationMs),
      problem: outcome.status === 0 ? (sent === arrived ? '' : 'digests differ') : outcome.stderr.trim().slice(-300),
    };
  }
}

/** How a copy ended. */
export interface Copied {
  /** The command succeeded and both digests are equal. */
  readonly isSame: boolean;
  readonly digest: string;
  readonly durationMs: number;
  readonly problem: string;
}
