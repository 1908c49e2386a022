import type { Command } from 'commander';
import { EXIT, failureLine, surfaceOf } from '../core/failures.ts';
import type { Failure, Result } from '../core/result.ts';
import type { ShownSetting } from '../settings/present.ts';
import type { LoadedSettings } from '../settings/settings.ts';
import { editConfig } from './config-edit.ts';
import { type JsonFlag, plainFailure, reportFailures } from './config-report.ts';
import type { CliContext } from './context.ts';

interface ConfigFlag {
  readonly config?: string;
}

/** `quicether config show|validate|edit`: works without a daemon. */
export function register(program: Command, context: CliContext): void {
  const config = program.command('config').description('Show, check and edit the configuration');
  config
    .command('show')
    .description('Print every key with its value in force')
    .option('-c, --config <file>', 'configuration file')
    .option('--origin', 'say where each value comes from')
    .option('--json', 'print JSON')
    .action((options: ConfigFlag & JsonFlag & { origin?: boolean }) => show(context, options));
  config
    .command('validate')
    .description('Check a configuration file; without FILE the one in force, with the environment')
    .argument('[file]', 'configuration file')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'print JSON')
    .action((file: string | undefined, options: ConfigFlag & JsonFlag) => validate(context, file, options));
  config
    .command('edit')
    .description('Open the configuration file in $VISUAL or $EDITOR and keep the change only when it is valid')
    .option('-c, --config <file>', 'configuration file')
    .option('--json', 'print JSON')
    .action((options: ConfigFlag & JsonFlag) => editConfig(context, options));
}

function show(context: CliContext, options: ConfigFlag & JsonFlag & { origin?: boolean }): void {
  const { config: desk } = context;
  const loaded = desk.load(options.config);
  if (!loaded.ok) {
    reportFailures(context, loaded.error, options);
    return;
  }
  const shown = desk.show(loaded.value);
  if (!options.json) {
    context.out(desk.write(shown, (one) => (options.origin ? originText(one) : undefined)).trimEnd());
    return;
  }
  const tree: Record<string, unknown> = {};
  for (const { key, value } of shown) if (!key.startsWith('peers[')) place(tree, key.split('.'), value);
  tree['peers'] = shown.filter(({ key }) => key.startsWith('peers[')).map(({ value }) => value);
  if (options.origin) tree['origins'] = Object.fromEntries(shown.map(({ key, origin }) => [key, origin]));
  context.out(JSON.stringify(tree, null, 2));
}

function originText({ origin, defaultText }: ShownSetting): string {
  if (origin.kind === 'file') return `${origin.file}:${origin.line}`;
  if (origin.kind === 'confirmed') return `confirmed by ${origin.by} at ${origin.at} (${origin.file})`;
  if (origin.kind !== 'default') return origin.name;
  return defaultText === undefined ? 'default' : `default: ${defaultText.replaceAll('`', '')}`;
}

function place(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const inner = (tree[name] ?? {}) as Record<string, unknown>;
  tree[name] = inner;
  place(inner, rest, value);
}

function validate(context: CliContext, file: string | undefined, options: ConfigFlag & JsonFlag): void {
  const path = file ?? options.config;
  const location = context.config.locate(path);
  const checked = file === undefined ? context.config.load(options.config) : checkFile(context, file);
  const failures = checked.ok ? [] : checked.error;
  const notices = checked.ok ? checked.value.notices : [];
  if (options.json) {
    const report = {
      file: location.path,
      valid: checked.ok,
      errors: failures.map(plainFailure),
      notices: notices.map(plainFailure),
    };
    context.out(JSON.stringify(report, null, 2));
  } else {
    for (const failure of failures) context.err(failureLine(failure));
    for (const notice of notices) context.out(failureLine(notice));
    if (checked.ok)
      context.out(
        `${location.path}: ${'fileExists' in checked.value && !checked.value.fileExists ? 'no such file; the defaults are valid' : 'valid'}`,
      );
  }
  for (const failure of failures) context.exit(surfaceOf(failure.code).exit);
  if (failures.length === 0) context.exit(EXIT.ok);
}

function checkFile(context: CliContext, file: string): Result<LoadedSettings, readonly Failure[]> {
  const read = context.config.files.read(file);
  if (!read.ok) return { ok: false, error: [read.error] };
  if (read.value !== undefined) return context.config.check(file, read.value);
  return { ok: false, error: [{ code: 'settings.no-file', message: `${file}: there is no such file` }] };
}
