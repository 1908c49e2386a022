//! From the TUN to the sockets: classify, route, check, queue; then cut, seal and send.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use noq_proto as quic;
use quicether_core::icmp::IcmpError;
use quicether_core::packet::{Packet, VnetHeader, describe, finish_checksum};
use quicether_core::queue::Queued;
use quicether_core::reassembly::SLOTS;
use quicether_wire::cell::TrainId;

use super::Worker;
use crate::connection::Connection;
use crate::outbound::{Outgoing, Packed};
use crate::peer::Peer;
use crate::transport::SEND_BUFFER_LEN;
use crate::tun::MAX_PACKET_LEN;

/// Trains read before other work has its turn.
const TRAINS_PER_TURN: usize = 32;
/// Datagrams that one system call sends: as many of 1472 bytes as a UDP datagram of 65,507 holds.
const MAX_SEGMENTS: usize = 44;
/// System calls for one connection before the next has its turn.
const SENDS_PER_TURN: usize = 16;
/// A first piece must hold all headers; every QUIC path takes far more, but a peer may say less.
const MIN_CELL_LEN: usize = 512;
/// Cells handed over at once, at least and at most.
const BATCH_CELLS: (usize, usize) = (2, MAX_SEGMENTS);
/// Taken for a path that has not been measured.
const SLOW_RTT: Duration = Duration::from_millis(100);
/// What the transport may hold beyond what it sends at once: this much of the path's rate.
const TRANSPORT_QUEUE: Duration = Duration::from_millis(2);
/// The same in cells, at least and at most.
const TRANSPORT_CELLS: (usize, usize) = (4, 2 * MAX_SEGMENTS);

impl Worker {
    /// Reads what the kernel has for the peers.
    pub(super) fn take_trains(&mut self) {
        for _ in 0..TRAINS_PER_TURN {
            if self.queued_bytes >= self.memory_limit_bytes() {
                return;
            }
            let mut buffer = self.train_buffers.largest();
            let read = match &self.inside.tun {
                Some(tun) => tun.read(&mut buffer[..MAX_PACKET_LEN]),
                None => return,
            };
            let Ok((vnet, length)) = read else {
                self.train_buffers.give_back(buffer);
                return;
            };
            match self.train_buffers.fitted(&buffer, length) {
                Some(small) => {
                    self.train_buffers.give_back(buffer);
                    self.take_train(&vnet, small, length);
                }
                None => self.take_train(&vnet, buffer, length),
            }
        }
    }

    fn take_train(&mut self, vnet: &[u8; 10], mut buffer: Vec<u8>, length: usize) {
        let now = Instant::now();
        let Some((train, packet)) = read_train(vnet, &mut buffer, length) else {
            self.inside.counters.malformed += 1;
            self.train_buffers.give_back(buffer);
            return;
        };
        let train = Outgoing::new(buffer, length, train);
        match self.route(&packet, &train) {
            Ok(peer) => self.enqueue(now, peer, &packet, train),
            Err(error) => {
                if let Some(error) = error {
                    self.inside.answer(now, error, &packet, train.bytes());
                }
                self.train_buffers.give_back(train.buffer);
            }
        }
    }

    /// The peer that a packet goes to, or what its sender is told.
    fn route(&mut self, packet: &Packet, train: &Outgoing) -> Result<usize, Option<IcmpError>> {
        let Some(index) = self.routes.lookup(packet.dst) else {
            self.inside.counters.no_route += 1;
            return Err((!packet.dst.is_multicast()).then_some(IcmpError::NetworkUnreachable));
        };
        if self.inside.local.lookup(packet.src).is_none() && !self.sabotage.no_policy {
            self.inside.counters.denied += 1;
            return Err(Some(IcmpError::AdminProhibited));
        }
        if !self.inside.may_flow(packet) {
            self.inside.counters.denied += 1;
            return Err(Some(IcmpError::AdminProhibited));
        }
        let Some(peer) = self.peers[index].as_deref().filter(|peer| peer.up.is_some()) else {
            self.inside.counters.peer_down += 1;
            return Err(Some(IcmpError::HostUnreachable));
        };
        if train.packet_len() > usize::from(peer.mtu) && !may_be_fragmented(packet, train.bytes()) {
            return Err(Some(IcmpError::TooBig { mtu: u32::from(peer.mtu) }));
        }
        Ok(index)
    }

    fn enqueue(&mut self, now: Instant, index: usize, packet: &Packet, train: Outgoing) {
        let Some(peer) = self.peers[index].as_deref_mut() else { return };
        let slot = if self.sabotage.no_fair_queue { 0 } else { packet.flow_hash(self.flow_seed) % SLOTS as u64 };
        let before = peer.queue.bytes();
        peer.queue.push(now, slot as u16, train);
        self.queued_bytes = self.queued_bytes + peer.queue.bytes() - before;
        if let Some(connection) = peer.connection {
            self.touch(connection);
        }
    }

