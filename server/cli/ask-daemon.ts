import { type Command, InvalidArgumentError } from 'commander';
import type { Result } from '../core/result.ts';
import { RpcClient } from '../rpc/client.ts';
import { reportFailures } from './config-report.ts';
import type { DaemonContext } from './daemon-context.ts';

/** Flags of every verb that asks the daemon. */
export interface AskFlags {
  readonly socket?: string;
  readonly json?: boolean;
}

/** Adds the flags of {@link AskFlags} to a verb. */
export function addAskFlags(command: Command): Command {
  return command.option('--socket <path>', "the daemon's socket", socketPath).option('--json', 'print JSON');
}

/** Reads the path of a socket, as commander wants it. */
export function socketPath(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is the path of a socket.');
  return text;
}

/** Connects, asks, closes; a failure is reported and nothing is returned. */
export async function askDaemon<T>(
  context: DaemonContext,
  flags: AskFlags,
  ask: (client: RpcClient) => Promise<Result<T>>,
): Promise<T | undefined> {
  const result = await withDaemon(context, flags, ask);
  if (result.ok) return result.value;
  reportFailures(context, [result.error], flags);
  return undefined;
}

/** Like {@link askDaemon}, with the failure as a value. */
export async function withDaemon<T>(
  context: DaemonContext,
  flags: AskFlags,
  ask: (client: RpcClient) => Promise<Result<T>>,
): Promise<Result<T>> {
  const client = await RpcClient.connect(flags.socket ?? context.defaultSocketPath, `quicether ${context.version}`);
  if (!client.ok) return client;
  try {
    return await ask(client.value);
  } finally {
    client.value.close();
  }
}

/** JSON as scripts get it. */
export function printJson(context: DaemonContext, value: unknown): void {
  context.out(JSON.stringify(value, null, 2));
}
