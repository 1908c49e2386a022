//! From a train to cells: what the TUN gave is cut into pieces as large as the path takes.

use bytes::{BufMut, Bytes};
use quicether_core::cut::segment_headers;
use quicether_core::ecn::{self, Marked};
use quicether_core::packet::TrainInfo;
use quicether_core::queue::Queued;
use quicether_wire::cell::{self, FIRST_PIECE_HEADER_LEN, PieceFlags, TrainId};

use crate::buffers::CellBlocks;

/// Bytes of frame around a cell: frame type and length.
const FRAME_LEN: usize = 3;
/// Shortest piece worth a place at the end of a packet begun by another cell.
const MIN_FILL_LEN: usize = 128;
/// Payload kept for the last piece when its header copy does not fit behind the rest.
const LAST_PAYLOAD_LEN: usize = 64;

/// A packet or train on its way out.
pub struct Outgoing {
    /// Its buffer; the bytes lie at `start .. start + length`.
    pub buffer: Vec<u8>,
    start: usize,
    length: usize,
    info: TrainInfo,
}

impl Outgoing {
    /// What the first `length` bytes of `buffer` hold.
    pub fn new(buffer: Vec<u8>, length: usize, info: TrainInfo) -> Self {
        Self { buffer, start: 0, length, info }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.start + self.length]
    }

    /// Length of the longest packet that it is cut into.
    pub fn packet_len(&self) -> usize {
        match usize::from(self.info.gso_size) {
            0 => self.length,
            gso => usize::from(self.info.header_len) + gso.min(self.payload_len()),
        }
    }

    fn payload_len(&self) -> usize {
        self.length - usize::from(self.info.header_len)
    }
}

impl Queued for Outgoing {
    fn bytes(&self) -> usize {
        self.length
    }

    fn mark(&mut self) -> bool {
        let end = self.start + self.length;
        ecn::mark_ce(&mut self.buffer[self.start..end]) == Marked::Yes
    }

    /// Takes the first segment away; the headers move up to the rest.
    fn shorten(&mut self) -> bool {
        let (gso, header_len) = (usize::from(self.info.gso_size), usize::from(self.info.header_len));
        if gso == 0 || self.payload_len() <= gso {
            return false;
        }
        let headers = &self.bytes()[..header_len];
        let (all, rest) = (self.payload_len(), self.payload_len() - gso);
        let Ok(part) = segment_headers(headers, all, self.info.gso_size, 1, rest) else { return false };
        self.start += gso;
        self.length -= gso;
        self.buffer[self.start..self.start + header_len].copy_from_slice(&part);
        if rest <= gso {
            self.info.gso_size = 0;
        }
        true
    }

    fn packets(&self) -> u64 {
        match usize::from(self.info.gso_size) {
            0 => 1,
            gso => self.payload_len().div_ceil(gso) as u64,
        }
    }
}

/// Makes cells for one peer.
#[derive(Default)]
pub struct Cutter {
    cutting: Option<(Outgoing, TrainId, usize)>,
    /// Did not fit into the last cell.
    aside: Option<(Outgoing, TrainId)>,
    /// Room left in the QUIC packet that the last cell began, as far as we know.
    left: usize,
}

/// What became of a packet given to [`Cutter::pack`].
pub enum Packed {
    /// It is in the cell, which is this long now; its buffer is free.
    In {
        /// Length of the cell so far.
        cell_len: usize,
        /// The packet's buffer.
        buffer: Vec<u8>,
    },
    /// It does not fit: the cell is full, or the packet is a train.
    Not(Outgoing),
}

impl Cutter {
    /// Whether a train is being cut.
    pub fn is_cutting(&self) -> bool {
        self.cutting.is_some()
    }

    /// Whether nothing is here.
    pub fn is_empty(&self) -> bool {
        self.cutting.is_none() && self.aside.is_none()
    }

    /// Keeps what did not fit into a cell for the next.
    pub fn set_aside(&mut self, train: Outgoing, id: TrainId) {
        debug_assert!(self.aside.is_none());
        self.aside = Some((train, id));
    }

    /// What was set aside.
    pub fn take_aside(&mut self) -> Option<(Outgoing, TrainId)> {
        self.aside.take()
    }

