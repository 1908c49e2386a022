import type { Box, BoxSettings, PeerEntry } from './box.ts';
import { PORT } from './box.ts';
import { until } from './command.ts';
import type { Host } from './host.ts';
import type { Office } from './office.ts';
import { ping } from './traffic.ts';

/** What one office must know of another to reach it: who it is, where, and what lies behind. */
export async function peerEntry(office: Office): Promise<PeerEntry> {
  return {
    id: await office.box.nodeId(),
    // Nobody can dial into a NAT.
    ...(office.nat ? {} : { address: `${office.ipv4}:${PORT}` }),
    prefixes: office.lan?.prefixes ?? [],
  };
}

/** Configures every office as a peer of every other, with pinned NodeIds, and starts all at once. */
export async function startMesh(
  offices: readonly (Office & { readonly title?: string })[],
  settings: Partial<BoxSettings> = {},
): Promise<void> {
  const entries = await Promise.all(offices.map(peerEntry));
  await Promise.all(
    offices.map((office, index) => {
      office.box.configure({
        ...(office.title === undefined ? {} : { name: office.title }),
        forward: office.lan?.prefixes ?? [],
        peers: entries.filter((_, other) => other !== index),
        ...settings,
      });
      return office.lan ? office.box.host.forward() : undefined;
    }),
  );
  await Promise.all(offices.map((office) => office.box.start()));
}

/** Waits until `address` answers pings from `from`; returns for how long. */
export async function untilReachable(from: Host, address: string, timeoutMs = 15_000): Promise<number> {
  const startedMs = performance.now();
  await until(`${from.name} to reach ${address}`, timeoutMs, async () => {
    const { stdout } = await from.outcomeOf(['ping', '-n', '-c', '1', '-W', '1', '-w', '1', address]);
    return / 1 received/.test(stdout) ? true : undefined;
  });
  return performance.now() - startedMs;
}

/** Whether `address` answers none of a few pings. */
export async function isUnreachable(from: Host, address: string, source?: string): Promise<boolean> {
  const pings = await ping(from, address, { count: 4, intervalMs: 100, ...(source === undefined ? {} : { source }) });
  return pings.received === 0;
}

/** Overlay addresses of a box once its peer answers on them. */
export async function overlayOnceUp(box: Box, from: Host): Promise<{ ipv4: string; ipv6: string }> {
  const overlay = await box.overlay();
  await untilReachable(from, overlay.ipv4);
  return overlay;
}
