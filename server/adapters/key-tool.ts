import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { dirname, join } from 'node:path';
import { type NodeId, parseNodeId } from '../core/node-id.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { KeyTool } from '../identity/key-tool.ts';

const ENGINE = 'quicether-engine';
const KEY_TOOL_TIMEOUT_MS = 10_000;

/** The engine's program: `QUICETHER_ENGINE`, else beside this program, else as built in this source tree. */
export function locateEngine(env: Readonly<Record<string, string | undefined>>, programPath: string): Result<string> {
  const named = env['QUICETHER_ENGINE'];
  const here = dirname(programPath);
  const places = named
    ? [named]
    : [
        join(here, ENGINE),
        join(here, '..', 'dataplane', 'target', 'release', ENGINE),
        join('/usr/lib/quicether', ENGINE),
      ];
  const found = places.find(isExecutable);
  if (found !== undefined) return ok(found);
  const remedy = named ? 'correct QUICETHER_ENGINE' : 'build it with npm run setup, or name it in QUICETHER_ENGINE';
  return fail('engine.no-program', `there is no engine at ${places.join(' or ')}`, { remedy });
}

/** Keys through the engine's own commands, so that one program only ever reads the key. */
export function keyTool(env: Readonly<Record<string, string | undefined>>, programPath: string): KeyTool {
  const run = (verb: string, keyFile: string): Result<NodeId> => {
    const engine = locateEngine(env, programPath);
    if (!engine.ok) return engine;
    const { status, stdout, stderr, error } = spawnSync(engine.value, [verb, '--key-file', keyFile], {
      encoding: 'utf8',
      timeout: KEY_TOOL_TIMEOUT_MS,
    });
    if (error) return fail('engine.no-program', `${engine.value} cannot be run: ${error.message}`);
    if (status === 0) return parseNodeId(stdout.trim());
    const said = stderr.trim().replace(/^quicether-engine: /, '') || `${engine.value} ended with status ${status}`;
    return fail(status === 4 ? 'permission.key-file' : 'identity.key-file', said);
  };
  return { make: (keyFile) => run('keygen', keyFile), read: (keyFile) => run('node-id', keyFile) };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
