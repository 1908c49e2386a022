import type { Command } from 'commander';
import { type AskFlags, addAskFlags, askDaemon, printJson } from './ask-daemon.ts';
import type { DaemonContext } from './daemon-context.ts';
import { table } from './table.ts';
import { day } from './user.ts';

/** `quicether session`: who is signed in, and ending that. */
export function register(program: Command, context: DaemonContext): void {
  const session = program.command('session').description('Who is signed in on the pages of this box');
  addAskFlags(session.command('list').description('Show who is signed in, and from where')).action(
    async (flags: AskFlags) => {
      const found = await askDaemon(context, flags, (client) => client.call('GetSessions', {}));
      if (!found) return;
      if (flags.json) return printJson(context, found);
      if (found.sessions.length === 0) return context.out('Nobody is signed in.');
      const rows = found.sessions.map((one) => [
        one.user_name,
        one.source,
        one.surface,
        day(one.started_ms),
        day(one.seen_ms),
        one.session_id,
      ]);
      context.out(table(['NAME', 'FROM', 'BY', 'SINCE', 'LAST SEEN', 'ID'], rows));
    },
  );
  addAskFlags(session.command('end').description('Sign a browser out').argument('<id>', 'its id in the list')).action(
    async (id: string, flags: AskFlags) => {
      const ended = await askDaemon(context, flags, (client) => client.call('EndSession', { session_id: id }));
      if (!ended) return;
      if (flags.json) printJson(context, { ended: id });
      else context.out(`Ended ${id}.`);
    },
  );
}
