import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './command.ts';
import type { Host } from './host.ts';
import { joinSockets } from './relay-inside.ts';

const INSIDE = fileURLToPath(new URL('./relay-inside.ts', import.meta.url));

/**
 * Makes a port of a host of the lab reachable from this machine, on a loopback address.
 *
 * A Unix socket leads into the namespace: the machine's own network is left as it is.
 */
export async function relayFromLoopback(host: Host, loopback: string, port: number): Promise<Server> {
  const path = join(host.directory, `relay-${port}.sock`);
  const inside = host.start('relay', [process.execPath, INSIDE, path, String(port)]);
  const server = createServer((socket) => joinSockets(socket, { path }));
  await until(`the relay into ${host.name}`, 10_000, async () => {
    if (inside.hasEnded()) throw new Error(`it ended, see ${inside.logFile}`);
    return existsSync(path) ? true : undefined;
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: loopback, port }, resolve);
  });
  // It ends with the lab and must not keep it.
  server.unref();
  return server;
}
