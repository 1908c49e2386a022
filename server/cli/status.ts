import type { Command } from 'commander';
import type { ResultOf } from '../rpc/methods.ts';
import { type AskFlags, addAskFlags, askDaemon, printJson } from './ask-daemon.ts';
import type { DaemonContext } from './daemon-context.ts';
import { duration, milliseconds, table } from './table.ts';
import { visible } from './terminal-text.ts';

/** `quicether status`: identity, uptime, tunnel, paths, and what needs attention. */
export function register(program: Command, context: DaemonContext): void {
  const command = program.command('status').description('Show how this box is and what needs attention');
  addAskFlags(command).action(async (flags: AskFlags) => {
    const status = await askDaemon(context, flags, (client) => client.call('GetStatus', {}));
    if (!status) return;
    if (flags.json) printJson(context, status);
    else context.out(describe(status));
  });
}

function describe(status: ResultOf<'GetStatus'>): string {
  const { engine, tun } = status;
  const engineText =
    engine.state === 'running'
      ? `running (${engine.version}, process ${engine.pid}, up ${duration(engine.uptime_sec)})`
      : 'not reachable';
  const pending = status.peers_pending > 0 ? `, ${status.peers_pending} waiting to be accepted (quicether peers)` : '';
  const lines = [
    `NodeId   ${status.node_id}`,
    `Name     ${visible(status.name)}`,
    `Uptime   ${duration(status.uptime_sec)}`,
    `Engine   ${engineText}`,
    `Tunnel   ${tun.name ? `${tun.name} ${tun.addresses.join(' ')}` : 'none'}`,
    `Listens  ${status.listen.join(' ') || 'nowhere'}`,
    `Peers    ${status.peers} of ${status.peers_total} connected${pending}`,
  ];
  if (status.paths.length > 0) {
    const rows = status.paths.map((path) => [
      `…${path.peer.slice(-6)}`,
      path.if || '-',
      path.remote,
      milliseconds(path.rtt_ms),
      path.state,
    ]);
    lines.push('', table(['PEER', 'INTERFACE', 'REMOTE', 'RTT', 'STATE'], rows));
  }
  if (status.problems.length > 0) {
    lines.push('', 'Needs attention:');
    for (const { message, remedy } of status.problems)
      lines.push(`  ${visible(message, 400)}${remedy ? ` (${remedy})` : ''}`);
  }
  return lines.join('\n');
}
