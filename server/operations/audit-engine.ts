import type { Event } from '../adapters/engine-messages.ts';
import type { AuditEvent, AuditFacts } from '../audit/event.ts';
import { parseHostPort } from '../core/host-port.ts';

export interface Named {
  /** NodeId of this box. */
  readonly self: string;
  /** What a box is called here; undefined when nobody gave it a name. */
  readonly nameOf: (nodeId: string) => string | undefined;
}

/** What the audit keeps of an event of the engine; undefined for what is only of use in the log. */
export function auditEngineEvent(event: Event, { self, nameOf }: Named): AuditEvent | undefined {
  const shown = (nodeId: string): string => {
    const name = nameOf(nodeId);
    return name ? `${name} (${nodeId})` : nodeId;
  };
  const made = (name: string, detail: string, facts?: AuditFacts): AuditEvent => ({
    event: name,
    who: 'box',
    source: '',
    surface: 'box',
    outcome: 'done',
    detail,
    ...(facts ? { facts } : {}),
  });
  switch (event.kind) {
    case 'peer_up':
      return made('peer.up', `${shown(event.node_id)} is connected at ${event.address}`, {
        src_node: self,
        dest_node: event.node_id,
        ...hostOf(event.address),
        protocol: 'quic',
      });
    case 'peer_down': {
      const { node_id, reason, sent_bytes, received_bytes, duration_ms } = event;
      return made('peer.down', `${shown(node_id)} is not connected any more: ${reason}`, {
        src_node: self,
        dest_node: node_id,
        protocol: 'quic',
        bytes_sent: sent_bytes,
        bytes_recv: received_bytes,
        duration_ms,
      });
    }
    case 'peer_moved':
      return made('peer.moved', `${shown(event.node_id)} is now at ${event.address}`, {
        dest_node: event.node_id,
        ...hostOf(event.address),
      });
    case 'peer_pending':
      return made('peer.pending', `${event.node_id} at ${event.address} waits to be accepted`, {
        src_node: event.node_id,
        dest_node: self,
        ...(parseHostPort(event.address).ok ? { src_ip: hostOf(event.address).dest_ip ?? '' } : {}),
      });
    case 'repaired':
      return made('engine.repaired', `somebody had changed it, and it was put right: ${event.what}`);
    case 'lease_expired':
      return made('engine.lease-expired', 'the engine had no daemon for 15 minutes and accepted nothing new');
    case 'dial_failed':
      return undefined;
  }
}

function hostOf(address: string): { readonly dest_ip?: string } {
  const parsed = parseHostPort(address);
  return parsed.ok ? { dest_ip: parsed.value.host } : {};
}
