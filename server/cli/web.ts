import type { Command } from 'commander';
import { EXIT } from '../core/failures.ts';
import { formatHostPort, type HostPort, parseHostPort } from '../core/host-port.ts';
import { fail, failWith, ok, type Result } from '../core/result.ts';
import { printJson, socketPath } from './ask-daemon.ts';
import { reportFailures } from './config-report.ts';
import type { DaemonContext, WebPlan } from './daemon-context.ts';

interface WebFlags {
  readonly config?: string;
  readonly socket?: string;
  readonly stateDir?: string;
  readonly listen?: readonly string[];
  readonly host?: readonly string[];
  readonly fingerprint?: boolean;
  readonly json?: boolean;
}

/** `quicether web`: serves the pages and REST, and stays; `--fingerprint` says how its certificate is recognised. */
export function register(program: Command, context: DaemonContext): void {
  const many = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text];
  program
    .command('web')
    .description('Serve the pages and REST over HTTPS; asks the daemon for everything and has no rights of its own')
    .option('-c, --config <file>', 'configuration file')
    .option('--socket <path>', "the daemon's socket", socketPath)
    .option('--state-dir <path>', 'where the certificate and its key are kept')
    .option('--listen <host:port>', 'address to serve on; may be repeated', many)
    .option('--host <name>', 'further name that the pages may be asked for under; may be repeated', many)
    .option('--fingerprint', 'print the six words of the certificate and end')
    .option('--json', 'print JSON')
    .action((flags: WebFlags) => (flags.fingerprint ? printFingerprint(context, flags) : serve(context, flags)));
}

async function serve(context: DaemonContext, flags: WebFlags): Promise<void> {
  const plan = readPlan(context, flags);
  if (!plan.ok) return reportFailures(context, plan.error, flags);
  const started = await context.startWeb(plan.value);
  if (!started.ok) return reportFailures(context, [started.error], flags);
  const { addresses, words } = started.value;
  if (flags.json) context.out(JSON.stringify({ addresses: addresses.map(formatHostPort), words }));
  else
    context.out(
      `Pages on ${addresses.map((one) => `https://${formatHostPort(one)}`).join(' and ')}. Words: ${words.join(' ')}`,
    );
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  started.value.close();
  // What is left has nothing to say: browsers that do not go.
  process.exit(EXIT.ok);
}

async function printFingerprint(context: DaemonContext, flags: WebFlags): Promise<void> {
  const plan = readPlan(context, flags);
  if (!plan.ok) return reportFailures(context, plan.error, flags);
  const found = await context.webFingerprint(plan.value.stateDir);
  if (!found.ok) return reportFailures(context, [found.error], flags);
  const { words, fingerprint } = found.value;
  if (flags.json) printJson(context, { words, sha256: fingerprint });
  else context.out(words.join(' '));
}

/** Configuration, then flags; what a flag says replaces the whole value. */
function readPlan(context: DaemonContext, flags: WebFlags): Result<WebPlan, Parameters<typeof reportFailures>[1]> {
  const loaded = context.config.load(flags.config);
  if (!loaded.ok) return loaded;
  const { web, monitoring } = loaded.value.settings;
  const listen = readListen(flags.listen);
  if (!listen.ok) return failWith([listen.error]);
  const stateDir = flags.stateDir ?? web.stateDir;
  if (!stateDir.startsWith('/')) {
    return failWith([fail('usage.flag', `--state-dir: "${stateDir}" is not an absolute path`).error]);
  }
  return ok({
    listen: listen.value ?? web.listen,
    hosts: [...web.hosts, ...(flags.host ?? [])],
    stateDir,
    socketPath: flags.socket ?? context.defaultSocketPath,
    logLevel: monitoring.logLevel,
  });
}

function readListen(texts: readonly string[] | undefined): Result<readonly HostPort[] | undefined> {
  if (!texts) return ok(undefined);
  const addresses: HostPort[] = [];
  for (const text of texts) {
    const parsed = parseHostPort(text, { addressOnly: true, allowZero: true });
    if (!parsed.ok) return fail('usage.flag', `--listen: ${parsed.error.message}`);
    addresses.push(parsed.value);
  }
  return ok(addresses);
}
