import type { Command } from 'commander';
import type { ResultOf } from '../rpc/methods.ts';
import { type AskFlags, addAskFlags, askDaemon, printJson } from './ask-daemon.ts';
import type { DaemonContext } from './daemon-context.ts';
import { bytes, milliseconds, table } from './table.ts';
import { visible } from './terminal-text.ts';

/** `quicether peers`, `peers add ADDRESS`, `peers accept ID`, `peers remove PEER`. */
export function register(program: Command, context: DaemonContext): void {
  const peers = program.command('peers').description('Show the other boxes; accept or remove one');
  addAskFlags(peers).action(async (flags: AskFlags) => {
    const found = await askDaemon(context, flags, (client) => client.call('GetPeers', {}));
    if (!found) return;
    if (flags.json) printJson(context, found);
    else context.out(describe(found.peers));
  });
  addAskFlags(
    peers
      .command('add')
      .description('Add another box by its address; with its NodeId it is accepted, without it waits to be')
      .argument('<address>', 'host:port, as in office.example.org:9000')
      .option('--id <id>', 'its whole NodeId, qe1...')
      .option('--name <name>', 'what it is called here'),
  ).action(async (address: string, _: unknown, command: Command) => {
    const flags = command.optsWithGlobals<AskFlags & { id?: string; name?: string }>();
    const params = {
      address,
      ...(flags.id === undefined ? {} : { node_id: flags.id }),
      ...(flags.name === undefined ? {} : { name: flags.name }),
    };
    const added = await askDaemon(context, flags, (client) => client.call('AddPeer', params));
    if (!added) return;
    if (flags.json) printJson(context, added);
    else if (added.node_id !== null)
      context.out(`Added ${added.node_id}. Traffic flows once it has accepted this box too.`);
    else context.out(`Added. When the box at ${visible(address)} answers, it waits in: quicether peers`);
  });
  addAskFlags(
    peers
      .command('accept')
      .description('Let a box send and receive')
      .argument('<id>', 'its whole NodeId, qe1...')
      .option('--name <name>', 'what it is called here'),
  ).action(async (id: string, _: unknown, command: Command) => {
    const flags = command.optsWithGlobals<AskFlags & { name?: string }>();
    const params = { node_id: id, ...(flags.name === undefined ? {} : { name: flags.name }) };
    const accepted = await askDaemon(context, flags, (client) => client.call('AcceptPeer', params));
    if (!accepted) return;
    if (flags.json) printJson(context, accepted);
    else if (accepted.was_accepted) context.out(`${accepted.node_id} was accepted already.`);
    else context.out(`Accepted ${accepted.node_id}. ${WHEN_IT_FLOWS[String(accepted.accepted_there)]}`);
  });
  addAskFlags(
    peers
      .command('remove')
      .description('Take back that a box was accepted')
      .argument('<peer>', 'its NodeId, its name, the last characters of its NodeId, or an address that was added'),
  ).action(async (peer: string, _: unknown, command: Command) => {
    const flags = command.optsWithGlobals<AskFlags>();
    const removed = await askDaemon(context, flags, (client) => client.call('RemovePeer', { peer }));
    if (!removed) return;
    if (flags.json) printJson(context, removed);
    else context.out(`Removed ${removed.node_id ?? visible(peer)}.`);
  });
}

/** By whether the other side has accepted us: true, false, or not known because it is not connected. */
const WHEN_IT_FLOWS: Readonly<Record<string, string>> = {
  true: 'It has accepted this box, too: traffic flows.',
  false: 'Traffic flows once it has accepted this box, too.',
  null: 'It is not connected yet; traffic flows once it is and has accepted this box, too.',
};

type PeerRow = ResultOf<'GetPeers'>['peers'][number];

function describe(peers: readonly PeerRow[]): string {
  if (peers.length === 0)
    return 'No peers yet. Name one with --peer ID@HOST:PORT, or in the configuration as [[peers]]; status tells of addresses that do not answer.';
  const rows = peers.map((peer) => [
    peer.node_id,
    peer.name || '-',
    peer.address ?? '-',
    milliseconds(peer.rtt_ms),
    peer.status,
    peer.overlay_addresses.join(' ') || '-',
    peer.status === 'pending' ? '-' : `${bytes(peer.sent_bytes)} / ${bytes(peer.received_bytes)}`,
  ]);
  const lines = [table(['NODE ID', 'NAME', 'ADDRESS', 'RTT', 'STATUS', 'OVERLAY', 'SENT / RECEIVED'], rows)];
  const troubled = peers.filter((peer) => peer.problem !== null || peer.remedy !== null);
  if (troubled.length > 0) lines.push('');
  for (const { node_id, problem, remedy } of troubled) {
    lines.push(`…${node_id.slice(-6)}: ${visible(problem ?? '', 400)}${remedy ? `\n  do: ${remedy}` : ''}`);
  }
  return lines.join('\n');
}
