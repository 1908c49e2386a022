//! Cells: the content of one QUIC DATAGRAM frame.
//!
//! ```text
//! piece    01 L P C 000 | slot:16 | train:16 | offset:16 | [gso:16 when offset is 0] | payload
//!          when C: | copy of the train's headers | their length:8 | gso:16
//! packets  10 000000 | { partial:1 length:15 | slot:16 | train:16 | packet } ...
//! echo     00 00000r | token:64
//! ```
//!
//! L: the last piece of its train; P: the transport checksum is partial, as the sending kernel
//! left it; C: the headers travel a second time behind the payload, so that losing the first
//! piece does not lose the rest; r: a reply.

use core::ops::Range;

const KIND_MASK: u8 = 0b1100_0000;
const KIND_ECHO: u8 = 0b0000_0000;
const KIND_PIECE: u8 = 0b0100_0000;
const KIND_PACKETS: u8 = 0b1000_0000;
const LAST: u8 = 0b0010_0000;
const PARTIAL: u8 = 0b0001_0000;
const COPY: u8 = 0b0000_1000;
const ECHO_REPLY: u8 = 1;
const LENGTH_MASK: u16 = 0x7fff;

/// Bytes of a piece before its payload, except the first of a train.
pub const PIECE_HEADER_LEN: usize = 7;
/// The same for the first piece of a train.
pub const FIRST_PIECE_HEADER_LEN: usize = PIECE_HEADER_LEN + 2;
/// Bytes behind a header copy.
pub const COPY_TRAILER_LEN: usize = 3;
/// Bytes of a packets cell before its first record.
pub const PACKETS_HEADER_LEN: usize = 1;
/// Bytes of a record before its packet.
pub const RECORD_HEADER_LEN: usize = 6;
/// Length of an echo.
pub const ECHO_LEN: usize = 9;
/// The shortest IP packet.
const MIN_PACKET_LEN: usize = 20;

/// Where a train belongs: its flow's slot and its number in that slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrainId {
    /// Flow slot, chosen by the sender; a flow keeps its slot.
    pub slot: u16,
    /// Counts up within the slot and wraps.
    pub number: u16,
}

/// A cell that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadCell;

/// What a cell is; ranges point into the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Part of a train.
    Piece(Piece),
    /// Whole packets.
    Packets(Records<'a>),
    /// Round trip probe.
    Echo {
        /// Whether this answers one.
        reply: bool,
        /// Returned as it came.
        token: u64,
    },
}

/// Part of a train.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its train.
    pub train: TrainId,
    /// Where its payload stands in the train, in bytes from the first byte of the IP header.
    pub offset: u16,
    /// Whether the train ends with it.
    pub last: bool,
    /// Whether the transport checksum is partial.
    pub partial_checksum: bool,
    /// Segment size of the train (0: not segmented), known from its first piece and from a copy.
    pub gso_size: Option<u16>,
    /// The payload.
    pub payload: Range<usize>,
    /// A copy of the train's headers; empty when there is none.
    pub header_copy: Range<usize>,
}

