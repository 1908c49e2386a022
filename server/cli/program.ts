import { Command, CommanderError } from 'commander';
import { EXIT } from '../core/failures.ts';
import { register as registerAudit } from './audit.ts';
import { register as registerCompletion } from './completion.ts';
import { register as registerConfig } from './config.ts';
import type { DaemonContext } from './daemon-context.ts';
import { register as registerDiag } from './diag.ts';
import { register as registerInit } from './init.ts';
import { register as registerKeygen } from './keygen.ts';
import { register as registerLogs } from './logs.ts';
import { register as registerOffices } from './offices.ts';
import { register as registerPeers } from './peers.ts';
import { register as registerPing } from './ping.ts';
import { register as registerRoutes } from './routes.ts';
import { register as registerSession } from './session.ts';
import { register as registerStart } from './start.ts';
import { register as registerStatus } from './status.ts';
import { register as registerStop } from './stop.ts';
import { register as registerSystem } from './system.ts';
import { register as registerToken } from './token.ts';
import { register as registerTrial } from './trial.ts';
import { register as registerUpdate } from './update.ts';
import { register as registerUser } from './user.ts';
import { register as registerWeb } from './web.ts';

const EXIT_HELP = `
Exit status: 0 done, 1 failed, 2 wrong usage, 3 daemon not reachable, 4 no permission.`;

/** Every verb of the command line. */
export function buildProgram(context: DaemonContext): Command {
  const program = new Command('quicether')
    .description('Joins machines and networks, straight from box to box.')
    .version(context.version, '-V, --version', 'print the release')
    .helpOption('-h, --help', 'print this, or the help of a verb')
    .addHelpText('after', EXIT_HELP)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.out(text.trimEnd()),
      writeErr: (text) => context.err(text.trimEnd()),
    });
  registerStart(program, context);
  registerStop(program, context);
  registerStatus(program, context);
  registerPeers(program, context);
  registerOffices(program, context);
  registerRoutes(program, context);
  registerPing(program, context);
  registerLogs(program, context);
  registerAudit(program, context);
  registerTrial(program, context);
  registerDiag(program, context);
  registerUser(program, context);
  registerToken(program, context);
  registerSession(program, context);
  registerUpdate(program, context);
  registerSystem(program, context);
  registerInit(program, context);
  registerKeygen(program, context);
  registerConfig(program, context);
  registerWeb(program, context);
  registerCompletion(program, context);
  return program;
}

/** Runs one command line; the exit status is set through the context. */
export async function runProgram(argv: readonly string[], context: DaemonContext): Promise<void> {
  const program = buildProgram(context);
  if (argv.length <= 2) {
    context.err(program.helpInformation().trimEnd());
    context.exit(EXIT.usage);
    return;
  }
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are asked for; everything else that commander throws is wrong usage.
    context.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
  }
}
