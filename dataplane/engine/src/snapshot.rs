//! From what packet thread and kernel say to what the daemon is told.

use std::net::IpAddr;
use std::time::Duration;

use quicether_host::RouteOutcome;
use quicether_runtime::{PathView, PeerPhase, PeerView, PendingView, RuntimeCounters, RuntimeEvent, RuntimeSnapshot};

use crate::desired::Parsed;
use crate::messages::{Counters, Event, PathStatus, PeerState, PeerStatus, PendingPeer, RouteStatus, Snapshot};

/// What only the control thread knows.
pub struct Frame<'a> {
    /// The state in force.
    pub parsed: Option<&'a Parsed>,
    /// Since the engine started.
    pub uptime: Duration,
    /// Until the lease runs out.
    pub lease_remaining: Duration,
    /// Events dropped on the way to the daemon.
    pub dropped_events: u64,
    /// Outcomes in the order of the state's routes.
    pub routes: &'a [RouteOutcome],
    /// Interface that has a local address.
    pub interface_of: &'a dyn Fn(IpAddr) -> Option<String>,
}

/// Everything, as the daemon reads it.
pub fn assemble(runtime: RuntimeSnapshot, frame: &Frame<'_>) -> Snapshot {
    Snapshot {
        generation: frame.parsed.map_or(0, |parsed| parsed.generation),
        uptime_ms: ms(frame.uptime),
        lease_remaining_ms: ms(frame.lease_remaining),
        tun_name: runtime.tun_name,
        listen: runtime.listen.iter().map(ToString::to_string).collect(),
        peers: runtime.peers.into_iter().map(|peer| peer_status(peer, frame.interface_of)).collect(),
        pending: runtime.pending.into_iter().map(pending_peer).collect(),
        routes: route_statuses(frame.parsed, frame.routes),
        counters: counters(&runtime.counters, frame.dropped_events),
    }
}

fn route_statuses(parsed: Option<&Parsed>, outcomes: &[RouteOutcome]) -> Vec<RouteStatus> {
    let Some(parsed) = parsed else { return Vec::new() };
    let told = parsed.routes.iter().enumerate().map(|(i, (prefix, node))| {
        let outcome = outcomes.get(i).filter(|outcome| outcome.prefix == *prefix);
        RouteStatus {
            destination: prefix.to_string(),
            node_id: node.to_string(),
            installed: outcome.is_some_and(|outcome| outcome.installed),
            problem: outcome.and_then(|outcome| outcome.problem.clone()),
        }
    });
    told.collect()
}

fn peer_status(peer: PeerView, interface_of: &dyn Fn(IpAddr) -> Option<String>) -> PeerStatus {
    PeerStatus {
        node_id: peer.node.to_string(),
        name: peer.name,
        state: match peer.phase {
            PeerPhase::Down => PeerState::Down,
            PeerPhase::WaitingForPeer => PeerState::WaitingForPeer,
            PeerPhase::Up => PeerState::Up,
        },
        problem: peer.problem,
        claimed_addresses: peer.claimed.iter().map(ToString::to_string).collect(),
        connected_ms: ms(peer.connected),
        sent_bytes: peer.traffic.sent_bytes,
        received_bytes: peer.traffic.received_bytes,
        sent_packets: peer.traffic.sent_packets,
        received_packets: peer.traffic.received_packets,
        queue_bytes: peer.queue_bytes,
        queue_drops: peer.traffic.queue_drops,
        queue_marks: peer.traffic.queue_marks,
        paths: peer.paths.into_iter().map(|path| path_status(&path, interface_of)).collect(),
    }
}

fn path_status(path: &PathView, interface_of: &dyn Fn(IpAddr) -> Option<String>) -> PathStatus {
    PathStatus {
        interface: interface_of(path.local.ip()).unwrap_or_default(),
        local: path.local.to_string(),
        remote: path.remote.to_string(),
        rtt_us: us(path.rtt),
        min_rtt_us: us(path.min_rtt),
        sent_packets: path.sent_packets,
        lost_packets: path.lost_packets,
        window_bytes: path.window_bytes,
        mtu: path.mtu,
        silent_ms: ms(path.silent),
    }
}

fn pending_peer(pending: PendingView) -> PendingPeer {
    PendingPeer {
        node_id: pending.node.to_string(),
        name: pending.name,
        address: pending.address.to_string(),
        claimed_addresses: pending.claimed.iter().map(ToString::to_string).collect(),
        accepted_there: pending.accepted_there,
        since_ms: ms(pending.since),
    }
}

fn counters(runtime: &RuntimeCounters, dropped_here: u64) -> Counters {
    Counters {
        handshakes: runtime.handshakes,
        failed_handshakes: runtime.failed_handshakes,
        wrong_key: runtime.wrong_key,
        silenced: runtime.silenced,
        replayed: runtime.replayed,
        wrong_version: runtime.wrong_version,
        refused: runtime.refused,
        no_route: runtime.no_route,
        peer_down: runtime.peer_down,
        denied: runtime.denied,
        malformed: runtime.malformed,
        bad_cells: runtime.bad_cells,
        tun_write_errors: runtime.tun_write_errors,
        holes: runtime.holes,
        icmp_sent: runtime.icmp_sent,
        dropped_events: runtime.dropped_events + dropped_here,
    }
}

/// An event of the packet thread as the daemon reads it.
pub fn event(event: RuntimeEvent) -> Event {
    match event {
        RuntimeEvent::PeerUp { node, address } => {
            Event::PeerUp { node_id: node.to_string(), address: address.to_string() }
        }
        RuntimeEvent::PeerDown { node, reason, traffic, duration } => Event::PeerDown {
            node_id: node.to_string(),
            reason,
            sent_bytes: traffic.sent_bytes,
            received_bytes: traffic.received_bytes,
            duration_ms: ms(duration),
        },
        RuntimeEvent::PeerPending { node, address } => {
            Event::PeerPending { node_id: node.to_string(), address: address.to_string() }
        }
        RuntimeEvent::PeerMoved { node, address } => {
            Event::PeerMoved { node_id: node.to_string(), address: address.to_string() }
        }
        RuntimeEvent::DialFailed { address, node, reason } => {
            Event::DialFailed { address: address.to_string(), node_id: node.map(|node| node.to_string()), reason }
        }
    }
}

/// Whole milliseconds.
pub fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whole microseconds.
pub fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
