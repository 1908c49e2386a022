//! Connections from first datagram to last: dialling, proof, greeting, which one stays, the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noq_proto as quic;
use quicether_core::NodeId;
use quicether_core::association::replaces;
use quicether_wire::cell;
use quicether_wire::greeting::Hello;

use super::{Ping, Worker, random};
use crate::connection::{CloseCode, Connection, OTHER_RELEASE, Origin, explain};
use crate::state::{RuntimeEvent, Traffic};
use crate::tls;

/// A handshake that takes longer has failed.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(4);
/// An address whose box is connected by other means is looked at again after this.
const SUPERSEDED_PAUSE: Duration = Duration::from_secs(30);
/// Dialling costs a key exchange; packets are served between this many.
const DIALS_PER_TURN: usize = 16;
/// Boxes that proved a key but are not accepted, at most; the oldest makes room.
const MAX_PENDING: usize = 64;

impl Worker {
    /// Takes note of a connection that the endpoint has made.
    pub(super) fn add_connection(&mut self, handle: quic::ConnectionHandle, connection: Connection) {
        let index = handle.0;
        if self.connections.len() <= index {
            self.connections.resize_with(index + 1, || None);
        }
        self.connections[index] = Some(Box::new(connection));
        self.open_connections += 1;
        self.chores = self.chores.min(Instant::now() + HANDSHAKE_TIMEOUT);
        self.touch(index);
    }

    /// Dials whom it is time to dial.
    pub(super) fn dial_due(&mut self, now: Instant) {
        if self.sockets.is_empty() || !self.accepting {
            return;
        }
        let mut begun_now = 0;
        for index in 0..self.peers.len() {
            if begun_now >= DIALS_PER_TURN {
                return;
            }
            let Some(peer) = self.peers[index].as_mut() else { continue };
            if peer.connection.is_some() || peer.dialler.connection.is_some() || peer.dialler.next > now {
                continue;
            }
            let (node, Some(address)) = (peer.node, peer.dialler.next_address()) else { continue };
            let begun = self.dial(now, address, Some(node));
            begun_now += 1;
            if let Some(peer) = self.peers[index].as_mut().filter(|_| begun.is_some()) {
                peer.dialler.connection = begun;
                peer.dialler.next = now + Duration::from_secs(1);
            }
        }
        for index in 0..self.strangers.len() {
            let dialler = &mut self.strangers[index];
            if dialler.connection.is_some() || dialler.next > now {
                continue;
            }
            let Some(address) = dialler.next_address() else { continue };
            let in_use = |c: &Connection| c.proven.is_some() && !c.quic.is_closed() && c.remote == address;
            if self.connections.iter().flatten().any(|c| in_use(c)) {
                self.strangers[index].next = now + SUPERSEDED_PAUSE;
                continue;
            }
            if let Some(begun) = self.dial(now, address, None) {
                self.strangers[index].connection = Some(begun);
                self.strangers[index].next = now + Duration::from_secs(1);
            }
        }
    }

    /// When the next is to be dialled.
    pub(super) fn next_dial(&self) -> Option<Instant> {
        let peers = self.peers.iter().flatten().filter(|peer| peer.connection.is_none()).map(|peer| &peer.dialler);
        let idle = |d: &&crate::peer::Dialler| d.connection.is_none() && !d.addresses.is_empty();
        let may_dial = self.accepting && !self.sockets.is_empty();
        let dial = peers.chain(&self.strangers).filter(idle).map(|dialler| dialler.next).min().filter(|_| may_dial);
        let handshaking = self.connections.iter().flatten().filter(|c| c.proven.is_none() && !c.quic.is_closed());
        [dial, handshaking.map(|c| c.begun + HANDSHAKE_TIMEOUT).min()].into_iter().flatten().min()
    }

