import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { HostView } from '../operations/world.ts';
import { observeLines } from './host-lines.ts';

const TIMEOUT_MS = 3_000;
const MAX_OUTPUT_BYTES = 256 << 10;
const MAX_LOG_TAIL = 256 << 10;

const COMMANDS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'ip-addr.txt': ['ip', '-s', 'addr'],
  'ip-route.txt': ['ip', 'route', 'show', 'table', 'all'],
  'ip6-route.txt': ['ip', '-6', 'route', 'show', 'table', 'all'],
  'ip-rule.txt': ['ip', 'rule'],
  'uname.txt': ['uname', '-a'],
};

/** The box as its own tools show it, for a diagnostics bundle. */
export function openHostView(engineLogFile: string | undefined): HostView {
  return {
    observe: async () => {
      const entries = await Promise.all(
        Object.entries(COMMANDS).map(async ([name, command]) => [name, await outputOf(command)] as const),
      );
      const engineLog = engineLogFile === undefined ? {} : { 'engine.log': tailOf(engineLogFile) };
      return { ...Object.fromEntries(entries), ...engineLog };
    },
    lines: async () => observeLines(),
  };
}

function outputOf([program, ...args]: readonly [string, ...string[]]): Promise<string> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
      resolve(error ? `${stdout}${stderr}\n${program}: ${error.message}\n` : stdout);
    });
  });
}

function tailOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(-MAX_LOG_TAIL);
  } catch (error) {
    return `${(error as Error).message}\n`;
  }
}
