import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failureLine } from '../core/failures.ts';
import { type Failure, fail, ok, type Result } from '../core/result.ts';
import { type JsonFlag, reportFailures } from './config-report.ts';
import type { CliContext } from './context.ts';

/**
 * Lets a person edit a copy of the configuration and puts it in place when it is valid.
 *
 * Otherwise the old file stays as it is, and the copy is kept with the mistakes named.
 */
export function editConfig(context: CliContext, options: JsonFlag & { config?: string }): void {
  const { path } = context.config.locate(options.config);
  const before = context.config.files.read(path);
  if (!before.ok) {
    reportFailures(context, [before.error], options);
    return;
  }
  const text = before.value ?? context.config.template({});
  const folder = mkdtempSync(join(tmpdir(), 'quicether-edit-'));
  const draft = join(folder, 'config.toml');
  writeFileSync(draft, text, { mode: 0o600 });

  const edited = runEditor(context, draft);
  const after = edited.ok ? readFileSync(draft, 'utf8') : text;
  if (after === text) {
    rmSync(folder, { recursive: true });
    if (!edited.ok) {
      reportFailures(context, [edited.error], options);
      return;
    }
    say(context, options, { changed: false, file: path }, `${path}: nothing changed`);
    return;
  }
  const failures = replaceIfValid(context, path, before.value, { draft, text: after });
  if (failures.length > 0) {
    reportFailures(context, failures, options);
    if (!options.json) context.err(`${path} is unchanged; your draft is ${draft}`);
    return;
  }
  rmSync(folder, { recursive: true });
  say(context, options, { changed: true, file: path }, `${path}: changed; takes effect when quicether starts again`);
}

function say(context: CliContext, { json }: JsonFlag, result: Readonly<Record<string, unknown>>, text: string): void {
  context.out(json ? JSON.stringify(result) : text);
}

function replaceIfValid(
  context: CliContext,
  path: string,
  before: string | undefined,
  { draft, text }: { draft: string; text: string },
): readonly Failure[] {
  const { files } = context.config;
  const checked = context.config.check(draft, text);
  if (!checked.ok) return checked.error;
  const now = files.read(path);
  if (!now.ok) return [now.error];
  if (now.value !== before) {
    return [
      {
        code: 'settings.changed-meanwhile',
        message: `${path}: somebody else changed it while you edited; put your draft in by hand`,
      },
    ];
  }
  const written = before === undefined ? files.create(path, text) : files.replace(path, text);
  if (!written.ok) return [written.error];
  for (const notice of checked.value.notices) context.err(failureLine(notice));
  return [];
}

function runEditor(context: CliContext, draft: string): Result<void> {
  const editor = context.env['VISUAL'] || context.env['EDITOR'] || 'vi';
  // Through the shell as git does, because the variable may hold arguments: "code --wait".
  const { status, error } = spawnSync('/bin/sh', ['-c', `${editor} "$1"`, editor, draft], {
    stdio: 'inherit',
    env: { ...context.env },
  });
  if (error) return fail('settings.editor', `the editor ${editor} cannot be run: ${error.message}`);
  if (status === 127)
    return fail('settings.editor', `there is no editor ${editor}`, { remedy: 'set VISUAL or EDITOR' });
  if (status !== 0) return fail('settings.editor', `the editor ${editor} failed; nothing was changed`);
  return ok(undefined);
}