    /// Begins to cut a train.
    pub fn begin(&mut self, train: Outgoing, id: TrainId) {
        debug_assert!(self.cutting.is_none());
        self.cutting = Some((train, id, 0));
    }

    /// Forgets what is here, and gives the buffers.
    pub fn abandon(&mut self) -> impl Iterator<Item = Vec<u8>> {
        self.left = 0;
        let cutting = self.cutting.take().map(|(train, ..)| train.buffer);
        cutting.into_iter().chain(self.aside.take().map(|(train, _)| train.buffer))
    }

    /// The transport has sent all it had: the next cell begins a packet.
    pub fn on_flushed(&mut self) {
        self.left = 0;
    }

    /// Adds a whole packet to the packets cell in `blocks`, of at most `max_len` bytes.
    pub fn pack(&self, blocks: &mut CellBlocks, used: usize, max_len: usize, id: TrainId, packet: Outgoing) -> Packed {
        let header = if used == 0 { cell::PACKETS_HEADER_LEN } else { 0 };
        let needed = header + cell::RECORD_HEADER_LEN + packet.length;
        if packet.info.gso_size != 0 || used + needed > max_len {
            return Packed::Not(packet);
        }
        // Only what the cell may still grow by: a cell begun must stay in its block.
        let block = blocks.begin(max_len - used);
        if used == 0 {
            block.put_u8(cell::PACKETS_CELL);
        }
        block.put_slice(&cell::encode_record_header(id, packet.length as u16, packet.info.partial_checksum));
        block.put_slice(packet.bytes());
        Packed::In { cell_len: used + needed, buffer: packet.buffer }
    }

    /// A packets cell of `length` bytes was handed to the transport.
    pub fn on_packed(&mut self, length: usize, max_len: usize) {
        self.take_room(length, max_len);
    }

    /// The next piece of the train, of at most `max_len` bytes, and the buffer once it is done.
    pub fn next_piece(&mut self, blocks: &mut CellBlocks, max_len: usize) -> Option<(Bytes, Option<Vec<u8>>)> {
        let (train, id, at) = self.cutting.take()?;
        let room = if self.left >= MIN_FILL_LEN { self.left.min(max_len) } else { max_len };
        let header_len = if at == 0 { FIRST_PIECE_HEADER_LEN } else { cell::PIECE_HEADER_LEN };
        let (rest, mut take) = (train.length - at, room - header_len);
        // Losing a piece of one segment loses it all, headers or not.
        let copy_len = if at > 0 && train.info.gso_size != 0 { usize::from(train.info.header_len) } else { 0 };
        let trailer_len = if copy_len > 0 { copy_len + cell::COPY_TRAILER_LEN } else { 0 };
        let mut last = rest <= take;
        if last && rest + trailer_len > take {
            last = false;
            take = rest.saturating_sub(LAST_PAYLOAD_LEN).max(1);
        }
        take = take.min(rest);
        if at == 0 {
            // The first piece must show all headers.
            let min = usize::from(train.info.header_len);
            if take < min {
                self.left = 0;
                self.cutting = Some((train, id, at));
                return self.next_piece(blocks, max_len);
            }
        }
        let flags = PieceFlags { last, partial_checksum: train.info.partial_checksum, with_copy: last && copy_len > 0 };
        let mut header = [0; FIRST_PIECE_HEADER_LEN];
        let written = cell::encode_piece_header(&mut header, id, at as u16, train.info.gso_size, flags);
        let block = blocks.begin(max_len);
        block.put_slice(&header[..written]);
        block.put_slice(&train.bytes()[at..at + take]);
        if flags.with_copy {
            block.put_slice(&train.bytes()[..copy_len]);
            block.put_slice(&cell::encode_copy_trailer(copy_len as u8, train.info.gso_size));
        }
        let cell = blocks.finish();
        self.take_room(cell.len(), max_len);
        if last {
            return Some((cell, Some(train.buffer)));
        }
        self.cutting = Some((train, id, at + take));
        Some((cell, None))
    }

