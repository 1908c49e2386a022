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

#[cfg(test)]
mod tests {
    use quicether_core::{NodeId, Prefix};
    use quicether_runtime::{State, Traffic, TunState};

    use super::*;
    use crate::messages::{Answer, MAX_LINE_LEN, Message};

    fn peer(number: u32) -> PeerView {
        let mut id = [0xab; 20];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let far = Duration::from_secs(4_000_000);
        let traffic = Traffic {
            sent_bytes: u64::MAX >> 12,
            received_bytes: u64::MAX >> 12,
            sent_packets: u64::MAX >> 20,
            received_packets: u64::MAX >> 20,
            queue_drops: 1 << 30,
            queue_marks: 1 << 30,
        };
        let path = PathView {
            local: "[2001:db8:1111:2222:3333:4444:5555:6666]:65535".parse().unwrap(),
            remote: "[2001:db8:1111:2222:3333:4444:5555:7777]:65535".parse().unwrap(),
            rtt: Duration::from_millis(300),
            min_rtt: Duration::from_millis(200),
            sent_packets: 1 << 40,
            lost_packets: 1 << 30,
            window_bytes: 1 << 28,
            mtu: 1472,
            silent: far,
        };
        PeerView {
            node: NodeId(id),
            name: "an office with a rather long name in a town".into(),
            phase: PeerPhase::Up,
            problem: None,
            claimed: vec!["100.64.111.222".parse().unwrap(), "fd71:6574:6872::1111:2222:3333:4444".parse().unwrap()],
            connected: far,
            traffic,
            queue_bytes: 1 << 22,
            paths: vec![path],
        }
    }

    fn parsed(peers: &[PeerView]) -> Parsed {
        let prefixes = |peer: &PeerView| peer.claimed.iter().map(|a| Prefix::host(*a)).collect::<Vec<_>>();
        Parsed {
            generation: 7,
            runtime: State {
                name: String::new(),
                tun: TunState { name: "quicether0".into(), mtu: 1500 },
                listen: vec![],
                answer_strangers: false,
                peers: vec![],
                dial: vec![],
                local: vec![],
                claimed: vec![],
                max_connections: 1,
                cpu_affinity: vec![],
            },
            addresses: vec![],
            local_prefixes: vec![],
            routes: peers
                .iter()
                .flat_map(|peer| prefixes(peer).into_iter().map(|prefix| (prefix, peer.node)))
                .collect(),
            outer: vec![],
            forward: false,
        }
    }

    fn frame<'a>(parsed: &'a Parsed, routes: &'a [RouteOutcome]) -> Frame<'a> {
        Frame {
            parsed: Some(parsed),
            uptime: Duration::from_millis(1500),
            lease_remaining: Duration::ZERO,
            dropped_events: 3,
            routes,
            interface_of: &|_| Some("eth0".into()),
        }
    }

    #[test]
    fn ten_thousand_peers_fit_a_line() {
        let peers: Vec<PeerView> = (0..10_000).map(peer).collect();
        let parsed = parsed(&peers);
        let snapshot = assemble(RuntimeSnapshot { peers, ..RuntimeSnapshot::default() }, &frame(&parsed, &[]));
        let line =
            serde_json::to_string(&Message::Answer { id: 1, answer: Answer::Snapshot(Box::new(snapshot)) }).unwrap();
        assert!(line.len() < MAX_LINE_LEN, "{}", line.len());
    }

    #[test]
    fn times_routes_and_losses_are_told() {
        let peers = vec![peer(1)];
        let parsed = parsed(&peers);
        let outcome =
            |place: usize, installed, problem| RouteOutcome { prefix: parsed.routes[place].0, installed, problem };
        let routes = [outcome(0, true, None), outcome(1, false, Some("covers a LAN".into()))];
        let counters = RuntimeCounters { dropped_events: 4, ..RuntimeCounters::default() };
        let runtime = RuntimeSnapshot { peers, counters, ..RuntimeSnapshot::default() };
        let snapshot = assemble(runtime, &frame(&parsed, &routes));
        assert_eq!((snapshot.generation, snapshot.uptime_ms, snapshot.lease_remaining_ms), (7, 1500, 0));
        assert_eq!(snapshot.counters.dropped_events, 7);
        assert_eq!(
            (snapshot.peers[0].paths[0].rtt_us, snapshot.peers[0].paths[0].interface.as_str()),
            (300_000, "eth0")
        );
        assert!(snapshot.routes[0].installed && !snapshot.routes[1].installed);
        assert_eq!(snapshot.routes[1].problem.as_deref(), Some("covers a LAN"));
        assert_eq!(snapshot.routes[1].node_id, snapshot.peers[0].node_id);
    }
}
