import { expect, test } from 'vitest';
import { auditEngineEvent } from './audit-engine.ts';
import { boxId } from './simulated-world.ts';

const york = boxId(1);
const named = { self: boxId(0), nameOf: (id: string) => (id === york ? 'York' : undefined) };

test('a peer that comes and goes is kept with the published fields', () => {
  expect(auditEngineEvent({ kind: 'peer_up', node_id: york, address: '[2001:db8::1]:9000' }, named)).toMatchObject({
    event: 'peer.up',
    outcome: 'done',
    detail: `York (${york}) is connected at [2001:db8::1]:9000`,
    facts: { src_node: boxId(0), dest_node: york, dest_ip: '2001:db8::1', protocol: 'quic' },
  });
  const traffic = { sent_bytes: 5, received_bytes: 7, duration_ms: 61_000 };
  expect(
    auditEngineEvent({ kind: 'peer_down', node_id: boxId(2), reason: 'stopping', ...traffic }, named),
  ).toMatchObject({
    event: 'peer.down',
    detail: `${boxId(2)} is not connected any more: stopping`,
    facts: { bytes_sent: 5, bytes_recv: 7, duration_ms: 61_000 },
  });
});

test('a stranger is the source; dialling that fails again and again is none of it', () => {
  expect(auditEngineEvent({ kind: 'peer_pending', node_id: boxId(3), address: '192.0.2.3:9000' }, named)).toMatchObject(
    {
      facts: { src_node: boxId(3), dest_node: boxId(0), src_ip: '192.0.2.3' },
    },
  );
  expect(auditEngineEvent({ kind: 'dial_failed', node_id: null, address: 'x', reason: 'y' }, named)).toBeUndefined();
});