    fn dial(&mut self, now: Instant, address: SocketAddr, node: Option<NodeId>) -> Option<usize> {
        let family = |at: &usize| self.sockets[*at].local().is_ipv6() == address.is_ipv6();
        let Some(socket) = (0..self.sockets.len()).find(family) else {
            self.dial_failed(now, address, node, "this box has no socket of that address family".into());
            return None;
        };
        let limit = self.connection_limit();
        if self.open_connections >= limit {
            self.inside.counters.refused += 1;
            let reason = format!("{limit} connections are open, which performance.max_connections allows");
            self.dial_failed(now, address, node, reason);
            return None;
        }
        let shared = Arc::default();
        let (config, wrong_key) = self.transport.client(address, node, &shared);
        match self.endpoint.connect(now, config, address, "quicether") {
            Ok((handle, quic)) => {
                let origin = Origin::Dialled { address, expected: node, wrong_key };
                self.add_connection(handle, Connection::new(now, quic, socket, origin, address, shared));
                Some(handle.0)
            }
            Err(error) => {
                self.dial_failed(now, address, node, error.to_string());
                None
            }
        }
    }

    fn dial_failed(&mut self, now: Instant, address: SocketAddr, node: Option<NodeId>, reason: String) {
        let mine =
            |dialler: &&mut crate::peer::Dialler| dialler.expected == node && dialler.addresses.contains(&address);
        let peers = self.peers.iter_mut().flatten();
        let found = match node {
            Some(node) => peers.filter(|peer| peer.node == node).map(|peer| &mut peer.dialler).find(mine),
            None => self.strangers.iter_mut().find(|d| d.addresses == [address]),
        };
        if let Some(dialler) = found {
            dialler.connection = None;
            dialler.next = now + dialler.backoff.on_failed(now, random());
            if self.sabotage.no_reconnect {
                dialler.next = now + Duration::from_secs(3600);
            }
        }
        let known = node.and_then(|node| self.peer_of.get(&node)).and_then(|at| self.peers[*at].as_mut());
        if let Some(peer) = known.filter(|peer| peer.connection.is_none()) {
            peer.problem = Some(format!("{address}: {reason}"));
        }
        self.tell(RuntimeEvent::DialFailed { address, node, reason });
    }

    /// Ends handshakes that take too long.
    pub(super) fn expire_handshakes(&mut self, now: Instant) {
        for index in 0..self.connections.len() {
            let late = |c: &Connection| {
                c.proven.is_none() && !c.quic.is_closed() && now.saturating_duration_since(c.begun) >= HANDSHAKE_TIMEOUT
            };
            if !self.connections[index].as_deref().is_some_and(late) {
                continue;
            }
            self.inside.counters.failed_handshakes += 1;
            self.end(index, now, CloseCode::Goodbye, "it did not answer");
        }
    }

    /// Closes a connection from this side.
    pub(super) fn close(&mut self, index: usize, now: Instant, code: CloseCode) {
        if let Some(connection) = self.connections[index].as_mut()
            && !connection.quic.is_closed()
        {
            connection.close(now, code);
            self.touch(index);
        }
    }

    /// Ends a connection from this side, with all that follows for its peer: the library reports
    /// no loss that was our own doing.
    pub(super) fn end(&mut self, index: usize, now: Instant, code: CloseCode, reason: &str) {
        if self.connections[index].as_deref().is_some_and(|c| !c.quic.is_closed()) {
            self.lost(index, now, reason.into());
            self.close(index, now, code);
        }
    }

    /// What the library has to say about a connection.
    pub(super) fn handle_events(&mut self, index: usize, now: Instant) {
        while let Some(event) = self.connections[index].as_mut().and_then(|c| c.quic.poll()) {
            match event {
                quic::Event::Connected => self.proven(index, now),
                quic::Event::ConnectionLost { reason } => {
                    let proven = self.connections[index].as_ref().is_some_and(|c| c.proven.is_some());
                    self.inside.counters.failed_handshakes += u64::from(!proven);
                    let reason = self.name_wrong_key(index).unwrap_or_else(|| explain(&reason));
                    self.lost(index, now, reason);
                }
                quic::Event::Stream(_) => self.read_greeting(index, now),
                _ => {}
            }
        }
        if let Some(connection) = self.connections[index].as_mut() {
            connection.flush_greeting();
        }
        self.notice_move(index);
    }

