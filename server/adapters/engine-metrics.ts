import { Counter, Gauge, Registry } from 'prom-client';
import type { Result } from '../core/result.ts';
import type { Snapshot } from './engine-messages.ts';
import type { MonitoringPage } from './monitoring.ts';

/** Peers with lines of their own; a gateway with more has the sums only for the rest. */
const MAX_LABELLED_PEERS = 500;

/** `/metrics` from the engine's snapshot, taken anew for each scrape. */
export function metricsPage(version: string, snapshot: () => Promise<Result<Snapshot>>): MonitoringPage {
  const registry = new Registry();
  const metrics = declare(registry);
  metrics.build.set({ version }, 1);
  return {
    path: '/metrics',
    render: async () => {
      const observed = await snapshot();
      metrics.engineUp.set(observed.ok ? 1 : 0);
      if (observed.ok) fill(metrics, observed.value);
      return { status: 200, type: registry.contentType, body: await registry.metrics() };
    },
  };
}

type Metrics = ReturnType<typeof declare>;

function declare(registry: Registry) {
  const registers = [registry];
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name: `quicether_${name}`, help, labelNames, registers });
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter({ name: `quicether_${name}`, help, labelNames, registers });
  return {
    build: gauge('build_info', 'Release of the daemon.', 'version'),
    engineUp: gauge('engine_up', 'Whether the engine answers.'),
    uptime: gauge('engine_uptime_seconds', 'Since the engine started.'),
    lease: gauge('lease_remaining_seconds', 'Until the engine accepts nothing new without its daemon.'),
    active: gauge('connections_active', 'Peers that carry traffic.'),
    pending: gauge('peers_pending', 'Boxes that wait to be accepted.'),
    unlabelled: gauge('peers_without_labels', 'Peers that have no lines of their own here because there are too many.'),
    sentPackets: counter('packets_sent_total', 'Inside packets sent to a peer.', 'peer'),
    receivedPackets: counter('packets_recv_total', 'Inside packets received from a peer.', 'peer'),
    sentBytes: counter('bytes_sent_total', 'Inside bytes sent to a peer.', 'peer'),
    receivedBytes: counter('bytes_recv_total', 'Inside bytes received from a peer.', 'peer'),
    queueBytes: gauge('queue_bytes', 'Waiting for a peer.', 'peer'),
    queueDrops: counter('queue_drops_total', 'Inside packets dropped by the queue of a peer.', 'peer'),
    rtt: gauge('path_rtt_seconds', 'Smoothed round trip of a path.', 'peer', 'interface', 'remote'),
    loss: gauge('path_loss_ratio', 'Share of outer packets lost on a path.', 'peer', 'interface', 'remote'),
    handshakes: counter('handshakes_total', 'Handshakes that ended in a connection.'),
    failedHandshakes: counter('failed_handshakes_total', 'Handshakes that failed.'),
    policyDenies: counter('policy_denies_total', 'Inside packets dropped because they are not allowed.'),
    dhtTimeouts: counter('dht_timeouts_total', 'Discovery calls without an answer.'),
    drops: counter('packets_dropped_total', 'Inside packets dropped, by reason.', 'reason'),
    silenced: counter('silenced_datagrams_total', 'Datagrams of strangers, left unanswered.'),
    refused: counter('connections_refused_total', 'Connections refused because of a limit.'),
    droppedEvents: counter('dropped_events_total', 'Events of the engine that the daemon did not read.'),
  };
}

function fill(metrics: Metrics, snapshot: Snapshot): void {
  const { counters, peers } = snapshot;
  // Sums come from the engine as they are: each scrape replaces the whole, so that peers that went are gone.
  for (const metric of Object.values(metrics))
    if (metric !== metrics.build && metric !== metrics.engineUp) metric.reset();
  metrics.uptime.set(snapshot.uptime_ms / 1000);
  metrics.lease.set(snapshot.lease_remaining_ms / 1000);
  metrics.active.set(peers.filter((peer) => peer.state === 'up').length);
  metrics.pending.set(snapshot.pending.length);
  metrics.unlabelled.set(Math.max(0, peers.length - MAX_LABELLED_PEERS));
  metrics.handshakes.inc(counters.handshakes);
  metrics.failedHandshakes.inc(counters.failed_handshakes);
  metrics.policyDenies.inc(counters.denied);
  metrics.silenced.inc(counters.silenced);
  metrics.refused.inc(counters.refused);
  metrics.droppedEvents.inc(counters.dropped_events);
  for (const reason of ['no_route', 'peer_down', 'malformed', 'bad_cells', 'tun_write_errors'] as const) {
    metrics.drops.inc({ reason }, counters[reason]);
  }
  for (const peer of peers.slice(0, MAX_LABELLED_PEERS)) fillPeer(metrics, peer);
}

function fillPeer(metrics: Metrics, peer: Snapshot['peers'][number]): void {
  const labels = { peer: peer.node_id };
  metrics.sentPackets.inc(labels, peer.sent_packets);
  metrics.receivedPackets.inc(labels, peer.received_packets);
  metrics.sentBytes.inc(labels, peer.sent_bytes);
  metrics.receivedBytes.inc(labels, peer.received_bytes);
  metrics.queueBytes.set(labels, peer.queue_bytes);
  metrics.queueDrops.inc(labels, peer.queue_drops);
  for (const path of peer.paths.slice(0, 16)) {
    const where = { ...labels, interface: path.interface, remote: path.remote };
    metrics.rtt.set(where, path.rtt_us / 1e6);
    metrics.loss.set(where, path.sent_packets > 0 ? path.lost_packets / path.sent_packets : 0);
  }
}
