import { writeFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { configFiles } from '../../server/adapters/config-file.ts';
import type { CliContext } from '../../server/cli/context.ts';
import type { ExitStatus } from '../../server/core/failures.ts';
import { nodeIdFromBytes } from '../../server/core/node-id.ts';
import { ok } from '../../server/core/result.ts';
import type { KeyTool } from '../../server/identity/key-tool.ts';
import { openConfigDesk } from '../../server/settings/config-desk.ts';

/** The identity that every key of {@link fakeKeys} gives. */
export const FAKE_NODE_ID = nodeIdFromBytes(new Uint8Array(20).fill(7));

const fakeKeys: KeyTool = {
  make: (keyFile) => {
    writeFileSync(keyFile, 'key', { flag: 'wx' });
    return ok(FAKE_NODE_ID);
  },
  read: () => ok(FAKE_NODE_ID),
};

/** What a run of the command line printed and ended with. */
export interface CliRun {
  readonly out: string;
  readonly err: string;
  readonly exit: ExitStatus;
}

type Register = (program: Command, context: CliContext) => void;

/** Runs commands as the program would, over real files, with output and status in hand. */
export function runCli(
  registers: readonly Register[],
  args: readonly string[],
  world: { readonly env?: Record<string, string>; readonly keys?: KeyTool; readonly cwd?: string } = {},
): CliRun {
  const out: string[] = [];
  const err: string[] = [];
  let exit: ExitStatus = 0;
  const env = world.env ?? {};
  const context: CliContext = {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    env,
    cwd: world.cwd ?? '/',
    isTty: false,
    exit: (status) => {
      if (status > exit) exit = status;
    },
    config: openConfigDesk({ files: configFiles, env, hostName: 'testbox' }),
    keys: world.keys ?? fakeKeys,
  };
  const program = new Command('quicether').exitOverride().configureOutput({ writeErr: (text) => err.push(text) });
  for (const register of registers) register(program, context);
  try {
    program.parse(['node', 'quicether', ...args]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    exit = 2;
  }
  return { out: out.join('\n'), err: err.join('\n'), exit };
}