    /// Takes what connections have brought that something happened to; they stay to be served.
    pub(super) fn read_dirty(&mut self) {
        let now = Instant::now();
        // Handling one may make others dirty; those are appended and read in this round, too.
        let mut at = 0;
        while let Some(&index) = self.dirty.get(at) {
            at += 1;
            if self.connections[index].is_some() {
                self.handle_events(index, now);
                self.take_cells(index, now, false);
            }
        }
    }

    /// Sends for every connection that something happened to.
    pub(super) fn serve_dirty(&mut self) {
        let dirty = std::mem::take(&mut self.dirty);
        for index in dirty {
            let Some(connection) = self.connections[index].as_mut() else { continue };
            connection.dirty = false;
            self.send(index);
            self.handle_endpoint_events(index);
            self.set_timer(index);
        }
    }

    /// Sends what a connection has, and what waits for its peer, as far as the path takes it.
    fn send(&mut self, index: usize) {
        let peer_index = self.connections[index]
            .as_ref()
            .and_then(|c| c.node())
            .and_then(|node| self.peer_of.get(&node).copied())
            .filter(|at| self.live_connection(*at) == Some(index));
        for _ in 0..SENDS_PER_TURN {
            let filled = peer_index.is_some_and(|at| self.fill(index, at));
            let sent = self.transmit(index);
            if !sent {
                return;
            }
            if !filled && peer_index.is_none_or(|at| self.peers[at].as_ref().is_none_or(|p| p.is_idle())) {
                // Nothing waits, but the transport may have more of its own.
                while self.transmit(index) {}
                return;
            }
        }
        self.touch(index);
    }

    /// Hands cells to the transport, no more than it sends at once; true when it gave any.
    fn fill(&mut self, index: usize, peer_index: usize) -> bool {
        let (Some(connection), Some(peer)) =
            (self.connections[index].as_deref_mut(), self.peers[peer_index].as_deref_mut())
        else {
            return false;
        };
        let Some(max_len) = connection.quic.datagrams().max_size().filter(|len| *len >= MIN_CELL_LEN) else {
            return false;
        };
        let held = SEND_BUFFER_LEN.saturating_sub(connection.quic.datagrams().send_buffer_space());
        if held < 64 {
            peer.cutter.on_flushed();
        }
        let now = Instant::now();
        let rate = path_rate(connection);
        peer.set_queue_limit(rate);
        let most = transport_room(rate, max_len).saturating_sub(held);
        let batch = connection.pacer.batch(now, rate, BATCH_CELLS.0 * max_len, BATCH_CELLS.1 * max_len).min(most);
        let mut room = batch;
        let before = peer.queue.bytes();
        let mut any = false;
        while room > 0 {
            let Some(cell) = next_cell(peer, now, max_len, &mut self.cell_blocks, &mut self.train_buffers) else {
                break;
            };
            room = room.saturating_sub(cell.len());
            if connection.quic.datagrams().send(cell, false).is_err() {
                break;
            }
            any = true;
        }
        if any {
            connection.pacer.on_batch(now, rate, batch - room);
        }
        connection.pacer.shared.set_busy(!peer.is_idle());
        self.queued_bytes -= before - peer.queue.bytes();
        any
    }

    /// One system call's worth of datagrams; false when there is nothing to send (now).
    fn transmit(&mut self, index: usize) -> bool {
        let Some(connection) = self.connections[index].as_deref_mut() else { return false };
        let Some(socket) = self.sockets.get(connection.socket) else { return false };
        let segments = NonZeroUsize::new(MAX_SEGMENTS.min(socket.max_segments())).unwrap_or(NonZeroUsize::MIN);
        self.out.clear();
        let Some(transmit) = connection.quic.poll_transmit(Instant::now(), segments, &mut self.out) else {
            return false;
        };
        // A datagram that the system does not take is lost like one on the line.
        let _ = socket.send(&transmit, &self.out);
        self.out.clear();
        true
    }

    fn handle_endpoint_events(&mut self, index: usize) {
        let handle = quic::ConnectionHandle(index);
        while let Some(event) = self.connections[index].as_mut().and_then(|c| c.quic.poll_endpoint_events()) {
            let drained = event.is_drained();
            if let Some(event) = self.endpoint.handle_event(handle, event)
                && let Some(connection) = self.connections[index].as_mut()
            {
                connection.quic.handle_event(event);
                self.touch(index);
            }
            if drained {
                if let Some(connection) = self.connections[index].take() {
                    self.open_connections -= 1;
                    if let Some(at) = connection.timer {
                        self.timers.remove(&(at, index));
                    }
                }
                return;
            }
        }
    }