    fn name_wrong_key(&mut self, index: usize) -> Option<String> {
        let Some(Connection { origin: Origin::Dialled { wrong_key, .. }, .. }) = self.connections[index].as_deref()
        else {
            return None;
        };
        let wrong = wrong_key.load(std::sync::atomic::Ordering::Relaxed);
        self.inside.counters.wrong_key += u64::from(wrong);
        wrong.then(|| "another box answers there: its key is not the one of this NodeId".into())
    }

    /// The handshake is done: we know who it is.
    fn proven(&mut self, index: usize, now: Instant) {
        let Some(connection) = self.connections[index].as_mut() else { return };
        let Some(node) = tls::proven_node(&connection.quic) else {
            self.end(index, now, CloseCode::BadGreeting, "it proved no key");
            return;
        };
        connection.proven = Some((node, now));
        let remote = connection.remote;
        self.inside.counters.handshakes += 1;
        if node == self.key.node_id() {
            self.end(index, now, CloseCode::Myself, "the address leads to this box itself");
            return;
        }
        if !self.peer_of.contains_key(&node) {
            self.make_room_for_pending(now);
            self.tell(RuntimeEvent::PeerPending { node, address: remote });
        }
        self.greet(index);
    }

    fn make_room_for_pending(&mut self, now: Instant) {
        let pending =
            |c: &Connection| c.node().filter(|n| !self.peer_of.contains_key(n)).and(c.proven).map(|(_, at)| at);
        let mut all: Vec<_> = self
            .connections
            .iter()
            .enumerate()
            .filter_map(|(at, c)| {
                c.as_deref().filter(|c| !c.quic.is_closed()).and_then(pending).map(|since| (since, at))
            })
            .collect();
        if all.len() > MAX_PENDING {
            all.sort_unstable();
            self.inside.counters.refused += 1;
            self.end(all[0].1, now, CloseCode::NotAccepted, "too many boxes wait to be accepted");
        }
    }

    /// Tells the peer of a connection who we are and whether we accept it.
    pub(super) fn greet(&mut self, index: usize) {
        let (Some(state), Some(connection)) = (&self.state, self.connections[index].as_mut()) else { return };
        let Some(node) = connection.node() else { return };
        let peer = self.peer_of.get(&node).and_then(|at| self.peers[*at].as_ref());
        let instance = peer.map_or(self.instance, |peer| peer.epoch);
        let version = quicether_wire::WIRE_VERSION as u16;
        let hello = Hello::new(version, instance, state.tun.mtu, peer.is_some(), &state.name, &state.claimed);
        connection.greet(&hello);
        self.touch(index);
    }

    fn read_greeting(&mut self, index: usize, now: Instant) {
        let Some(connection) = self.connections[index].as_mut() else { return };
        match connection.read_greeting() {
            Ok(false) => {}
            Ok(true) => self.settle(index),
            Err(CloseCode::WireVersion) => self.end(index, now, CloseCode::WireVersion, OTHER_RELEASE),
            Err(code) => self.end(index, now, code, "what it said of itself could not be read"),
        }
    }

