import type { Command } from 'commander';
import { fail, ok, type Result } from '../core/result.ts';
import type { RpcClient } from '../rpc/client.ts';
import type { ResultOf } from '../rpc/methods.ts';
import { type AskFlags, addAskFlags, askDaemon, printJson } from './ask-daemon.ts';
import type { DaemonContext } from './daemon-context.ts';
import { visible } from './terminal-text.ts';

type Trial = ResultOf<'TryListen'>;

interface Settled {
  readonly trial_id: string;
}

/** `quicether trial`, `trial listen ADDRESS...`, `trial confirm`, `trial revert`: changes that undo themselves. */
export function register(program: Command, context: DaemonContext): void {
  const trial = program.command('trial').description('Change what could cut you off; it is undone unless you confirm');
  addAskFlags(trial).action(async (flags: AskFlags) => {
    const found = await askDaemon(context, flags, (client) => client.call('GetTrial', {}));
    if (!found) return;
    if (flags.json) printJson(context, found);
    else context.out(found.trial ? describe(found.trial) : 'Nothing is on trial.');
  });
  addAskFlags(
    trial
      .command('listen')
      .description('Let the tunnel listen there, for a minute; for good with: quicether trial confirm')
      .argument('<address...>', 'address:port, as in 0.0.0.0:9000 or [::]:9000'),
  ).action(async (addresses: string[], _: unknown, command: Command) => {
    const flags = command.optsWithGlobals<AskFlags>();
    const begun = await askDaemon(context, flags, (client) => client.call('TryListen', { addresses }));
    if (!begun) return;
    if (flags.json) printJson(context, begun);
    else context.out(`${describe(begun)}\nKeep it with: quicether trial confirm`);
  });
  for (const [verb, method, said] of [
    ['confirm', 'ConfirmTrial', 'Confirmed: it stays.'],
    ['revert', 'RevertTrial', 'Taken back.'],
  ] as const) {
    const description =
      verb === 'confirm' ? 'Keep the change that is on trial' : 'Take the change that is on trial back';
    addAskFlags(trial.command(verb).description(description)).action(async (_: unknown, command: Command) => {
      const flags = command.optsWithGlobals<AskFlags>();
      const done = await askDaemon(context, flags, (client) => settle(client, method));
      if (!done) return;
      if (flags.json) printJson(context, done);
      else context.out(said);
    });
  }
}

async function settle(client: RpcClient, method: 'ConfirmTrial' | 'RevertTrial'): Promise<Result<Settled>> {
  const found = await client.call('GetTrial', {});
  if (!found.ok) return found;
  const { trial } = found.value;
  if (!trial) {
    return fail('trial.over', 'nothing is on trial: it was confirmed or undone', { remedy: 'see quicether status' });
  }
  const settled = await client.call(method, { trial_id: trial.trial_id });
  return settled.ok ? ok({ trial_id: trial.trial_id }) : settled;
}

function describe({ what, who, until_ms }: Trial): string {
  const seconds = Math.max(0, Math.round((until_ms - Date.now()) / 1000));
  return visible(`On trial by ${who}: ${what}; undone in ${seconds} s unless ${who} confirms.`, 1_000);
}
