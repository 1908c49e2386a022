//! A super-packet cut into sealed pieces, and put together again.
//!
//! A piece is `train number | index and count | length`, each a little-endian u32, then up to
//! [`PIECE_LEN`] bytes sealed with AES-128-GCM, the header being nonce and authenticated data.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// Payload of a piece.
pub const PIECE_LEN: usize = 1400;
const HEADER_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// A whole piece as it goes into a datagram.
pub const SEALED_LEN: usize = HEADER_LEN + PIECE_LEN + TAG_LEN;

/// Longest super-packet: 64 KB and the offload header.
pub const MAX_TRAIN: usize = 65_535 + 10;

/// Most pieces of one.
pub const MAX_PIECES: usize = MAX_TRAIN.div_ceil(PIECE_LEN);

/// The key of the probe. It measures and keeps no secret: both ends and all runs have it.
fn key() -> LessSafeKey {
    let mut bytes = [0; 16];
    bytes[0] = 1;
    // A key of 16 bytes is what AES-128 takes.
    LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &bytes).expect("the key has the length of the cipher"))
}

/// Cuts and seals.
pub struct Cutter {
    key: LessSafeKey,
    train: u32,
    out: Box<[u8]>,
}

impl Cutter {
    /// Ready for the first train.
    pub fn new() -> Self {
        Self { key: key(), train: 0, out: vec![0; MAX_PIECES * SEALED_LEN].into() }
    }

    /// The pieces of a train one after the other, all but the last [`SEALED_LEN`] long.
    pub fn cut(&mut self, train: &[u8]) -> &[u8] {
        self.train = self.train.wrapping_add(1);
        let count = train.len().div_ceil(PIECE_LEN) as u32;
        let mut end = 0;
        for (index, part) in train.chunks(PIECE_LEN).enumerate() {
            let piece = &mut self.out[end..end + HEADER_LEN + part.len() + TAG_LEN];
            let (header, sealed) = piece.split_at_mut(HEADER_LEN);
            header[..4].copy_from_slice(&self.train.to_le_bytes());
            header[4..8].copy_from_slice(&((index as u32) << 16 | count).to_le_bytes());
            header[8..].copy_from_slice(&(train.len() as u32).to_le_bytes());
            let nonce: [u8; HEADER_LEN] = std::array::from_fn(|at| header[at]);
            let (body, tag) = sealed.split_at_mut(part.len());
            self.key
                .seal_out_of_place_scatter(
                    Nonce::assume_unique_for_key(nonce),
                    Aad::from(&*header),
                    part,
                    body,
                    &[],
                    tag,
                )
                .expect("the rooms have the lengths of their contents");
            end += HEADER_LEN + part.len() + TAG_LEN;
        }
        &self.out[..end]
    }
}

/// Opens pieces and puts trains together; a train that lacks a piece when the next one begins is
/// gone, as in every probe: the product does better, the bound does not need it.
pub struct Joiner {
    key: LessSafeKey,
    train: u32,
    count: usize,
    have: usize,
    room: Box<[u8]>,
    /// Trains that lacked a piece.
    pub incomplete: u64,
    /// Pieces that did not open.
    pub forged: u64,
}

impl Joiner {
    /// Ready for the first piece.
    pub fn new() -> Self {
        let room = vec![0; MAX_PIECES * PIECE_LEN].into();
        Self { key: key(), train: 0, count: 0, have: 0, room, incomplete: 0, forged: 0 }
    }

    /// Takes a piece; gives the train that it made whole.
    pub fn join(&mut self, piece: &[u8]) -> Option<&[u8]> {
        let header: [u8; HEADER_LEN] = piece.get(..HEADER_LEN)?.try_into().ok()?;
        let body_len = piece.len().checked_sub(HEADER_LEN + TAG_LEN)?;
        let (body, tag) = piece[HEADER_LEN..].split_at(body_len);
        let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (train, index, count, len) =
            (word(0), (word(4) >> 16) as usize, (word(4) & 0xffff) as usize, word(8) as usize);
        if index >= count
            || count > MAX_PIECES
            || len > MAX_TRAIN
            || body_len > PIECE_LEN
            || len.div_ceil(PIECE_LEN) != count
        {
            self.forged += 1;
            return None;
        }
        if train != self.train {
            self.incomplete += u64::from(self.have != self.count);
            (self.train, self.count, self.have) = (train, count, 0);
        }
        let at = index * PIECE_LEN;
        let nonce = Nonce::assume_unique_for_key(header);
        if self
            .key
            .open_separate_gather(nonce, Aad::from(&header), body, tag, &mut self.room[at..at + body_len])
            .is_err()
        {
            self.forged += 1;
            return None;
        }
        self.have += 1;
        (self.have == count).then(|| &self.room[..len])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn train(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 7 % 251) as u8).collect()
    }

    #[test]
    fn every_length_comes_back_as_it_was() {
        let (mut cutter, mut joiner) = (Cutter::new(), Joiner::new());
        for len in [1, 60, 1399, 1400, 1401, 2800, 30_000, MAX_TRAIN] {
            let sent = train(len);
            let pieces = cutter.cut(&sent).to_vec();
            let mut got = None;
            for piece in pieces.chunks(SEALED_LEN) {
                assert!(got.is_none());
                got = joiner.join(piece).map(<[u8]>::to_vec);
            }
            assert_eq!(got, Some(sent));
        }
        assert_eq!((joiner.incomplete, joiner.forged), (0, 0));
    }

    #[test]
    fn a_lost_piece_costs_its_train_and_no_other() {
        let (mut cutter, mut joiner) = (Cutter::new(), Joiner::new());
        let first = cutter.cut(&train(3000)).to_vec();
        assert!(joiner.join(&first[..SEALED_LEN]).is_none());
        let second = cutter.cut(&train(100)).to_vec();
        assert_eq!(joiner.join(&second), Some(&train(100)[..]));
        assert_eq!(joiner.incomplete, 1);
    }

    #[test]
    fn what_was_changed_or_cut_short_does_not_open() {
        let piece = Cutter::new().cut(&train(500)).to_vec();
        for at in 0..piece.len() {
            let mut changed = piece.clone();
            changed[at] ^= 0x40;
            assert!(Joiner::new().join(&changed).is_none(), "byte {at}");
        }
        for len in 0..piece.len() {
            assert!(Joiner::new().join(&piece[..len]).is_none(), "length {len}");
        }
    }
}
