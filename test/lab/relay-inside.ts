/*
 * `node relay-inside.ts SOCKET PORT`: whoever connects to the Unix socket SOCKET is joined with TCP
 * PORT of the namespace this runs in.
 */
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net';

/** Joins a connection with another that is made for it; when one ends, both do. */
export function joinSockets(socket: Socket, target: NetConnectOpts): void {
  const other = connect(target);
  for (const [from, to] of [
    [socket, other],
    [other, socket],
  ] as const) {
    from.on('error', () => to.destroy()).on('close', () => to.destroy());
    from.pipe(to);
  }
}

if (process.argv[1] === import.meta.filename) {
  const [path, port] = process.argv.slice(2);
  createServer((socket) => joinSockets(socket, { host: '127.0.0.1', port: Number(port) })).listen({ path });
}
