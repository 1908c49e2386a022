//! First packets of QUIC version 1 as a real client would send them (RFC 9000, RFC 9001).
//!
//! Made here byte by byte, not with the library that the product uses: an attacker's client is
//! another one, and every byte follows from the seed.

use aws_lc_rs::hmac;
use rustls::Side;
use rustls::quic::{Keys, Version};

use crate::rng::Rng;

/// Shortest datagram that a server answers (RFC 9000 section 14.1).
pub const DATAGRAM_LEN: usize = 1200;

/// Length of nonce and tag of a first datagram of a friend, each.
const HALF_KNOCK_LEN: usize = 10;

const TAG_LEN: usize = 16;

/// A destination connection id that a friend of `callee` (the 20 bytes of its NodeId) would send.
pub fn knock(rng: &mut Rng, callee: &[u8]) -> Vec<u8> {
    let mut id = vec![0; 2 * HALF_KNOCK_LEN];
    rng.fill(&mut id[..HALF_KNOCK_LEN]);
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, callee));
    context.update(b"quicether first datagram 1");
    context.update(&id[..HALF_KNOCK_LEN]);
    context.update(callee);
    id[HALF_KNOCK_LEN..].copy_from_slice(&context.sign().as_ref()[..HALF_KNOCK_LEN]);
    id
}

/// A protected Initial with a whole ClientHello, padded to [`DATAGRAM_LEN`].
pub fn encode(rng: &mut Rng, destination_id: &[u8], token: &[u8], alpn: &[u8]) -> Vec<u8> {
    let mut source_id = [0; 8];
    rng.fill(&mut source_id);
    let hello = client_hello(rng, &source_id, alpn);

    let mut packet = vec![0xc3, 0, 0, 0, 1, destination_id.len() as u8];
    packet.extend_from_slice(destination_id);
    packet.push(source_id.len() as u8);
    packet.extend_from_slice(&source_id);
    put_varint(&mut packet, token.len());
    packet.extend_from_slice(token);
    let length = DATAGRAM_LEN - packet.len() - 2;
    packet.extend_from_slice(&(0x4000 | length as u16).to_be_bytes());
    let number_at = packet.len();
    packet.extend_from_slice(&[0; 4]);
    let header = packet.clone();

    packet.push(0x06);
    put_varint(&mut packet, 0);
    put_varint(&mut packet, hello.len());
    packet.extend_from_slice(&hello);
    packet.resize(DATAGRAM_LEN - TAG_LEN, 0);
    protect(packet, &header, number_at, destination_id)
}

fn protect(mut packet: Vec<u8>, header: &[u8], number_at: usize, destination_id: &[u8]) -> Vec<u8> {
    let keys = initial_keys(destination_id, Side::Client);
    let tag = keys.local.packet.encrypt_in_place(0, header, &mut packet[header.len()..]).expect("a packet is short");
    packet.extend_from_slice(tag.as_ref());
    let sample_at = number_at + 4;
    let sample: [u8; 16] = packet[sample_at..sample_at + 16].try_into().expect("16 bytes");
    let (first, rest) = packet.split_at_mut(1);
    keys.local
        .header
        .encrypt_in_place(&sample, &mut first[0], &mut rest[number_at - 1..number_at + 3])
        .expect("the sample has the right length");
    packet
}

fn initial_keys(destination_id: &[u8], side: Side) -> Keys {
    let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().expect("a suite of TLS 1.3");
    Keys::initial(Version::V1, suite, suite.quic.expect("the suite has QUIC"), destination_id, side)
}

fn put_varint(out: &mut Vec<u8>, value: usize) {
    match value {
        0..64 => out.push(value as u8),
        _ => out.extend_from_slice(&(0x4000 | value as u16).to_be_bytes()),
    }
}

/// Puts what `fill` writes behind its length in two bytes.
fn sized(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0, 0]);
    fill(out);
    let len = (out.len() - at - 2) as u16;
    out[at..at + 2].copy_from_slice(&len.to_be_bytes());
}

fn extension(out: &mut Vec<u8>, kind: u16, fill: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&kind.to_be_bytes());
    sized(out, fill);
}

