import type { Command } from 'commander';
import { ok, type Result } from '../core/result.ts';
import type { RpcClient } from '../rpc/client.ts';
import { type AskFlags, addAskFlags, askDaemon } from './ask-daemon.ts';
import type { DaemonContext } from './daemon-context.ts';
import { wholeNumber } from './ping.ts';
import { visible } from './terminal-text.ts';

/** The daemon holds the call open for so long when there is nothing new. */
const WAIT_MS = 25_000;
const MAX_LINE_LENGTH = 2_000;

interface LogFlags extends AskFlags {
  readonly follow?: boolean;
  readonly lines: number;
}

/** `quicether logs [-f]`: what the daemon wrote down; with `--json` as it stands in the file. */
export function register(program: Command, context: DaemonContext): void {
  const command = program
    .command('logs')
    .description("Print the daemon's log")
    .option('-f, --follow', 'go on printing what is new')
    .option('-n, --lines <n>', 'how many of the last lines', wholeNumber(1, 2_000), 200);
  addAskFlags(command).action(async (flags: LogFlags) => {
    await askDaemon(context, flags, (client) => print(context, client, flags));
  });
}

async function print(context: DaemonContext, client: RpcClient, flags: LogFlags): Promise<Result<void>> {
  let after = 0;
  for (let isFirst = true; isFirst || flags.follow; isFirst = false) {
    const params = isFirst ? { lines: flags.lines } : { lines: 2_000, after, wait_ms: WAIT_MS };
    const answer = await client.call('GetLogs', params);
    if (!answer.ok) return answer;
    for (const line of answer.value.lines) context.out(flags.json ? line : describe(line));
    after = answer.value.next;
  }
  return ok(undefined);
}

/** `21:04:05.123 INFO  peer accepted node_id=qe1...`; a line that is not ours is printed as it is. */
function describe(line: string): string {
  try {
    const { time, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const rest = Object.entries(fields).map(
      ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
    return visible([time, String(level).toUpperCase().padEnd(5), msg, ...rest].join(' '), MAX_LINE_LENGTH);
  } catch {
    return visible(line, MAX_LINE_LENGTH);
  }
}
