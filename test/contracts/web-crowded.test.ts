import { connect as connectTcp } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canServe, WebBox } from './web-box.ts';

let box: WebBox;

/** A connection from one of this machine's addresses, after the handshake. */
function come(localAddress: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const plain = connectTcp({ host: '127.0.0.1', port: box.port, localAddress });
    const socket = connect({ socket: plain, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }, () =>
      resolve(socket),
    );
    socket.once('error', reject);
    plain.once('error', reject);
  });
}

describe.skipIf(!canServe)('a door at which a few sources hold all places', () => {
  beforeAll(async () => {
    box = await new WebBox().start({ limits: { connections: 16, ofOneSource: 8 } });
  });
  afterAll(() => box.stop());

  test('opens for another one, and who holds most gives up the oldest', async () => {
    const first = await come('127.0.0.2');
    const held = [first];
    for (let i = 0; i < 7; i++) held.push(await come('127.0.0.2'));
    for (let i = 0; i < 8; i++) held.push(await come('127.0.0.3'));
    const closed = new Promise((resolve) => first.once('close', resolve));
    const owner = await come('127.0.0.4');
    await closed;
    expect(held.filter((socket) => !socket.destroyed && socket.readyState === 'open')).toHaveLength(15);
    owner.write('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
    const answer = await new Promise((resolve) => owner.once('data', (data: Buffer) => resolve(data.toString())));
    expect(answer).toContain('HTTP/1.1 200');
    // Those who share the places already take none from each other.
    await expect(come('127.0.0.3')).rejects.toThrow();
    for (const socket of [...held, owner]) socket.destroy();
  });
});
