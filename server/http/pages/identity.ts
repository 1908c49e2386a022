import { networkInterfaces } from 'node:os';
import { fingerprintWords } from '../certificate.ts';
import type { Ask } from '../front.ts';
import { orElse } from './asking.ts';

const MOST_ADDRESSES = 8;
const USUAL_PORT = '9000';

/** An identity as six words, for two people on the telephone. */
export function wordsOf(nodeId: string | null): readonly string[] {
  return nodeId === null ? [] : fingerprintWords(Buffer.from(nodeId));
}

/** Where other boxes might reach this one: the addresses of its lines, with the port of the tunnel. */
export async function ownAddresses(ask: Ask): Promise<readonly string[]> {
  const [{ lines }, { listen }] = await Promise.all([
    orElse(ask('GetLines', {}), { lines: [] }),
    orElse(ask('GetStatus', {}), { listen: [] }),
  ]);
  const port = /:(\d+)$/.exec(listen[0] ?? '')?.[1] ?? USUAL_PORT;
  const known = lines.flatMap(({ addresses }) => addresses);
  const reachable = (known.length > 0 ? known : machineAddresses()).filter(
    (address) => !/^(?:127\.|::1$|fe80:|169\.254\.)/i.test(address),
  );
  return [...new Set(reachable)]
    .slice(0, MOST_ADDRESSES)
    .map((address) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`));
}

/** Without a way to the internet there are no lines, but boxes may still reach each other. */
function machineAddresses(): readonly string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    name.startsWith('quicether')
      ? []
      : (addresses ?? []).filter(({ internal }) => !internal).map(({ address }) => address),
  );
}
