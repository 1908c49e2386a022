import type { Command } from 'commander';
import { type AskFlags, addAskFlags, askDaemon, printJson } from './ask-daemon.ts';
import type { DaemonContext } from './daemon-context.ts';
import { table } from './table.ts';

/** `quicether routes`: where packets for which prefix go. */
export function register(program: Command, context: DaemonContext): void {
  const command = program.command('routes').description('Show where packets for which prefix go');
  addAskFlags(command).action(async (flags: AskFlags) => {
    const found = await askDaemon(context, flags, (client) => client.call('GetRoutes', {}));
    if (!found) return;
    if (flags.json) return printJson(context, found);
    const rows = found.routes.map((route) => [
      route.destination,
      route.next_hop,
      route.type,
      route.problem ?? (route.installed ? 'in use' : 'not installed'),
    ]);
    context.out(table(['DESTINATION', 'NEXT HOP', 'TYPE', 'STATE'], rows));
  });
}
