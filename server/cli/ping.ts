import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { EXIT } from '../core/failures.ts';
import { ok } from '../core/result.ts';
import type { RpcClient } from '../rpc/client.ts';
import { type AskFlags, addAskFlags, askDaemon, printJson } from './ask-daemon.ts';
import type { DaemonContext } from './daemon-context.ts';
import { milliseconds } from './table.ts';
import { visible } from './terminal-text.ts';

const INTERVAL_MS = 1_000;

interface PingFlags extends AskFlags {
  readonly count: number;
  readonly interval: number;
  readonly timeout: number;
}

/** `quicether ping PEER`: round trips through the tunnel to a peer's engine. */
export function register(program: Command, context: DaemonContext): void {
  const command = program
    .command('ping')
    .description("Measure round trips through the tunnel to a peer's engine")
    .argument('<peer>', 'its NodeId, its name, or the last characters of its NodeId')
    .option('-c, --count <n>', 'how many', wholeNumber(1, 100_000), 4)
    .option('-i, --interval <ms>', 'between two, in milliseconds', wholeNumber(10, 60_000), INTERVAL_MS)
    .option('-W, --timeout <ms>', 'given up after this, in milliseconds', wholeNumber(10, 60_000), 5_000);
  addAskFlags(command).action(async (peer: string, flags: PingFlags) => {
    const rtts = await askDaemon(context, flags, (client) => pingRepeatedly(context, client, { peer, flags }));
    if (!rtts) return;
    report(context, rtts, flags);
  });
}

function report(context: DaemonContext, rtts: readonly (number | undefined)[], flags: PingFlags): void {
  const seen = rtts.filter((rtt) => rtt !== undefined).toSorted((a, b) => a - b);
  const summary = {
    sent: rtts.length,
    received: seen.length,
    min_ms: seen[0] ?? null,
    avg_ms: seen.length > 0 ? seen.reduce((sum, rtt) => sum + rtt, 0) / seen.length : null,
    max_ms: seen.at(-1) ?? null,
  };
  if (flags.json) printJson(context, { ...summary, rtts_ms: rtts.map((rtt) => rtt ?? null) });
  else
    context.out(
      `${summary.received} of ${summary.sent} answered; min ${milliseconds(summary.min_ms)}, average ${milliseconds(summary.avg_ms)}, max ${milliseconds(summary.max_ms)}`,
    );
  if (seen.length === 0) context.exit(EXIT.error);
}

async function pingRepeatedly(
  context: DaemonContext,
  client: RpcClient,
  { peer, flags }: { peer: string; flags: PingFlags },
) {
  const rtts: (number | undefined)[] = [];
  for (let i = 0; i < flags.count; i++) {
    if (i > 0) await sleep(flags.interval);
    const answer = await client.call('Ping', { peer, timeout_ms: flags.timeout }, { timeoutMs: flags.timeout + 5_000 });
    // Only a missing answer is a lost ping; that there is no such peer will not change.
    if (!answer.ok && answer.error.code !== 'engine.timeout') return answer;
    rtts.push(answer.ok ? answer.value.rtt_ms : undefined);
    if (!flags.json)
      context.out(answer.ok ? `${visible(peer)}: ${milliseconds(answer.value.rtt_ms)}` : `${visible(peer)}: no answer`);
  }
  return ok(rtts);
}

/** Reads a number in a range, as commander wants it. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
  };
}