    /// Decides which connection to a peer stays, and whether it may carry traffic.
    pub(super) fn settle(&mut self, index: usize) {
        let now = Instant::now();
        let own = self.key.node_id();
        let Some(connection) = self.connections[index].as_deref().filter(|c| !c.quic.is_closed()) else { return };
        let (Some(new), Some(hello)) = (connection.candidate(own), connection.hello) else { return };
        let Some(node) = connection.node() else { return };
        let rivals: Vec<usize> = (0..self.connections.len())
            .filter(|at| *at != index)
            .filter(|at| {
                self.connections[*at].as_deref().is_some_and(|c| c.node() == Some(node) && !c.quic.is_closed())
            })
            .collect();
        for rival in rivals {
            let Some(old) = self.connections[rival].as_deref().and_then(|c| c.candidate(own)) else { continue };
            if replaces(&new, &old) {
                self.close(rival, now, CloseCode::Duplicate);
                self.forget(rival);
            } else {
                self.close(index, now, CloseCode::Duplicate);
                self.forget(index);
                return;
            }
        }
        let Some(&peer_index) = self.peer_of.get(&node) else { return };
        let Some(peer) = self.peers[peer_index].as_mut() else { return };
        peer.connection = Some(index);
        peer.problem = None;
        peer.mtu = hello.mtu;
        if peer.on_instance(hello.instance) {
            for buffer in peer.cutter.abandon() {
                self.train_buffers.give_back(buffer);
            }
        }
        peer.dialler.backoff.on_connected(now);
        if hello.accepted {
            self.peer_up(peer_index, now);
        } else {
            self.peer_down(peer_index, "it does not accept this box any more");
        }
        self.touch(index);
    }

    fn peer_up(&mut self, peer_index: usize, now: Instant) {
        let Some(peer) = self.peers[peer_index].as_mut() else { return };
        if peer.up.is_some() {
            return;
        }
        peer.up = Some((now, peer.traffic));
        let node = peer.node;
        let remote = peer.connection.and_then(|at| self.connections[at].as_ref()).map(|c| c.remote);
        if let Some(address) = remote {
            self.tell(RuntimeEvent::PeerUp { node, address });
        }
    }

    /// The peer carries no traffic any more; what waits for it is dropped.
    pub(super) fn peer_down(&mut self, peer_index: usize, reason: &str) {
        let Some(peer) = self.peers[peer_index].as_mut() else { return };
        let Some((since, before)) = peer.up.take() else { return };
        self.queued_bytes -= peer.queue.bytes();
        peer.queue.clear();
        for buffer in peer.cutter.abandon() {
            self.train_buffers.give_back(buffer);
        }
        let (node, traffic) = (peer.node, since_then(peer.traffic, before));
        let duration = since.elapsed();
        self.tell(RuntimeEvent::PeerDown { node, reason: reason.into(), traffic, duration });
    }

    /// A connection has ended, by whomever.
    fn lost(&mut self, index: usize, now: Instant, reason: String) {
        let Some(connection) = self.connections[index].as_deref() else { return };
        let (node, origin) = (connection.node(), connection.origin.clone());
        let carried = node
            .and_then(|n| self.peer_of.get(&n))
            .copied()
            .filter(|at| self.peers[*at].as_ref().is_some_and(|peer| peer.connection == Some(index)));
        self.forget(index);
        self.chores = now;
        if let Some(peer_index) = carried {
            self.peer_down(peer_index, &reason);
            if let Some(peer) = self.peers[peer_index].as_mut() {
                peer.problem = Some(reason.clone());
            }
        }
        let stays =
            node.and_then(|n| self.peer_of.get(&n)).and_then(|at| self.peers[*at].as_ref()?.connection).is_some();
        if let (Origin::Dialled { address, expected, .. }, true) = (&origin, stays) {
            // Another connection to the same box is in use; look again later.
            let stranger = self.strangers.iter_mut().find(|d| expected.is_none() && d.addresses == [*address]);
            if let Some(dialler) = stranger {
                dialler.next = now + SUPERSEDED_PAUSE;
            }
        } else if let Origin::Dialled { address, expected, .. } = origin {
            self.dial_failed(now, address, expected, reason);
        } else if let Some(peer) = carried.and_then(|at| self.peers[at].as_mut()) {
            peer.dialler.next = now + peer.dialler.backoff.on_failed(now, random());
        }
        self.touch(index);
    }

    /// Nobody refers to the connection any more.
    fn forget(&mut self, index: usize) {
        for peer in self.peers.iter_mut().flatten() {
            peer.connection = peer.connection.filter(|at| *at != index);
            peer.dialler.connection = peer.dialler.connection.filter(|at| *at != index);
        }
        for dialler in &mut self.strangers {
            dialler.connection = dialler.connection.filter(|at| *at != index);
        }
    }

