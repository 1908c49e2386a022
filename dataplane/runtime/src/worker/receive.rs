//! From the sockets to the TUN: admission, QUIC, cells, flows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use noq_proto as quic;
use quicether_core::admission::{Known, OWN_CID_LEN, Reason, Verdict};
use quicether_core::reassembly::{Arrived, Part, Pushed, Train};
use quicether_wire::cell::{self, Cell};

use super::Worker;
use crate::connection::{Connection, Origin};
use crate::peer::Peer;
use crate::socket::Received;
use crate::transport::Transport;

/// Calls that take datagrams in before other work has its turn.
const CALLS_PER_TURN: usize = 4;
/// Set in the first byte of a long header (RFC 8999).
const LONG_HEADER: u8 = 0x80;
/// Handshakes of others at once; more are not answered.
const MAX_HANDSHAKES: usize = 64;
/// Peers of the engine before have given up by themselves after this.
const RESETS_FOR: Duration = Duration::from_secs(40);
/// Strangers' handshakes at once above which an address must be proven first (Retry).
const RETRY_ABOVE: usize = 16;

impl Worker {
    /// Takes in what has come on a socket.
    pub(super) fn take_datagrams(&mut self, at: usize) {
        let mut received = std::mem::take(&mut self.received);
        for _ in 0..CALLS_PER_TURN {
            let more = self.sockets[at].receive(&mut self.receive_buffers, &mut received).unwrap_or(false);
            if self.receive_buffers.take_ran_out() {
                // Parts that wait for others hold every buffer.
                self.flush_holes();
            }
            let now = Instant::now();
            for chain in received.drain(..) {
                self.take_chain(at, now, chain);
            }
            if !more {
                break;
            }
        }
        self.received = received;
    }

    fn take_chain(&mut self, socket: usize, now: Instant, mut chain: Received) {
        let congested = chain.ecn == Some(quic::EcnCodepoint::Ce);
        while !chain.bytes.is_empty() {
            let datagram = chain.bytes.split_to(chain.stride.min(chain.bytes.len()));
            let is_short = datagram.first().is_none_or(|first| first & LONG_HEADER == 0);
            let Some(may_begin) = (if is_short { Some(false) } else { self.admit(now, &chain, &datagram) }) else {
                continue;
            };
            let path = quic::FourTuple::new(chain.remote, chain.local_ip);
            match self.endpoint.handle(now, path, chain.ecn, datagram, &mut self.out) {
                Some(quic::DatagramEvent::ConnectionEvent(handle, event)) => {
                    if congested {
                        // What came before, unmarked, is told apart from what this datagram carries.
                        self.take_cells(handle.0, now, false);
                    }
                    if let Some(connection) = self.connections[handle.0].as_mut() {
                        connection.quic.handle_event(event);
                        connection.heard = now;
                        self.touch(handle.0);
                        if congested {
                            self.take_cells(handle.0, now, true);
                        }
                    }
                }
                Some(quic::DatagramEvent::NewConnection(incoming)) if may_begin => self.accept(socket, now, incoming),
                Some(quic::DatagramEvent::NewConnection(incoming)) => {
                    self.endpoint.ignore(incoming);
                    self.inside.counters.silenced += 1;
                }
                Some(quic::DatagramEvent::Response(transmit)) => self.respond(socket, now, &transmit),
                // Taken in for later, or for no connection of ours.
                None => self.inside.counters.silenced += u64::from(is_short),
            }
            self.out.clear();
        }
    }

    /// Whether a datagram with a long header may reach QUIC at all.
    ///
    /// Short ones go there at once: the endpoint knows its ids, checks unknown ones against
    /// their seal and is silent to the rest.
    /// Gives whether it may begin a connection: an id of ours in the open is no invitation.
    fn admit(&mut self, now: Instant, chain: &Received, datagram: &[u8]) -> Option<bool> {
        let strangers =
            self.state.as_ref().is_some_and(|state| state.answer_strangers) || self.sabotage.answer_strangers;
        let known = Own(&self.transport);
        let counters = &mut self.inside.counters;
        match self.admission.decide(now, chain.remote, datagram, strangers, &known) {
            Verdict::PassTagged => return Some(true),
            Verdict::Pass => return Some(strangers),
            Verdict::Drop(Reason::Replayed) => counters.replayed += 1,
            Verdict::Drop(Reason::WrongVersion) => counters.wrong_version += 1,
            Verdict::Drop(_) => counters.silenced += 1,
        }
        None
    }

