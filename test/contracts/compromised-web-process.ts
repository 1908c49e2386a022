/**
 * What somebody does who has taken over the web process: run as its user, told what it sees.
 *
 * Prints what each attempt came to, as JSON. Started by compromised-web.test.ts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { OPERATIONS } from '../../server/operations/all.ts';
import type { Operation } from '../../server/operations/operation.ts';
import { type CallOptions, RpcClient } from '../../server/rpc/client.ts';
import type { MethodName } from '../../server/rpc/methods.ts';

const [socketPath = '', stateDir = '', session = ''] = process.argv.slice(2);
const all: readonly Operation[] = OPERATIONS;

/** The code that each operation answered with, for who says this. */
async function tryAll(client: string, front: boolean, options: CallOptions): Promise<Record<string, string>> {
  const connected = await RpcClient.connect(socketPath, client, { front });
  if (!connected.ok) return { connect: connected.error.code };
  const codes: Record<string, string> = {};
  for (const { method, audit } of all) {
    // What it may do for who is signed in is not the question, and would change the box under the test.
    if (options.onBehalf?.session && audit !== null && isOpenTo(method)) continue;
    const answer = await connected.value.call(method as MethodName, {} as never, { ...options, timeoutMs: 5_000 });
    codes[method] = answer.ok ? 'ok' : answer.error.code;
  }
  connected.value.close();
  return codes;
}

function isOpenTo(method: string): boolean {
  const found = all.find((one) => one.method === method);
  return !found?.needsPassword && !found?.onlyLocal && found?.omitted.page === undefined;
}

function attempt(work: () => unknown): string {
  try {
    work();
    return 'ok';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'failed';
  }
}

const engine = await new Promise<string>((resolve) => {
  const opened = connect({ path: join(stateDir, 'engine.sock') });
  opened.once('connect', () => resolve('ok'));
  opened.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'failed'));
});
const onBehalf = { session, source: '127.0.0.1', surface: 'page' } as const;
process.stdout.write(
  JSON.stringify({
    asItself: await tryAll('quicether 9.9.9', false, {}),
    asFront: await tryAll('web', true, {}),
    asLocalFor: await tryAll('quicether 9.9.9', false, { onBehalf: { ...onBehalf, session: 'made-up' } }),
    forOwner: await tryAll('web', true, { onBehalf }),
    files: Object.fromEntries(
      ['node.key', 'box.db', 'audit.json', 'peers.json'].map((name) => [
        name,
        attempt(() => readFileSync(join(stateDir, name))),
      ]),
    ),
    folder: attempt(() => readdirSync(stateDir)),
    engine,
  }),
);
process.exit(0);
