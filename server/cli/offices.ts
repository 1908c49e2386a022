import type { Command } from 'commander';
import type { ResultOf } from '../rpc/methods.ts';
import { type AskFlags, addAskFlags, askDaemon, printJson } from './ask-daemon.ts';
import type { DaemonContext } from './daemon-context.ts';
import { bytes, milliseconds, table } from './table.ts';
import { visible } from './terminal-text.ts';

type Offices = ResultOf<'GetOffices'>;
type Office = ResultOf<'GetOffice'>;

/** `quicether offices [PEER]` and `quicether lines`: is it working? */
export function register(program: Command, context: DaemonContext): void {
  addAskFlags(
    program
      .command('offices')
      .description('Say whether each office works, by a probe through the tunnel and back')
      .argument('[peer]', 'one of them: its NodeId, its name, or the last characters of its NodeId'),
  ).action(async (peer: string | undefined, flags: AskFlags) => {
    if (peer === undefined) {
      const found = await askDaemon(context, flags, (client) => client.call('GetOffices', {}));
      if (found) flags.json ? printJson(context, found) : context.out(describeAll(found));
      return;
    }
    const office = await askDaemon(context, flags, (client) => client.call('GetOffice', { peer }));
    if (office) flags.json ? printJson(context, office) : context.out(describeOne(office));
  });
  addAskFlags(program.command('lines').description('Show the internet lines of this box')).action(
    async (flags: AskFlags) => {
      const found = await askDaemon(context, flags, (client) => client.call('GetLines', {}));
      if (!found) return;
      if (flags.json) return printJson(context, found);
      const rows = found.lines.map(({ interface: name, addresses, state, rtt_ms, loss_ratio, offices }) => [
        name,
        addresses.join(' ') || '-',
        state,
        milliseconds(rtt_ms),
        percent(loss_ratio),
        String(offices),
      ]);
      context.out(
        rows.length > 0 ? table(['LINE', 'ADDRESSES', 'STATE', 'RTT', 'LOSS', 'OFFICES'], rows) : 'No line is known.',
      );
    },
  );
}

function describeAll({ offices, pending, sought }: Offices): string {
  const parts: string[] = [];
  if (offices.length > 0) {
    const rows = offices.map((one) => [
      one.name || '-',
      `…${one.node_id.slice(-6)}`,
      one.state,
      milliseconds(one.rtt_ms),
      one.problem ?? '-',
    ]);
    parts.push(table(['OFFICE', 'ID', 'STATE', 'RTT', 'PROBLEM'], rows));
  }
  for (const { node_id, name, address } of pending) {
    parts.push(visible(`Waits to be accepted: ${name || '-'} at ${address}: quicether peers accept ${node_id}`, 400));
  }
  for (const { address, name, problem } of sought) {
    parts.push(visible(`Looked for: ${name ?? '-'} at ${address}${problem ? `: ${problem}` : ''}`, 400));
  }
  return parts.length > 0 ? parts.join('\n') : 'No offices yet. Add one with: quicether peers add ADDRESS --id ID';
}

function describeOne(office: Office): string {
  const { name, node_id, state, problem, remedy, sent_bytes, received_bytes } = office;
  const lines = [
    visible(`${name || '-'} ${node_id}: ${state}${problem ? `: ${problem}` : ''}${remedy ? ` (${remedy})` : ''}`, 600),
  ];
  lines.push(`sent ${bytes(sent_bytes)}, received ${bytes(received_bytes)}`);
  const rows = office.path_list.map((path) => [
    path.interface || '-',
    path.local,
    path.remote,
    milliseconds(path.rtt_ms),
    percent(path.loss_ratio),
    path.state,
  ]);
  if (rows.length > 0) lines.push(table(['LINE', 'HERE', 'THERE', 'RTT', 'LOSS', 'STATE'], rows));
  for (const { ts_ms, detail } of office.events) lines.push(visible(`${new Date(ts_ms).toISOString()} ${detail}`, 400));
  return lines.join('\n');
}

function percent(ratio: number | null): string {
  return ratio === null ? '-' : `${(100 * ratio).toFixed(1)} %`;
}