    /// Sends what the endpoint answers to a datagram of no connection: to strangers where they are
    /// answered, and for a while after the start to peers of the engine before, who learn from it
    /// at once that their connection is gone.
    fn respond(&mut self, socket: usize, now: Instant, transmit: &quic::Transmit) {
        let strangers = self.state.as_ref().is_some_and(|state| state.answer_strangers);
        if strangers || now.saturating_duration_since(self.started) < RESETS_FOR {
            let _ = self.sockets[socket].send(transmit, &self.out);
        } else {
            self.inside.counters.silenced += 1;
        }
    }

    fn accept(&mut self, socket: usize, now: Instant, incoming: quic::Incoming) {
        let remote = incoming.remote_address();
        let limit = self.connection_limit();
        let handshakes = self.connections.iter().flatten().filter(|c| is_their_handshake(c)).count();
        if !self.accepting || self.open_connections >= limit || handshakes >= MAX_HANDSHAKES {
            self.inside.counters.refused += 1;
            self.endpoint.ignore(incoming);
            return;
        }
        let strangers = self.state.as_ref().is_some_and(|state| state.answer_strangers);
        if strangers && handshakes >= RETRY_ABOVE && incoming.may_retry() {
            if let Ok(transmit) = self.endpoint.retry(incoming, &mut self.out) {
                let _ = self.sockets[socket].send(&transmit, &self.out);
            }
            return;
        }
        let shared = Arc::default();
        let config = self.transport.server(remote, &shared);
        match self.endpoint.accept(incoming, now, &mut self.out, Some(config)) {
            Ok((handle, quic)) => {
                self.add_connection(handle, Connection::new(now, quic, socket, Origin::Accepted, remote, shared));
            }
            Err(error) => {
                self.inside.counters.failed_handshakes += 1;
                // A refusal goes out only where strangers are answered anyway.
                if let Some(transmit) = error.response.filter(|_| strangers) {
                    let _ = self.sockets[socket].send(&transmit, &self.out);
                }
            }
        }
    }

    /// Reads the cells that a connection has brought.
    pub(super) fn take_cells(&mut self, index: usize, now: Instant, congested: bool) {
        let node = self.connections[index].as_ref().and_then(|c| c.node());
        let peer = node.and_then(|node| self.peer_of.get(&node)).copied();
        // The other side may have moved to this connection before us: who is there is proven, and its
        // flows are the ones we know as long as its epoch is.
        let epoch = self.connections[index].as_ref().and_then(|c| c.hello).map(|hello| hello.instance);
        let live = peer.filter(|at| {
            self.peers[*at].as_ref().is_some_and(|p| p.up.is_some() && epoch.is_some() && p.instance == epoch)
        });
        while let Some(bytes) = self.connections[index].as_mut().and_then(|c| c.quic.datagrams().recv()) {
            match live {
                Some(peer) => self.take_cell(index, peer, now, congested, bytes),
                None if peer.is_some() => self.inside.counters.peer_down += 1,
                None => self.inside.counters.denied += 1,
            }
        }
        if let Some(peer) = live.filter(|at| self.peers[*at].as_ref().is_some_and(|p| p.reassembly.holds()))
            && !self.holding.contains(&peer)
        {
            self.holding.push(peer);
        }
    }

