import type { Command } from 'commander';
import { type JsonFlag, reportFailures } from './config-report.ts';
import type { CliContext } from './context.ts';

/** `quicether keygen`: makes the node key and prints the NodeId. */
export function register(program: Command, context: CliContext): void {
  program
    .command('keygen')
    .description('Make the node key of this box and print its NodeId; never overwrites one')
    .option('-c, --config <file>', 'configuration file')
    .option('--key-file <path>', 'where the key goes, instead of node.key_file')
    .option('--json', 'print JSON')
    .action((options: JsonFlag & { config?: string; keyFile?: string }) => {
      const keyFile = keyFileOf(context, options);
      if (keyFile === undefined) return;
      const made = context.keys.make(keyFile);
      if (!made.ok) {
        reportFailures(context, [made.error], options);
        return;
      }
      context.out(options.json ? JSON.stringify({ node_id: made.value, key_file: keyFile }) : made.value);
    });
}

/** The key file that is meant, or nothing after its failures have been reported. */
export function keyFileOf(
  context: CliContext,
  options: JsonFlag & { config?: string; keyFile?: string },
): string | undefined {
  const flags =
    options.keyFile === undefined ? [] : [{ name: '--key-file', text: absolute(context.cwd, options.keyFile) }];
  const loaded = context.config.load(options.config, flags);
  if (loaded.ok) return loaded.value.settings.node.keyFile;
  reportFailures(context, loaded.error, options);
  return undefined;
}

/** A path as the person meant it who typed it here. */
function absolute(cwd: string, path: string): string {
  return path === '' || path.startsWith('/') ? path : `${cwd}/${path}`;
}
