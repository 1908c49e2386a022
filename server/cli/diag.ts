import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { fail } from '../core/result.ts';
import { encodeTar } from '../core/tar.ts';
import { type AskFlags, addAskFlags, askDaemon, printJson } from './ask-daemon.ts';
import { reportFailures } from './config-report.ts';
import type { DaemonContext } from './daemon-context.ts';

/** `quicether diag`: a bundle for support, without a key or a secret in it. */
export function register(program: Command, context: DaemonContext): void {
  const command = program
    .command('diag')
    .description('Write a bundle for support: settings, state, logs, versions; never a key')
    .option('-o, --output <file>', 'where it goes; without it a file in this folder');
  addAskFlags(command).action(async (flags: AskFlags & { output?: string }) => {
    const found = await askDaemon(context, flags, (client) => client.call('GetDiagnostics', {}));
    if (!found) return;
    const takenAt = new Date();
    const name = `quicether-diag-${takenAt.toISOString().replaceAll(/[:.]/g, '-')}`;
    const file = flags.output ?? `${name}.tar.gz`;
    const entries = Object.entries(found.files).map(([path, text]) => ({ path: `${name}/${path}`, text }));
    try {
      writeFileSync(file, gzipSync(encodeTar(entries, takenAt)), { mode: 0o600, flag: flags.output ? 'w' : 'wx' });
    } catch (error) {
      const failure = fail('diag.output', `${file}: cannot be written: ${(error as Error).message}`, {
        remedy: 'name another file with --output',
      });
      return reportFailures(context, [failure.error], flags);
    }
    const files = Object.keys(found.files).sort();
    if (flags.json) printJson(context, { file, files });
    else context.out(`${file}\nHolds ${files.join(', ')}. Addresses and names are in it; keys are not.`);
  });
}
