import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import type { Command } from 'commander';
import { EXIT, type ExitStatus, failureLine, surfaceOf } from '../core/failures.ts';
import type { Failure } from '../core/result.ts';
import { socketPath } from './ask-daemon.ts';
import { addSettingsFlags, givenFlags } from './config-flags.ts';
import { plainFailure, reportFailures } from './config-report.ts';
import type { DaemonContext, StartedDaemon } from './daemon-context.ts';
import { wholeNumber } from './ping.ts';

/** The background process has this long to come up. */
const BACKGROUND_TIMEOUT_MS = 30_000;

interface StartFlags {
  readonly config?: string;
  readonly socket?: string;
  readonly engineSocket?: string;
  readonly daemon?: boolean;
  readonly json?: boolean;
  readonly readyFd?: number;
}

/** What the background process says once, about how its start went. */
type Report =
  | { readonly ok: true; readonly pid: number; readonly node_id: string; readonly socket: string }
  | { readonly ok: false; readonly failures: readonly Failure[] };

/** `quicether start [--daemon]`: brings the tunnel up and stays, in front or in the background. */
export function register(program: Command, context: DaemonContext): void {
  const command = program
    .command('start')
    .description('Bring the tunnel up; stays in front unless --daemon is given')
    .option('-c, --config <file>', 'configuration file')
    .option('--socket <path>', "the daemon's socket", socketPath)
    .option('--engine-socket <path>', 'use the engine that somebody else runs there, and never start one', socketPath)
    .option('--daemon', 'go to the background once it is up')
    .option('--json', 'print JSON');
  command.addOption(
    command.createOption('--ready-fd <n>', 'say there how the start went').argParser(wholeNumber(3, 255)).hideHelp(),
  );
  addSettingsFlags(command, context.config);
  command.action((flags: StartFlags) =>
    flags.daemon ? startInBackground(context, flags) : startHere(context, command, flags),
  );
}

/** Signals that come within this of the first are the same one. */
const SAME_SIGNAL_MS = 500;

async function startHere(context: DaemonContext, command: Command, flags: StartFlags): Promise<void> {
  const say = (report: Report): void => {
    if (flags.readyFd === undefined) return;
    writeSync(flags.readyFd, `${JSON.stringify(report)}\n`);
    closeSync(flags.readyFd);
  };
  const refuse = (failures: readonly Failure[]): void => {
    say({ ok: false, failures });
    reportFailures(context, failures, flags);
  };
  const desk = context.config;
  const loaded = desk.load(flags.config, givenFlags(command, desk));
  if (!loaded.ok) return refuse(loaded.error);
  for (const notice of loaded.value.notices) context.err(failureLine(notice));
  let isStopping = false;
  let stoppingSinceMs = 0;
  let daemon: StartedDaemon | undefined;
  const onSignal = (): void => {
    // Somebody who asks twice does not want to wait for goodbyes; one Ctrl-C may come twice, from
    // the terminal and from whoever started us.
    if (isStopping && performance.now() - stoppingSinceMs > SAME_SIGNAL_MS) process.exit(EXIT.error);
    if (isStopping) return;
    isStopping = true;
    stoppingSinceMs = performance.now();
    void daemon?.stop();
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal);
  const started = await context.startDaemon({
    loaded: loaded.value,
    desk,
    socketPath: flags.socket,
    engineSocket: flags.engineSocket,
    isBackground: flags.readyFd !== undefined,
  });
  if (!started.ok) return refuse([started.error]);
  daemon = started.value;
  say({ ok: true, pid: process.pid, node_id: daemon.nodeId, socket: daemon.socketPath });
  if (flags.readyFd === undefined) announce(context, daemon, flags);
  if (isStopping) void daemon.stop();
  const status = await daemon.ended;
  context.exit(status);
  // What is left has nothing to say: timers of a clock, connections of clients that do not go.
  process.exit(status);
}

/** One line for a person; the log goes to standard error. */
function announce(context: DaemonContext, { nodeId, socketPath }: StartedDaemon, flags: StartFlags): void {
  if (flags.json) context.out(JSON.stringify({ pid: process.pid, node_id: nodeId, socket: socketPath }));
  else context.out(`Up: ${nodeId}. Look at it with: quicether status`);
}

async function startInBackground(context: DaemonContext, flags: StartFlags): Promise<void> {
  const words = process.argv.slice(2).filter((word) => word !== '--daemon');
  const child = spawn(process.execPath, [...process.execArgv, context.programPath, ...words, '--ready-fd', '3'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let reported = '';
  child.stdio[2]?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-8_000);
  });
  const report = await new Promise<Report | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), BACKGROUND_TIMEOUT_MS);
    const settle = (): void => {
      clearTimeout(timer);
      resolve(parseReport(reported));
    };
    child.once('error', settle);
    child.once('exit', () => setTimeout(settle, 20));
    child.stdio[3]?.on('data', (chunk: Buffer) => {
      reported += chunk.toString();
      if (reported.includes('\n')) settle();
    });
  });
  const status = tell(context, flags, report, said);
  context.exit(status);
  process.exit(status);
}

function tell(context: DaemonContext, flags: StartFlags, report: Report | undefined, said: string): ExitStatus {
  if (report?.ok) {
    if (flags.json) context.out(JSON.stringify({ pid: report.pid, node_id: report.node_id, socket: report.socket }));
    else context.out(`Up: ${report.node_id} (process ${report.pid}).`);
    return EXIT.ok;
  }
  if (report) {
    if (flags.json) context.out(JSON.stringify({ errors: report.failures.map(plainFailure) }, null, 2));
    else for (const failure of report.failures) context.err(failureLine(failure));
    return report.failures.reduce<ExitStatus>(
      (worst, { code }) => (surfaceOf(code).exit > worst ? surfaceOf(code).exit : worst),
      EXIT.error,
    );
  }
  context.err(said.trim() || 'the daemon did not come up and did not say why');
  return EXIT.error;
}

function parseReport(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return undefined;
  }
}
