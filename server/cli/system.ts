import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { fail, ok, type Result } from '../core/result.ts';
import { type AskFlags, addAskFlags, askDaemon, printJson } from './ask-daemon.ts';
import { reportFailures } from './config-report.ts';
import type { DaemonContext } from './daemon-context.ts';

const MAX_KEY_FILE_BYTES = 64 << 10;

/** `quicether system reboot|restart|reset|ssh`: the machine under the daemon. */
export function register(program: Command, context: DaemonContext): void {
  const system = program.command('system').description('The appliance itself: restart, factory reset, SSH');
  addAskFlags(system.command('reboot').description('Restart the box')).action(async (flags: AskFlags) => {
    const done = await askDaemon(context, flags, (client) => client.call('Reboot', {}));
    if (done) say(context, flags, { rebooting: true }, 'The box restarts.');
  });
  addAskFlags(
    system.command('restart').description('Have the daemon started again; the tunnel goes on meanwhile'),
  ).action(async (flags: AskFlags) => {
    const done = await askDaemon(context, flags, (client) => client.call('RestartDaemon', {}));
    if (done) say(context, flags, { restarting: true }, 'The daemon starts again.');
  });
  registerReset(system, context);
  registerSsh(system, context);
}

function registerReset(system: Command, context: DaemonContext): void {
  const command = system
    .command('reset')
    .description('Wipe settings, people and the key of this box; asks for a code that its screen shows')
    .requiredOption('--site-name <name>', 'name of this box, as status shows it')
    .option('--code <digits>', 'from the screen of the box; without it one is shown there');
  addAskFlags(command).action(async (flags: AskFlags & { siteName: string; code?: string }) => {
    const params = { site_name: flags.siteName, ...(flags.code === undefined ? {} : { code: flags.code }) };
    const done = await askDaemon(context, flags, (client) => client.call('FactoryReset', params));
    if (done) say(context, flags, { resetting: true }, 'The box restarts and is as it came.');
  });
}

interface SshFlags extends AskFlags {
  readonly keys?: string;
}

function registerSsh(system: Command, context: DaemonContext): void {
  const ssh = system.command('ssh').description('SSH for the user admin, by key only');
  const on = ssh
    .command('on')
    .description('Let the administrator in')
    .option('--keys <file>', 'public keys, one a line; they replace the ones that were there');
  addAskFlags(on).action((flags: SshFlags) => setSsh(context, flags, true));
  addAskFlags(ssh.command('off').description('Keep everybody out; who is in stays in')).action((flags: SshFlags) =>
    setSsh(context, flags, false),
  );
}

async function setSsh(context: DaemonContext, flags: SshFlags, on: boolean): Promise<void> {
  const keys = flags.keys === undefined ? ok(undefined) : readKeys(flags.keys);
  if (!keys.ok) return reportFailures(context, [keys.error], flags);
  const params = { on, ...(keys.value ? { authorized_keys: [...keys.value] } : {}) };
  const done = await askDaemon(context, flags, (client) => client.call('SetSsh', params));
  if (done) say(context, flags, { ssh: on }, on ? 'SSH is on: ssh admin@ADDRESS' : 'SSH is off.');
}

/** Lines of a file of public keys; blank ones and comments are left out. */
function readKeys(path: string): Result<readonly string[]> {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > MAX_KEY_FILE_BYTES) return fail('usage.file', `${path}: is no file of public keys`);
    const lines = text.split(/\r?\n/).map((line) => line.trim());
    const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
    return keys.length > 0 ? ok(keys) : fail('usage.file', `${path}: there is no key in it`);
  } catch (error) {
    return fail('usage.file', `${path}: cannot be read: ${(error as Error).message}`);
  }
}

function say(context: DaemonContext, flags: AskFlags, value: object, sentence: string): void {
  if (flags.json) printJson(context, value);
  else context.out(sentence);
}