    fn take_room(&mut self, length: usize, max_len: usize) {
        let packet = if self.left >= length && self.left >= MIN_FILL_LEN { self.left } else { max_len };
        self.left = (packet - length.min(packet)).saturating_sub(FRAME_LEN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quicether_wire::cell::Cell;

    const ID: TrainId = TrainId { slot: 5, number: 9 };

    fn tcp_train(payload_len: usize) -> Outgoing {
        let mut bytes = vec![0u8; 40 + payload_len];
        bytes[0] = 0x45;
        bytes[2..4].copy_from_slice(&((40 + payload_len) as u16).to_be_bytes());
        bytes[8] = 64;
        bytes[9] = 6;
        bytes[12..16].copy_from_slice(&[10, 0, 0, 1]);
        bytes[16..20].copy_from_slice(&[10, 0, 0, 2]);
        bytes[32] = 5 << 4;
        for (n, byte) in bytes[40..].iter_mut().enumerate() {
            *byte = (n % 251) as u8;
        }
        let length = bytes.len();
        Outgoing::new(bytes, length, TrainInfo { header_len: 40, gso_size: 1000, partial_checksum: true })
    }

    #[test]
    fn the_pieces_of_a_train_are_the_train() {
        for payload_len in [1001, 1380, 1390, 2000, 2758, 2760, 2800, 5000, 60_000] {
            let train = tcp_train(payload_len);
            let whole = train.bytes().to_vec();
            let (mut cutter, mut blocks, mut again) = (Cutter::default(), CellBlocks::default(), Vec::new());
            cutter.begin(train, ID);
            let mut ends = 0;
            while let Some((bytes, done)) = cutter.next_piece(&mut blocks, 1400) {
                assert!(bytes.len() <= 1400);
                let Ok(Cell::Piece(piece)) = cell::decode(&bytes) else { panic!() };
                assert_eq!((usize::from(piece.offset), piece.train), (again.len(), ID));
                assert_eq!(piece.last, done.is_some());
                if piece.last && piece.offset > 0 {
                    assert_eq!(bytes[piece.header_copy.clone()], whole[..40], "{payload_len}");
                    assert_eq!(piece.gso_size, Some(1000));
                }
                again.extend_from_slice(&bytes[piece.payload]);
                ends += usize::from(done.is_some());
                cutter.on_flushed();
            }
            assert_eq!((again == whole, ends), (true, 1), "{payload_len}");
        }
    }

    #[test]
    fn a_train_goes_on_where_the_one_before_left_room() {
        let (mut cutter, mut blocks) = (Cutter::default(), CellBlocks::default());
        cutter.begin(tcp_train(1500), ID);
        let first = cutter.next_piece(&mut blocks, 1400).unwrap().0;
        let last = cutter.next_piece(&mut blocks, 1400).unwrap().0;
        cutter.begin(tcp_train(1500), TrainId { number: 10, ..ID });
        let fill = cutter.next_piece(&mut blocks, 1400).unwrap().0;
        assert_eq!(first.len(), 1400);
        assert_eq!(last.len() + fill.len() + FRAME_LEN, 1400);
    }

    #[test]
    fn packed_cells_stay_whole_at_the_end_of_a_block() {
        let (mut blocks, mut cells) = (CellBlocks::default(), Vec::new());
        for _ in 0..2000 {
            let mut used = 0;
            loop {
                let info = TrainInfo { header_len: 28, gso_size: 0, partial_checksum: false };
                match Cutter::default().pack(&mut blocks, used, 1400, ID, Outgoing::new(vec![7; 94], 94, info)) {
                    Packed::In { cell_len, .. } => used = cell_len,
                    Packed::Not(_) => break,
                }
            }
            cells.push(blocks.finish());
        }
        for cell in cells {
            let Ok(Cell::Packets(records)) = cell::decode(&cell) else { panic!() };
            assert_eq!(records.filter(|record| record.is_ok()).count(), 1399 / 100);
        }
    }

    #[test]
    fn a_shortened_train_begins_with_its_second_segment() {
        let mut train = tcp_train(2500);
        assert!(train.shorten());
        assert_eq!((train.packets(), train.bytes().len()), (2, 1540));
        assert_eq!(train.bytes()[24..28], 1000u32.to_be_bytes(), "sequence number");
        assert_eq!(train.bytes()[40], (1000 % 251) as u8);
        assert!(train.shorten());
        assert!(!train.shorten(), "one segment is left");
        assert_eq!(train.info.gso_size, 0);
    }
}
