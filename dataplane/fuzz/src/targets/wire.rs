//! What comes out of a QUIC connection: cells and greetings.

use quicether_wire::cell::{
    self, Cell, ECHO_LEN, FIRST_PIECE_HEADER_LEN, PACKETS_CELL, Piece, PieceFlags, TrainId, encode_copy_trailer,
    encode_echo, encode_piece_header, encode_record_header,
};
use quicether_wire::greeting::{self, Frame, Hello, MAX_FRAME_LEN};

use super::outcome;
use crate::run::Target;
use crate::testing::Rng;

pub fn targets() -> Vec<Target> {
    vec![
        Target { name: "cell", corpus: cells, check: check_cell },
        Target { name: "greeting", corpus: greetings, check: check_greeting },
    ]
}

fn encode_piece(piece: &Piece, payload: &[u8], header_copy: &[u8]) -> Vec<u8> {
    let with_copy = !header_copy.is_empty();
    let flags = PieceFlags { last: piece.last, partial_checksum: piece.partial_checksum, with_copy };
    let gso_size = piece.gso_size.unwrap_or(0);
    let mut head = [0; FIRST_PIECE_HEADER_LEN];
    let len = encode_piece_header(&mut head, piece.train, piece.offset, gso_size, flags);
    let mut out = [&head[..len], payload, header_copy].concat();
    if with_copy {
        out.extend(encode_copy_trailer(header_copy.len() as u8, gso_size));
    }
    out
}

fn cells(rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut corpus = vec![encode_echo(false, 7).to_vec(), encode_echo(true, u64::MAX).to_vec()];
    for round in 0..40u16 {
        let piece = Piece {
            train: TrainId { slot: rng.next() as u16, number: round },
            offset: if round % 3 == 0 { 0 } else { rng.next() as u16 / 2 },
            last: round % 2 == 0,
            partial_checksum: round % 5 == 0,
            gso_size: Some(1448),
            payload: 0..0,
            header_copy: 0..0,
        };
        let (payload_len, copy_len) = (1 + rng.below(300), rng.below(2) * 52);
        corpus.push(encode_piece(&piece, &rng.bytes(payload_len), &rng.bytes(copy_len)));
        let mut packets = vec![PACKETS_CELL];
        for n in 0..rng.below(5) as u16 {
            let len = 20 + rng.below(80);
            packets.extend(encode_record_header(TrainId { slot: n, number: round }, len as u16, n % 2 == 0));
            packets.extend(rng.bytes(len));
        }
        corpus.push(packets);
    }
    corpus
}

fn check_cell(bytes: &[u8]) -> u64 {
    match cell::decode(bytes) {
        Err(_) => outcome(&[0, bytes.len()]),
        Ok(Cell::Echo { reply, token }) => {
            assert_eq!(bytes.len(), ECHO_LEN);
            let again = encode_echo(reply, token);
            assert_eq!(cell::decode(&again), Ok(Cell::Echo { reply, token }));
            outcome(&[1, reply.into()])
        }
        Ok(Cell::Piece(piece)) => {
            let payload = &bytes[piece.payload.clone()];
            let copy = &bytes[piece.header_copy.clone()];
            assert!(!payload.is_empty(), "an empty piece says nothing");
            assert!(usize::from(piece.offset) + payload.len() <= 65_535, "beyond the end of any train");
            assert!(piece.offset != 0 || piece.gso_size.is_some());
            let again = encode_piece(&piece, payload, copy);
            // A copy of no bytes is legal and its only trace is the size; all else reads the same.
            if let Ok(Cell::Piece(read)) = cell::decode(&again) {
                assert_eq!((read.train, read.offset, read.last), (piece.train, piece.offset, piece.last));
                assert_eq!(&again[read.payload], payload);
                assert_eq!(&again[read.header_copy], copy);
            } else {
                panic!("cannot read what was written");
            }
            outcome(&[2, piece.last.into(), payload.len(), copy.len(), piece.offset.into()])
        }
        Ok(Cell::Packets(records)) => {
            let (mut end, mut count, mut bad) = (1, 0, 0);
            for record in records {
                assert_eq!(bad, 0, "nothing comes behind what cannot be read");
                match record {
                    Err(_) => bad = 1,
                    Ok(record) => {
                        assert_eq!(record.packet.start, end + cell::RECORD_HEADER_LEN, "no gap, no overlap");
                        assert!(record.packet.len() >= 20 && record.packet.end <= bytes.len());
                        end = record.packet.end;
                        count += 1;
                    }
                }
            }
            assert!(bad == 1 || end == bytes.len(), "no byte is left over");
            outcome(&[3, count, bad])
        }
    }
}

fn greetings(rng: &mut Rng) -> Vec<Vec<u8>> {
    let addresses = ["100.64.1.2".parse().expect("an address"), "fd71::1".parse().expect("an address")];
    let names = ["", "Leeds", "Bürgeramt Köln", "a name that is as long as a name can be, and then somewhat longer!"];
    let mut corpus = vec![vec![0, 2, 200, 0], vec![0, 1, 9]];
    for (i, name) in names.iter().enumerate() {
        let hello = Hello::new(1, rng.next(), 1500, i % 2 == 0, name, &addresses[..i % 3]);
        let mut out = [0; MAX_FRAME_LEN];
        let len = hello.encode(&mut out);
        corpus.push(out[..len].to_vec());
    }
    corpus
}

fn check_greeting(bytes: &[u8]) -> u64 {
    match greeting::decode(bytes) {
        Err(_) => outcome(&[0, bytes.len()]),
        Ok(Frame::Incomplete) => {
            assert!(bytes.len() < MAX_FRAME_LEN, "a reader would wait for ever");
            outcome(&[1])
        }
        Ok(Frame::Unknown(len)) => {
            assert!((3..=bytes.len()).contains(&len));
            outcome(&[2, len])
        }
        Ok(Frame::Hello(hello, len)) => {
            assert!((3..=bytes.len().min(MAX_FRAME_LEN)).contains(&len));
            let mut out = [0; MAX_FRAME_LEN];
            let written = hello.encode(&mut out);
            assert!(written <= len, "what was read is there in full");
            assert_eq!(greeting::decode(&out[..written]), Ok(Frame::Hello(hello, written)));
            for end in 0..len {
                assert_eq!(greeting::decode(&bytes[..end]), Ok(Frame::Incomplete), "{end} of {len}");
            }
            outcome(&[3, hello.name().len(), hello.addresses().len(), hello.accepted.into()])
        }
    }
}
