import type { DemoOffice } from './build.ts';

/** How one office sees another at this moment. */
export interface Link {
  readonly from: string;
  readonly to: string;
  readonly line: string;
  readonly status: string;
  readonly rttMs: number | null;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Asks every box how it sees the others; one that does not answer says so in its row. */
export async function observeLinks(offices: readonly DemoOffice[]): Promise<Link[]> {
  const ids = new Map<string, string>();
  for (const office of offices) ids.set(await office.box.nodeId(), office.title);
  const links = await Promise.all(
    offices.map(async ({ title, lineName, box }): Promise<Link[]> => {
      const peers = await box.peers().catch(() => undefined);
      const nothing = { rttMs: null, sentBytes: 0, receivedBytes: 0 };
      if (!peers) return [{ from: title, to: '', line: lineName, status: 'its daemon does not answer', ...nothing }];
      return peers.map((peer) => ({
        from: title,
        to: ids.get(peer.node_id) ?? peer.node_id,
        line: lineName,
        status: peer.status,
        rttMs: peer.rtt_ms,
        sentBytes: peer.sent_bytes,
        receivedBytes: peer.received_bytes,
      }));
    }),
  );
  return links.flat();
}

/** The links as a table for a terminal, one line each, with a heading. */
export function renderTable(links: readonly Link[]): string[] {
  const rows = [['from', 'to', 'line', 'state', 'round trip', 'sent', 'received'], ...links.map(renderLink)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** The links in one line, for a log; the same as long as nothing that matters changes. */
export function renderLine(links: readonly Link[]): string {
  return links.map(({ from, to, status }) => `${from}-${to} ${status}`).join(', ');
}

function renderLink({ from, to, line, status, rttMs, sentBytes, receivedBytes }: Link): string[] {
  const rtt = rttMs === null ? '-' : `${rttMs.toFixed(1)} ms`;
  return [from, to, line, status, rtt, renderBytes(sentBytes), renderBytes(receivedBytes)];
}

function renderBytes(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`;
  if (bytes < 10_000_000) return `${(bytes / 1000).toFixed(0)} kB`;
  return `${(bytes / 1_000_000).toFixed(0)} MB`;
}
