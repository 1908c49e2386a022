//! What is, for the control side.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use noq_proto as quic;

use super::Worker;
use crate::connection::Connection;
use crate::peer::Peer;
use crate::state::{PathView, PeerPhase, PeerView, PendingView, RuntimeSnapshot};

impl Worker {
    /// A snapshot.
    pub(super) fn view(&mut self) -> RuntimeSnapshot {
        let now = Instant::now();
        let order: Vec<usize> = self
            .state
            .iter()
            .flat_map(|state| &state.peers)
            .filter_map(|peer| self.peer_of.get(&peer.node).copied())
            .collect();
        let peers = order.into_iter().filter_map(|index| self.view_peer(now, index)).collect();
        let mut counters = self.inside.counters;
        counters.holes = self.peers.iter().flatten().map(|peer| peer.reassembly.holes).sum();
        RuntimeSnapshot {
            tun_name: self.inside.tun.as_ref().map(|tun| tun.name().into()).unwrap_or_default(),
            listen: self.sockets.iter().map(|socket| socket.local()).collect(),
            peers,
            pending: self.view_pending(now),
            counters,
        }
    }

    fn view_peer(&mut self, now: Instant, index: usize) -> Option<PeerView> {
        let peer = self.peers[index].as_deref()?;
        let (node, connection_index) = (peer.node, peer.connection);
        let mut view = PeerView {
            node,
            name: String::new(),
            phase: phase(peer),
            problem: peer.problem.clone(),
            claimed: Vec::new(),
            connected: peer.up.map_or(Duration::ZERO, |(since, _)| now.saturating_duration_since(since)),
            traffic: peer.traffic,
            queue_bytes: peer.queue.bytes() as u64,
            paths: Vec::new(),
        };
        view.traffic.queue_drops = peer.queue.counters.drops;
        view.traffic.queue_marks = peer.queue.counters.marks;
        if let Some(index) = connection_index {
            let bound = self.connections[index].as_ref().and_then(|c| Some(self.sockets.get(c.socket)?.local()));
            let connection = self.connections[index].as_deref_mut()?;
            if let Some(hello) = &connection.hello {
                view.name = hello.name().into();
                view.claimed = hello.addresses().to_vec();
            }
            view.paths.extend(view_path(now, connection, bound?));
        }
        Some(view)
    }

    fn view_pending(&self, now: Instant) -> Vec<PendingView> {
        let open = self.connections.iter().flatten().filter(|connection| !connection.quic.is_closed());
        let mut pending: Vec<PendingView> = open
            .filter_map(|connection| {
                let (node, since) = connection.proven?;
                let hello = connection.hello.filter(|_| !self.peer_of.contains_key(&node))?;
                Some(PendingView {
                    node,
                    name: hello.name().into(),
                    address: connection.remote,
                    claimed: hello.addresses().to_vec(),
                    accepted_there: hello.accepted,
                    since: now.saturating_duration_since(since),
                })
            })
            .collect();
        pending.sort_by_key(|view| view.node);
        pending
    }
}

fn phase(peer: &Peer) -> PeerPhase {
    match (peer.connection, peer.up) {
        (None, _) => PeerPhase::Down,
        (Some(_), None) => PeerPhase::WaitingForPeer,
        (Some(_), Some(_)) => PeerPhase::Up,
    }
}

fn view_path(now: Instant, connection: &mut Connection, bound: SocketAddr) -> Option<PathView> {
    let path = connection.quic.network_path(quic::PathId::ZERO).ok()?;
    let stats = connection.quic.path_stats(quic::PathId::ZERO)?;
    let local_ip = path.local_ip().unwrap_or(match bound.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        ip => ip,
    });
    Some(PathView {
        local: SocketAddr::new(local_ip, bound.port()),
        remote: path.remote(),
        rtt: stats.rtt,
        min_rtt: connection.min_rtt(stats.rtt),
        sent_packets: stats.sent_packets,
        lost_packets: stats.lost_packets,
        window_bytes: stats.cwnd,
        mtu: connection.quic.current_mtu(),
        silent: now.saturating_duration_since(connection.heard),
    })
}