/// RFC 8446 section 4.1.2: AES-128-GCM or ChaCha20, X25519, Ed25519 or P-256.
fn client_hello(rng: &mut Rng, source_id: &[u8], alpn: &[u8]) -> Vec<u8> {
    let mut random = [0; 64];
    rng.fill(&mut random);
    let mut body = vec![3, 3];
    body.extend_from_slice(&random[..32]);
    body.push(0);
    sized(&mut body, |out| out.extend_from_slice(&[0x13, 0x01, 0x13, 0x03]));
    body.extend_from_slice(&[1, 0]);
    sized(&mut body, |out| {
        extension(out, 43, |out| out.extend_from_slice(&[2, 3, 4]));
        extension(out, 10, |out| sized(out, |out| out.extend_from_slice(&[0, 0x1d])));
        extension(out, 13, |out| sized(out, |out| out.extend_from_slice(&[0x08, 0x07, 0x04, 0x03])));
        extension(out, 51, |out| {
            sized(out, |out| {
                out.extend_from_slice(&[0, 0x1d]);
                sized(out, |out| out.extend_from_slice(&random[32..]));
            });
        });
        extension(out, 16, |out| {
            sized(out, |out| {
                out.push(alpn.len() as u8);
                out.extend_from_slice(alpn);
            });
        });
        extension(out, 57, |out| {
            out.extend_from_slice(&[0x01, 2, 0x75, 0x30, 0x20, 4, 0x80, 0, 0xff, 0xff, 0x0f, source_id.len() as u8]);
            out.extend_from_slice(source_id);
        });
    });
    let mut hello = vec![1, 0];
    hello.extend_from_slice(&(body.len() as u16).to_be_bytes());
    hello.extend_from_slice(&body);
    hello
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server would find inside, by the keys of its side.
    fn open(mut packet: Vec<u8>) -> Vec<u8> {
        let id_len = packet[5] as usize;
        let destination_id = packet[6..6 + id_len].to_vec();
        let keys = initial_keys(&destination_id, Side::Server);
        let mut at = 6 + id_len + 1 + packet[6 + id_len] as usize;
        let token_len = match packet[at] {
            short @ 0..64 => short as usize + 1,
            long => usize::from(u16::from_be_bytes([long & 0x3f, packet[at + 1]])) + 2,
        };
        at += token_len + 2;
        let sample: [u8; 16] = packet[at + 4..at + 20].try_into().unwrap();
        let (first, rest) = packet.split_at_mut(1);
        keys.remote.header.decrypt_in_place(&sample, &mut first[0], &mut rest[at - 1..at + 3]).unwrap();
        assert_eq!(packet[0], 0xc3);
        let (header, payload) = packet.split_at_mut(at + 4);
        keys.remote.packet.decrypt_in_place(0, header, payload).expect("the tag is right").to_vec()
    }

    #[test]
    fn a_server_can_read_it() {
        for token in [&[][..], &[7; 40], &[7; 200]] {
            let packet = encode(&mut Rng::new(1), &[9; 20], token, b"hello");
            assert_eq!(packet.len(), DATAGRAM_LEN);
            let payload = open(packet);
            assert_eq!(payload[..2], [0x06, 0]);
            let len = usize::from(u16::from_be_bytes([payload[2] & 0x3f, payload[3]]));
            let hello = &payload[4..4 + len];
            assert!(payload[4 + len..].iter().all(|byte| *byte == 0));
            // A TLS server takes it, wrapped as TCP would have it.
            let mut record = vec![0x16, 3, 1];
            record.extend_from_slice(&(hello.len() as u16).to_be_bytes());
            record.extend_from_slice(hello);
            let mut acceptor = rustls::server::Acceptor::default();
            acceptor.read_tls(&mut &record[..]).unwrap();
            let accepted = acceptor.accept().map_err(|(error, _)| error).unwrap().expect("a whole hello");
            assert_eq!(accepted.client_hello().alpn().unwrap().collect::<Vec<_>>(), [b"hello"]);
        }
    }

    #[test]
    fn same_seed_same_bytes() {
        let packet = |seed| encode(&mut Rng::new(seed), &[9; 20], &[], b"x");
        assert_eq!(packet(3), packet(3));
        assert_ne!(packet(3), packet(4));
    }

    #[test]
    fn a_friends_knock_depends_on_the_callee() {
        assert_eq!(knock(&mut Rng::new(1), &[1; 20])[..10], knock(&mut Rng::new(1), &[2; 20])[..10]);
        assert_ne!(knock(&mut Rng::new(1), &[1; 20])[10..], knock(&mut Rng::new(1), &[2; 20])[10..]);
    }
}