    /// Addresses of this box came or went: shows the peers the new one without waiting for traffic.
    ///
    /// The side that dialled migrates. The side that was dialled cannot (RFC 9000, section 9) and
    /// dials anew when the address that it was reached at has gone.
    pub(super) fn network_changed(&mut self) {
        let now = Instant::now();
        for index in 0..self.connections.len() {
            let Some(connection) =
                self.connections[index].as_mut().filter(|c| c.proven.is_some() && !c.quic.is_closed())
            else {
                continue;
            };
            if connection.is_dialled() {
                connection.quic.handle_network_change(None, now);
                self.touch(index);
                continue;
            }
            let local = connection.quic.network_path(quic::PathId::ZERO).ok().and_then(|path| path.local_ip());
            let gone = local.is_some_and(|ip| std::net::UdpSocket::bind((ip, 0)).is_err());
            let (node, remote) = (connection.node(), connection.remote);
            if gone && let Some(at) = node.and_then(|node| self.peer_of.get(&node)).copied() {
                let begun = self.dial(now, remote, node);
                if let Some(peer) = self.peers[at].as_mut() {
                    peer.dialler.connection = begun;
                }
            }
        }
        // A line that came back is new hope for those that could not be reached.
        for peer in self.peers.iter_mut().flatten().filter(|peer| peer.connection.is_none()) {
            peer.dialler.backoff.reset();
            peer.dialler.next = now;
        }
        self.chores = now;
    }

    fn notice_move(&mut self, index: usize) {
        let Some(connection) = self.connections[index].as_mut() else { return };
        let Ok(path) = connection.quic.network_path(quic::PathId::ZERO) else { return };
        if path.remote() == connection.remote {
            return;
        }
        connection.remote = path.remote();
        if let Some(node) = connection.node().filter(|node| self.peer_of.contains_key(node)) {
            self.tell(RuntimeEvent::PeerMoved { node, address: path.remote() });
        }
    }

    /// Measures the round trip to a peer.
    pub(super) fn ping(&mut self, node: NodeId, timeout: Duration, done: Box<dyn FnOnce(Option<Duration>) + Send>) {
        let now = Instant::now();
        let Some((peer, index)) =
            self.peer_of.get(&node).copied().and_then(|at| self.live_connection(at).map(|c| (at, c)))
        else {
            return done(None);
        };
        let token = random();
        let echo = bytes::Bytes::copy_from_slice(&cell::encode_echo(false, token));
        let Some(connection) = self.connections[index].as_mut() else { return done(None) };
        if connection.quic.datagrams().send(echo, true).is_err() {
            return done(None);
        }
        self.chores = self.chores.min(now + timeout);
        self.pings.insert(token, Ping { peer, sent: now, deadline: now + timeout, done });
        self.touch(index);
    }

    /// The answer to a ping has come.
    pub(super) fn pong(&mut self, peer: usize, token: u64) {
        if self.pings.get(&token).is_some_and(|ping| ping.peer == peer)
            && let Some(ping) = self.pings.remove(&token)
        {
            (ping.done)(Some(ping.sent.elapsed()));
        }
    }

    /// The connection of a peer that may carry traffic.
    pub(super) fn live_connection(&self, peer: usize) -> Option<usize> {
        let peer = self.peers[peer].as_deref()?;
        peer.connection.filter(|_| peer.up.is_some())
    }
}

/// What was added since.
fn since_then(now: Traffic, before: Traffic) -> Traffic {
    Traffic {
        sent_bytes: now.sent_bytes - before.sent_bytes,
        received_bytes: now.received_bytes - before.received_bytes,
        sent_packets: now.sent_packets - before.sent_packets,
        received_packets: now.received_packets - before.received_packets,
        queue_drops: now.queue_drops - before.queue_drops,
        queue_marks: now.queue_marks - before.queue_marks,
    }
}