/// Reads a cell.
pub fn decode(bytes: &[u8]) -> Result<Cell<'_>, BadCell> {
    let kind = *bytes.first().ok_or(BadCell)?;
    match kind & KIND_MASK {
        KIND_PIECE => decode_piece(bytes).map(Cell::Piece),
        KIND_PACKETS if bytes.len() > PACKETS_HEADER_LEN => Ok(Cell::Packets(Records { rest: bytes, at: 1 })),
        KIND_ECHO if bytes.len() == ECHO_LEN => {
            let token = bytes[1..].try_into().map_err(|_| BadCell)?;
            Ok(Cell::Echo { reply: kind & ECHO_REPLY != 0, token: u64::from_be_bytes(token) })
        }
        _ => Err(BadCell),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, BadCell> {
    match bytes.get(at..at + 2) {
        Some([high, low]) => Ok(u16::from_be_bytes([*high, *low])),
        _ => Err(BadCell),
    }
}

fn decode_piece(bytes: &[u8]) -> Result<Piece, BadCell> {
    let flags = bytes[0];
    let train = TrainId { slot: u16_at(bytes, 1)?, number: u16_at(bytes, 3)? };
    let offset = u16_at(bytes, 5)?;
    let (start, mut gso_size) = match offset {
        0 => (FIRST_PIECE_HEADER_LEN, Some(u16_at(bytes, PIECE_HEADER_LEN)?)),
        _ => (PIECE_HEADER_LEN, None),
    };
    let (mut end, mut header_copy) = (bytes.len(), 0..0);
    if flags & COPY != 0 {
        let trailer = end.checked_sub(COPY_TRAILER_LEN).ok_or(BadCell)?;
        let length = usize::from(bytes[trailer]);
        gso_size = Some(u16_at(bytes, trailer + 1)?);
        end = trailer.checked_sub(length).ok_or(BadCell)?;
        header_copy = end..trailer;
    }
    let length = end.checked_sub(start).filter(|length| *length > 0).ok_or(BadCell)?;
    if usize::from(offset) + length > usize::from(u16::MAX) {
        return Err(BadCell);
    }
    Ok(Piece {
        train,
        offset,
        last: flags & LAST != 0,
        partial_checksum: flags & PARTIAL != 0,
        gso_size,
        payload: start..end,
        header_copy,
    })
}

/// The records of a packets cell, one after the other; ends at the first that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records<'a> {
    rest: &'a [u8],
    at: usize,
}

/// One whole packet of a packets cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in its flow.
    pub train: TrainId,
    /// Whether the transport checksum is partial.
    pub partial_checksum: bool,
    /// The packet, as a range of the cell.
    pub packet: Range<usize>,
}

impl Iterator for Records<'_> {
    type Item = Result<Record, BadCell>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.rest.len() {
            return None;
        }
        let record = self.read();
        self.at = record.as_ref().map_or(self.rest.len(), |r| r.packet.end);
        Some(record)
    }
}

impl Records<'_> {
    fn read(&self) -> Result<Record, BadCell> {
        let length = u16_at(self.rest, self.at)?;
        let train = TrainId { slot: u16_at(self.rest, self.at + 2)?, number: u16_at(self.rest, self.at + 4)? };
        let start = self.at + RECORD_HEADER_LEN;
        let end = start + usize::from(length & LENGTH_MASK);
        if end - start < MIN_PACKET_LEN || end > self.rest.len() {
            return Err(BadCell);
        }
        Ok(Record { train, partial_checksum: length & !LENGTH_MASK != 0, packet: start..end })
    }
}

/// Writes the bytes before the payload of a piece; returns how many.
///
/// `gso_size` is written when `offset` is 0. `with_copy` promises [`encode_copy_trailer`] behind
/// header copy and payload.
pub fn encode_piece_header(
    out: &mut [u8; FIRST_PIECE_HEADER_LEN],
    train: TrainId,
    offset: u16,
    gso_size: u16,
    flags: PieceFlags,
) -> usize {
    out[0] = KIND_PIECE
        | if flags.last { LAST } else { 0 }
        | if flags.partial_checksum { PARTIAL } else { 0 }
        | if flags.with_copy { COPY } else { 0 };
    out[1..3].copy_from_slice(&train.slot.to_be_bytes());
    out[3..5].copy_from_slice(&train.number.to_be_bytes());
    out[5..7].copy_from_slice(&offset.to_be_bytes());
    if offset != 0 {
        return PIECE_HEADER_LEN;
    }
    out[7..9].copy_from_slice(&gso_size.to_be_bytes());
    FIRST_PIECE_HEADER_LEN
}

/// Flags of a piece.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PieceFlags {
    /// The train ends with it.
    pub last: bool,
    /// The transport checksum is partial.
    pub partial_checksum: bool,
    /// A copy of the headers follows the payload.
    pub with_copy: bool,
}

/// The bytes behind a header copy of `length` bytes.
pub fn encode_copy_trailer(length: u8, gso_size: u16) -> [u8; COPY_TRAILER_LEN] {
    let [high, low] = gso_size.to_be_bytes();
    [length, high, low]
}

/// The first byte of a packets cell.
pub const PACKETS_CELL: u8 = KIND_PACKETS;

