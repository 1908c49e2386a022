import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { fail, ok, type Result } from '../core/result.ts';
import type { RpcClient } from '../rpc/client.ts';
import type { ResultOf } from '../rpc/methods.ts';
import { type AskFlags, addAskFlags, askDaemon, printJson } from './ask-daemon.ts';
import type { DaemonContext } from './daemon-context.ts';
import { table } from './table.ts';
import { visible } from './terminal-text.ts';

/** As base64 as much as one call takes. */
const PART_BYTES = 384 << 10;
const LOOK_EVERY_MS = 500;
/** A slow disk takes minutes; one that says nothing new for so long is stuck. */
const STUCK_MS = 600_000;

type System = ResultOf<'GetSystem'>;

/** `quicether update install FILE`, `update status`. */
export function register(program: Command, context: DaemonContext): void {
  const update = program.command('update').description('Bring a newer release onto an appliance');
  const install = update
    .command('install')
    .description('Verify an update bundle and install it beside the running release; the next restart tries it')
    .argument('<file>', 'the .gwu file of a release')
    .option('--reboot', 'restart the box when it is installed');
  addAskFlags(install).action(async (file: string, flags: AskFlags & { reboot?: boolean }) => {
    const line = progressLine(context, flags);
    const installed = await askDaemon(context, flags, async (client) => {
      const done = await installFile(client, file, line.show);
      line.end();
      if (!done.ok || !flags.reboot) return done;
      const rebooting = await client.call('Reboot', {});
      return rebooting.ok ? done : rebooting;
    });
    if (!installed) return;
    if (flags.json) printJson(context, { version: installed, rebooting: flags.reboot === true });
    else context.out(describeInstalled(installed, flags.reboot === true));
  });
  addAskFlags(update.command('status').description('Show the releases on this box and how far an update is')).action(
    async (flags: AskFlags) => {
      const found = await askDaemon(context, flags, (client) => client.call('GetSystem', {}));
      if (!found) return;
      if (flags.json) printJson(context, found);
      else context.out(describeSystem(found));
    },
  );
}

function describeInstalled(version: string, isRebooting: boolean): string {
  return isRebooting
    ? `Release ${version} is installed; the box restarts. If it does not come up, the release before comes back by itself.`
    : `Release ${version} is installed. The next restart tries it: quicether system reboot`;
}

type Show = (what: string, percent: number) => void;

/** Sends the file in parts, has it installed, and waits for the end; gives the release. */
async function installFile(client: RpcClient, path: string, show: Show): Promise<Result<string>> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (error) {
    return fail('usage.file', `${path}: cannot be read: ${(error as Error).message}`);
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size === 0) return fail('usage.file', `${path}: is not a file with something in it`);
    const begun = await client.call('BeginUpdate', { size_bytes: stat.size });
    if (!begun.ok) return begun;
    const { upload_id } = begun.value;
    const sent = await sendParts({ client, file, upload_id, sizeBytes: stat.size }, show);
    if (!sent.ok) return sent;
    show('checking', 0);
    // The signature of a large bundle on a slow disk takes a moment.
    const accepted = await client.call('InstallUpdate', { upload_id }, { timeoutMs: STUCK_MS });
    return accepted.ok ? await followInstall(client, show) : accepted;
  } finally {
    await file.close();
  }
}

interface Sending {
  readonly client: RpcClient;
  readonly file: FileHandle;
  readonly upload_id: string;
  readonly sizeBytes: number;
}

async function sendParts({ client, file, upload_id, sizeBytes }: Sending, show: Show): Promise<Result<void>> {
  const buffer = Buffer.alloc(PART_BYTES);
  for (let offset = 0; offset < sizeBytes; ) {
    show('sending', Math.floor((100 * offset) / sizeBytes));
    const { bytesRead } = await file.read(buffer, 0, Math.min(PART_BYTES, sizeBytes - offset), offset);
    if (bytesRead === 0) return fail('usage.file', 'the file became shorter while it was sent');
    const data = buffer.toString('base64', 0, bytesRead);
    const sent = await client.call('SendUpdate', { upload_id, offset, data });
    if (!sent.ok) return sent;
    offset += bytesRead;
  }
  return ok(undefined);
}

async function followInstall(client: RpcClient, show: Show): Promise<Result<string>> {
  let last = '';
  let lastMs = performance.now();
  for (;;) {
    const found = await client.call('GetSystem', {});
    if (!found.ok) return found;
    const { state, percent, version, message } = found.value.update;
    if (state === 'ready') return ok(version ?? '');
    if (state === 'failed') return fail('system.failed', message ?? 'the update failed');
    if (state !== 'checking' && state !== 'writing') return fail('system.failed', 'the update was given up');
    show(state, percent);
    const now = `${state} ${percent}`;
    if (now !== last) lastMs = performance.now();
    last = now;
    if (performance.now() - lastMs > STUCK_MS) {
      return fail('system.timeout', `the update stands at ${now} % for ${STUCK_MS / 60_000} minutes`);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** One line that is written over on a terminal; else a line for each step. Always on standard error. */
function progressLine(context: DaemonContext, flags: AskFlags): { show: Show; end: () => void } {
  const isLive = process.stderr.isTTY === true && !flags.json;
  let last = '';
  return {
    show: (what, percent) => {
      const line = isLive ? `${what} ${percent} %` : what;
      if (line === last || flags.json) return;
      last = line;
      if (isLive) process.stderr.write(`\r${line.padEnd(20)}`);
      else context.err(`${what} ...`);
    },
    end: () => {
      if (isLive && last) process.stderr.write(`\r${' '.repeat(20)}\r`);
    },
  };
}

function describeSystem({ appliance, version, slots, update }: System): string {
  if (!appliance) {
    return `Release ${version}. Not an appliance: a newer release comes as a package, apt install ./quicether_VERSION.deb`;
  }
  const rows = slots.map((slot) => [slot.slot, slot.version ?? '-', STATES[slot.state]]);
  const lines = [table(['SLOT', 'RELEASE', 'STATE'], rows)];
  const { state, percent, message } = update;
  if (state === 'receiving' || state === 'checking' || state === 'writing')
    lines.push('', `An update is under way: ${state}, ${percent} %`);
  if (message !== null) lines.push('', visible(message, 400));
  return lines.join('\n');
}

const STATES = {
  running: 'running',
  idle: 'fallback',
  trial: 'the next restart tries it',
  failed: 'did not come up',
} as const;