    fn take_cell(&mut self, index: usize, peer_index: usize, now: Instant, congested: bool, bytes: Bytes) {
        match cell::decode(&bytes) {
            Ok(Cell::Piece(piece)) => {
                let arrived = Arrived {
                    train: piece.train,
                    part: Part { offset: piece.offset, bytes: bytes.slice(piece.payload) },
                    last: piece.last,
                    partial_checksum: piece.partial_checksum,
                    gso_size: piece.gso_size,
                    headers: (!piece.header_copy.is_empty()).then(|| bytes.slice(piece.header_copy)),
                    congested,
                };
                self.reassemble(peer_index, now, arrived);
            }
            Ok(Cell::Packets(records)) => {
                for record in records {
                    let Ok(record) = record else {
                        self.inside.counters.bad_cells += 1;
                        return;
                    };
                    let arrived = Arrived {
                        train: record.train,
                        part: Part { offset: 0, bytes: bytes.slice(record.packet) },
                        last: true,
                        partial_checksum: record.partial_checksum,
                        gso_size: Some(0),
                        headers: None,
                        congested,
                    };
                    self.reassemble(peer_index, now, arrived);
                }
            }
            Ok(Cell::Echo { reply: true, token }) => self.pong(peer_index, token),
            Ok(Cell::Echo { reply: false, token }) => {
                let reply = Bytes::copy_from_slice(&cell::encode_echo(true, token));
                if let Some(connection) = self.connections[index].as_mut() {
                    let _ = connection.quic.datagrams().send(reply, true);
                    self.touch(index);
                }
            }
            Err(_) => self.inside.counters.bad_cells += 1,
        }
    }

    fn reassemble(&mut self, peer_index: usize, now: Instant, arrived: Arrived<Bytes>) {
        let Some(peer) = self.peers[peer_index].as_deref_mut() else { return };
        let (inside, no_partial) = (&mut self.inside, self.sabotage.no_partial_trains);
        let Peer { reassembly, sources, traffic, .. } = peer;
        let mut deliver = |train: &Train<Bytes>| {
            if !no_partial || train.is_whole() {
                inside.deliver(train, sources, traffic);
            }
        };
        if reassembly.push(now, arrived, &mut deliver) == Pushed::Bad {
            inside.counters.bad_cells += 1;
        }
    }

    /// Gives up the holes whose time is over.
    pub(super) fn expire_holes(&mut self, now: Instant) {
        self.for_held(|flows, reordering, deliver| flows.expire(now, reordering, &mut |train| deliver(train)));
    }

    /// Gives up every hole, for their memory.
    fn flush_holes(&mut self) {
        self.for_held(|flows, _, deliver| flows.flush(&mut |train| deliver(train)));
    }

    fn for_held(&mut self, act: impl Fn(&mut Flows, Duration, &mut dyn FnMut(&Train<Bytes>))) {
        let mut holding = std::mem::take(&mut self.holding);
        holding.retain(|&index| {
            let reordering = self.reordering(index);
            let Some(peer) = self.peers[index].as_deref_mut() else { return false };
            let (inside, no_partial) = (&mut self.inside, self.sabotage.no_partial_trains);
            let Peer { reassembly, sources, traffic, .. } = peer;
            act(reassembly, reordering, &mut |train| {
                if !no_partial || train.is_whole() {
                    inside.deliver(train, sources, traffic);
                }
            });
            reassembly.holds()
        });
        self.holding = holding;
    }

    /// When the next hole is to be given up.
    pub(super) fn next_hole(&self) -> Option<Instant> {
        let held = self.holding.iter().filter_map(|at| Some((at, self.peers[*at].as_ref()?)));
        held.filter_map(|(at, peer)| peer.reassembly.next_timeout(self.reordering(*at))).min()
    }

    fn reordering(&self, peer: usize) -> Duration {
        if self.sabotage.no_reorder {
            return Duration::ZERO;
        }
        let connection =
            self.peers[peer].as_ref().and_then(|p| p.connection).and_then(|at| self.connections[at].as_ref());
        let rtt = connection.and_then(|c| c.quic.rtt(quic::PathId::ZERO));
        Peer::reordering(rtt.unwrap_or_default())
    }
}

fn is_their_handshake(connection: &Connection) -> bool {
    connection.proven.is_none() && !connection.is_dialled() && !connection.quic.is_closed()
}

type Flows = quicether_core::reassembly::Reassembly<Bytes>;

/// Connection ids made here, for the filter.
struct Own<'a>(&'a Transport);

impl Known for Own<'_> {
    fn is_ours(&self, cid: &[u8; OWN_CID_LEN]) -> bool {
        self.0.is_own_cid(cid)
    }

    fn talks_to(&self, _: std::net::SocketAddr) -> bool {
        false
    }
}
