import type { Command } from 'commander';
import { addSettingsFlags, givenFlags } from './config-flags.ts';
import { type JsonFlag, reportFailures } from './config-report.ts';
import type { CliContext } from './context.ts';

interface InitOptions extends JsonFlag {
  readonly config?: string;
  readonly name?: string;
  readonly role?: string;
  readonly keyFile?: string;
  readonly stateDir?: string;
  readonly bootstrapMode?: boolean;
}

const INIT_FLAGS = ['--name', '--role', '--key-file', '--state-dir'];

/** `quicether init`: a commented configuration file and the node key, each only when there is none. */
export function register(program: Command, context: CliContext): void {
  const command = program
    .command('init')
    .description('Write a first configuration file and make the node key; leaves alone what is there')
    .option('-c, --config <file>', 'configuration file')
    .option('--bootstrap-mode', 'let others join through this box')
    .option('--json', 'print JSON');
  addSettingsFlags(command, context.config, INIT_FLAGS);
  command.action((options: InitOptions) => init(context, command, options));
}

function init(context: CliContext, command: Command, options: InitOptions): void {
  const { config: desk } = context;
  const location = desk.locate(options.config);
  const existed = desk.files.exists(location.path);
  const text = desk.template(options);
  // Checked before anything is written: nothing is left half-made by a wrong flag.
  const flags = givenFlags(command, desk);
  // With the flags alone first, so that their mistakes are not reported twice.
  const alone = existed ? desk.load(location.path, flags) : desk.loadText({ name: location.path, text: '' }, flags);
  const checked = existed || !alone.ok ? alone : desk.loadText({ name: location.path, text }, flags);
  if (!checked.ok) {
    reportFailures(context, checked.error, options);
    return;
  }
  if (!existed) {
    const written = desk.files.create(location.path, text);
    if (!written.ok) {
      reportFailures(context, [written.error], options);
      return;
    }
  }
  const { keyFile } = checked.value.settings.node;
  const keyExisted = desk.files.exists(keyFile);
  const key = keyExisted ? context.keys.read(keyFile) : context.keys.make(keyFile);
  if (!key.ok) {
    reportFailures(context, [key.error], options);
    return;
  }
  if (options.json) {
    context.out(
      JSON.stringify({
        node_id: key.value,
        config: location.path,
        config_made: !existed,
        key_file: keyFile,
        key_made: !keyExisted,
      }),
    );
    return;
  }
  context.out(`Configuration: ${location.path}${existed ? ' (was there, left as it is)' : ''}`);
  context.out(`Node key: ${keyFile}${keyExisted ? ' (was there, left as it is)' : ''}`);
  context.out(`This box is ${key.value}`);
}
