import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { type Failure, fail, ok } from '../core/result.ts';
import type { RpcClient } from '../rpc/client.ts';
import { type AskFlags, addAskFlags, printJson, withDaemon } from './ask-daemon.ts';
import { reportFailures } from './config-report.ts';
import type { DaemonContext } from './daemon-context.ts';

/** Draining takes a moment per peer. */
const TIMEOUT_MS = 20_000;

/** `quicether stop`: ends the daemon and the tunnel, and waits until both are gone. */
export function register(program: Command, context: DaemonContext): void {
  const command = program
    .command('stop')
    .description('End the daemon and the tunnel; interface, addresses and routes go')
    .option('--keep-tunnel', 'end only the daemon; the tunnel goes on, and the next daemon takes it over');
  addAskFlags(command).action(async (flags: AskFlags & { keepTunnel?: boolean }) => {
    const stopped = await withDaemon(context, flags, async (client) => {
      const answer = await client.call('Shutdown', { keep_tunnel: flags.keepTunnel === true });
      return answer.ok ? waitForEnd(client) : answer;
    });
    if (!stopped.ok)
      return reportFailures(context, [explain(stopped.error, flags.socket ?? context.defaultSocketPath)], flags);
    if (flags.json) printJson(context, { stopped: true });
    else context.out(flags.keepTunnel ? 'Stopped; the tunnel goes on.' : 'Stopped.');
  });
}

/** Without a daemon the engine may still carry packets: what a kill left behind. */
function explain(failure: Failure, socketPath: string): Failure {
  const engineSocket = join(dirname(socketPath), 'engine.sock');
  if (failure.code !== 'daemon.not-reachable' || !existsSync(engineSocket)) return failure;
  return {
    ...failure,
    message: `${failure.message}; its engine may still carry packets (${engineSocket})`,
    remedy: 'quicether start takes it over, and stop then ends both',
  };
}

/** The daemon closes its connections as the last thing it does. */
async function waitForEnd(client: RpcClient) {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), TIMEOUT_MS);
  });
  const first = await Promise.race([client.closed, late]);
  clearTimeout(timer);
  if (first !== 'late') return ok(true as const);
  return fail('daemon.not-ending', `the daemon has not ended within ${TIMEOUT_MS / 1000} s`, {
    remedy: 'quicether logs says why',
  });
}