    /// When a connection whose peer has more waiting may be given it.
    fn waiting_for_pace(&self, index: usize) -> Option<Instant> {
        let connection = self.connections[index].as_deref()?;
        let peer = *self.peer_of.get(&connection.node()?)?;
        let waits = self.live_connection(peer) == Some(index) && !self.peers[peer].as_ref()?.is_idle();
        // What is blocked by the window is woken by an acknowledgement instead.
        (waits && connection.pacer.is_held_back()).then_some(connection.pacer.next())
    }

    fn set_timer(&mut self, index: usize) {
        let pace = self.waiting_for_pace(index);
        let Some(connection) = self.connections[index].as_deref_mut() else { return };
        let wanted = [connection.quic.poll_timeout(), pace].into_iter().flatten().min();
        if wanted == connection.timer {
            return;
        }
        if let Some(old) = connection.timer.take() {
            self.timers.remove(&(old, index));
        }
        if let Some(at) = wanted {
            self.timers.insert((at, index));
            connection.timer = wanted;
        }
    }
}

/// Whether the other side may cut an IPv4 packet that is too long for it (RFC 791).
fn may_be_fragmented(packet: &Packet, bytes: &[u8]) -> bool {
    packet.src.is_ipv4() && bytes[6] & 0x40 == 0
}

/// What the kernel gave, checked; partial checksums that only this kernel can finish are.
fn read_train(
    vnet: &[u8; 10],
    buffer: &mut [u8],
    length: usize,
) -> Option<(quicether_core::packet::TrainInfo, Packet)> {
    let mut vnet = VnetHeader::decode(vnet).ok()?;
    let packet = Packet::parse(&buffer[..length]).ok()?;
    let info = match describe(&vnet, &packet, &buffer[..length]) {
        Ok(info) => info,
        Err(_) => {
            finish_checksum(&mut vnet, &mut buffer[..length]).ok()?;
            describe(&vnet, &packet, &buffer[..length]).ok()?
        }
    };
    Some((info, packet))
}

/// Bytes a second that the path is thought to carry.
fn path_rate(connection: &Connection) -> f64 {
    let quic = &connection.quic;
    let window = quic.congestion_state(quic::PathId::ZERO).map_or(0, |controller| controller.window());
    connection.pacer.rate(window, quic.rtt(quic::PathId::ZERO).unwrap_or(SLOW_RTT))
}

/// Bytes that the transport may hold: enough for one system call on a fast path, little on a
/// slow one, where what waits must wait in the fair queue.
fn transport_room(bytes_per_second: f64, max_len: usize) -> usize {
    let wanted = (bytes_per_second * TRANSPORT_QUEUE.as_secs_f64()) as usize;
    wanted.clamp(TRANSPORT_CELLS.0 * max_len, TRANSPORT_CELLS.1 * max_len)
}

/// The next cell for a peer: small packets that already wait together, else a piece of a train.
fn next_cell(
    peer: &mut Peer,
    now: Instant,
    max_len: usize,
    blocks: &mut crate::buffers::CellBlocks,
    buffers: &mut crate::buffers::TrainBuffers,
) -> Option<bytes::Bytes> {
    let (mut used, mut packets) = (0, 0);
    while let Some((train, id)) = next_train(peer, now) {
        match peer.cutter.pack(blocks, used, max_len, id, train) {
            Packed::In { cell_len, buffer } => {
                buffers.give_back(buffer);
                used = cell_len;
                packets += 1;
            }
            Packed::Not(train) => {
                peer.cutter.set_aside(train, id);
                break;
            }
        }
    }
    if packets > 0 {
        let cell = blocks.finish();
        peer.cutter.on_packed(cell.len(), max_len);
        return Some(cell);
    }
    if !peer.cutter.is_cutting()
        && let Some((train, id)) = peer.cutter.take_aside()
    {
        peer.cutter.begin(train, id);
    }
    let (cell, done) = peer.cutter.next_piece(blocks, max_len)?;
    if let Some(buffer) = done {
        buffers.give_back(buffer);
    }
    Some(cell)
}

/// What did not fit before, else a packet of a flow that sends little, else, unless a train is
/// being cut, whose turn it is.
fn next_train(peer: &mut Peer, now: Instant) -> Option<(Outgoing, TrainId)> {
    if let Some(aside) = peer.cutter.take_aside() {
        return Some(aside);
    }
    let (slot, train) = match peer.queue.pop_sparse(now) {
        Some(next) => next,
        None if peer.cutter.is_cutting() => return None,
        None => peer.queue.pop(now)?,
    };
    peer.traffic.sent_bytes += train.bytes().len() as u64;
    peer.traffic.sent_packets += train.packets();
    Some((train, peer.next_id(slot)))
}