/// The bytes before a packet of `length` bytes (at most 32767) in a packets cell.
pub fn encode_record_header(train: TrainId, length: u16, partial_checksum: bool) -> [u8; RECORD_HEADER_LEN] {
    debug_assert!(length <= LENGTH_MASK);
    let length = length | if partial_checksum { !LENGTH_MASK } else { 0 };
    let (l, s, n) = (length.to_be_bytes(), train.slot.to_be_bytes(), train.number.to_be_bytes());
    [l[0], l[1], s[0], s[1], n[0], n[1]]
}

/// An echo or its reply.
pub fn encode_echo(reply: bool, token: u64) -> [u8; ECHO_LEN] {
    let mut out = [0; ECHO_LEN];
    out[0] = KIND_ECHO | if reply { ECHO_REPLY } else { 0 };
    out[1..].copy_from_slice(&token.to_be_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn piece(offset: u16, gso: u16, flags: PieceFlags, payload: &[u8], copy: &[u8]) -> Vec<u8> {
        let mut header = [0; FIRST_PIECE_HEADER_LEN];
        let n = encode_piece_header(&mut header, TrainId { slot: 7, number: 65535 }, offset, gso, flags);
        let mut cell = header[..n].to_vec();
        cell.extend_from_slice(payload);
        if flags.with_copy {
            cell.extend_from_slice(copy);
            cell.extend_from_slice(&encode_copy_trailer(copy.len() as u8, gso));
        }
        cell
    }

    #[test]
    fn pieces_round_trip() {
        let first = piece(0, 1448, PieceFlags { partial_checksum: true, ..Default::default() }, b"headers", b"");
        let Ok(Cell::Piece(read)) = decode(&first) else { panic!() };
        assert_eq!((read.offset, read.gso_size, read.last, read.partial_checksum), (0, Some(1448), false, true));
        assert_eq!(&first[read.payload], b"headers");

        let last = piece(900, 1448, PieceFlags { last: true, with_copy: true, ..Default::default() }, b"tail", b"HEAD");
        let Ok(Cell::Piece(read)) = decode(&last) else { panic!() };
        assert_eq!((read.gso_size, read.last), (Some(1448), true));
        assert_eq!((&last[read.payload.clone()], &last[read.header_copy]), (&b"tail"[..], &b"HEAD"[..]));
    }

    #[test]
    fn every_cut_of_a_cell_is_an_error_or_shorter() {
        let whole = piece(0, 1, PieceFlags { last: true, with_copy: true, ..Default::default() }, b"x", b"HEAD");
        for end in 0..FIRST_PIECE_HEADER_LEN + COPY_TRAILER_LEN {
            assert_eq!(decode(&whole[..end]), Err(BadCell), "{end}");
        }
        assert_eq!(decode(&piece(65535, 0, PieceFlags::default(), b"x", b"")), Err(BadCell), "past the end of a train");
    }

    #[test]
    fn packets_round_trip_and_end_at_the_first_bad_one() {
        let mut cell = alloc::vec![PACKETS_CELL];
        for n in 0..3u16 {
            cell.extend_from_slice(&encode_record_header(TrainId { slot: n, number: n }, 20 + n, n == 1));
            cell.resize(cell.len() + 20 + usize::from(n), n as u8);
        }
        let Ok(Cell::Packets(records)) = decode(&cell) else { panic!() };
        let read: Vec<_> = records.map(Result::unwrap).collect();
        assert_eq!(read.len(), 3);
        assert!(read[1].partial_checksum && !read[2].partial_checksum);
        assert!(cell[read[2].packet.clone()].iter().all(|b| *b == 2));

        let Ok(Cell::Packets(records)) = decode(&cell[..cell.len() - 1]) else { panic!() };
        assert_eq!(records.collect::<Vec<_>>().last(), Some(&Err(BadCell)));
    }

    #[test]
    fn echo_round_trips() {
        assert_eq!(decode(&encode_echo(true, 77)), Ok(Cell::Echo { reply: true, token: 77 }));
        assert_eq!(decode(&encode_echo(true, 77)[..8]), Err(BadCell));
        assert_eq!(decode(&[0b1100_0000; 30]), Err(BadCell));
    }
}
