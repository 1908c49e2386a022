use std::time::Duration;

use super::*;
use crate::packet::testing::Rng;

/// Stands in for HMAC: every byte of key and nonce moves every byte of the tag.
struct ToyTagger(u64);

impl Tagger for ToyTagger {
    fn tag(&self, nonce: &[u8; NONCE_LEN]) -> [u8; TAG_LEN] {
        let mut rng = Rng(self.0);
        for b in nonce {
            rng.0 = rng.next() ^ u64::from(*b);
        }
        rng.bytes(TAG_LEN).try_into().unwrap()
    }
}

/// Ids that begin with 0xaa are ours; a connection lives with port 7.
struct Runtime;

impl Known for Runtime {
    fn is_ours(&self, cid: &[u8; OWN_CID_LEN]) -> bool {
        cid[0] == 0xaa
    }

    fn talks_to(&self, remote: SocketAddr) -> bool {
        remote.port() == 7
    }
}

const OURS: [u8; OWN_CID_LEN] = [0xaa, 1, 2, 3, 4, 5, 6, 7];

fn stranger() -> SocketAddr {
    "192.0.2.9:4433".parse().unwrap()
}

fn long(first: u8, version: u32, dcid: &[u8], scid: &[u8]) -> Vec<u8> {
    let mut b = vec![first];
    b.extend(version.to_be_bytes());
    b.push(dcid.len() as u8);
    b.extend(dcid);
    b.push(scid.len() as u8);
    b.extend(scid);
    b
}

fn initial(dcid: &[u8], token: &[u8]) -> Vec<u8> {
    let mut b = long(0xc3, 1, dcid, &[5; 8]);
    b.push(token.len() as u8);
    b.extend(token);
    let rest = 1200 - b.len() - 2;
    b.extend((0x4000 | rest as u16).to_be_bytes());
    b.resize(1200, 0x77);
    b
}

fn admission() -> Admission<ToyTagger> {
    Admission::new(ToyTagger(42))
}

fn decide(bytes: &[u8], strangers_allowed: bool) -> Verdict {
    admission().decide(Instant::now(), stranger(), bytes, strangers_allowed, &Runtime)
}

const SILENCED: Verdict = Verdict::Drop(Reason::Silenced);
const MALFORMED: Verdict = Verdict::Drop(Reason::Malformed);
const WRONG_VERSION: Verdict = Verdict::Drop(Reason::WrongVersion);

#[test]
fn only_the_right_tag_opens() {
    let good = knock(&ToyTagger(42), *b"0123456789");
    assert_eq!(decide(&initial(&good, &[]), false), Verdict::PassTagged);
    for bit in 0..KNOCK_LEN * 8 {
        let mut bad = good;
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(decide(&initial(&bad, &[]), false), SILENCED, "bit {bit}");
    }
    assert_eq!(decide(&initial(&good[..19], &[]), false), SILENCED);
    assert_eq!(decide(&initial(&[], &[]), false), SILENCED);
    let other_key = knock(&ToyTagger(43), *b"0123456789");
    assert_eq!(decide(&initial(&other_key, &[]), false), SILENCED);
}

#[test]
fn a_retransmission_passes_and_a_replay_does_not() {
    let (mut door, start) = (admission(), Instant::now());
    let b = initial(&knock(&ToyTagger(42), *b"abcdefghij"), &[]);
    let mut at =
        |ms: u64, remote: SocketAddr| door.decide(start + Duration::from_millis(ms), remote, &b, false, &Runtime);
    let replayed = Verdict::Drop(Reason::Replayed);
    assert_eq!(at(0, stranger()), Verdict::PassTagged);
    assert_eq!(at(1000, stranger()), Verdict::PassTagged);
    assert_eq!(at(1000, "192.0.2.9:4434".parse().unwrap()), replayed);
    assert_eq!(at(1000, "192.0.2.8:4433".parse().unwrap()), replayed);
    assert_eq!(at(10_000, stranger()), Verdict::PassTagged);
    assert_eq!(at(10_001, stranger()), replayed);
    assert_eq!(at(86_400_000, stranger()), replayed);
}

#[test]
fn tokens_are_for_strangers_only() {
    let good = knock(&ToyTagger(42), *b"0123456789");
    assert_eq!(decide(&initial(&good, b"retry"), false), SILENCED);
    assert_eq!(decide(&initial(&OURS, b"retry"), false), SILENCED);
    assert_eq!(decide(&initial(&OURS, b"retry"), true), Verdict::Pass);
    assert_eq!(decide(&initial(&[1; 8], b"retry"), true), Verdict::Pass);
}

#[test]
fn strangers_pass_only_while_they_are_allowed_and_in_form() {
    let b = initial(&[1; 8], &[]);
    assert_eq!(decide(&b, false), SILENCED);
    assert_eq!(decide(&b, true), Verdict::Pass);
    assert_eq!(decide(&initial(&[1; 7], &[]), true), SILENCED);
    assert_eq!(decide(&b[..1199], true), MALFORMED, "its length goes beyond the datagram");
    let mut short = initial(&[1; 8], &[]);
    short[24..26].copy_from_slice(&(0x4000u16 | 1000).to_be_bytes());
    assert_eq!(decide(&short[..1100], true), MALFORMED, "amplification");
    assert_eq!(decide(&short, true), Verdict::Pass);
    let mut no_fixed_bit = b.clone();
    no_fixed_bit[0] &= !0x40;
    assert_eq!(decide(&no_fixed_bit, true), MALFORMED);
}

#[test]
fn other_versions_are_not_answered_even_during_pairing() {
    let good = knock(&ToyTagger(42), *b"0123456789");
    for version in [0u32, 2, 0xff00_001d, 0x6b33_43cf, 0x1a2a_3a4a] {
        let mut b = initial(&good, &[]);
        b[1..5].copy_from_slice(&version.to_be_bytes());
        assert_eq!(decide(&b, true), WRONG_VERSION, "{version:#x}");
        assert_eq!(decide(&b, false), WRONG_VERSION, "{version:#x}");
    }
    // An id length that only other versions allow is no reason to look further.
    assert_eq!(decide(&long(0xc0, 7, &[9; 21], &[]), false), WRONG_VERSION);
    assert_eq!(decide(&long(0xc0, 1, &[9; 21], &[]), false), MALFORMED);
}

#[test]
fn other_long_packets_need_an_id_of_ours() {
    let good = knock(&ToyTagger(42), *b"0123456789");
    for first in [0xd0, 0xe0, 0xf0] {
        let with = |dcid: &[u8]| {
            let mut b = long(first, 1, dcid, &[1; 8]);
            b.resize(1200, 3);
            b
        };
        assert_eq!(decide(&with(&OURS), false), Verdict::Pass);
        assert_eq!(decide(&with(&[1; 8]), true), SILENCED);
        assert_eq!(decide(&with(&good), true), SILENCED);
        assert_eq!(decide(&with(&OURS[..7]), true), SILENCED);
    }
    // An Initial of a callee to us is neither tagged nor always padded.
    let mut b = long(0xc0, 1, &OURS, &[1; 8]);
    b.extend([0, 30]);
    b.extend([1; 30]);
    assert_eq!(decide(&b, false), Verdict::Pass);
}

#[test]
fn short_headers_need_an_id_of_ours_or_a_live_peer() {
    let packet = |cid: &[u8], len: usize| {
        let mut b = vec![0x43];
        b.extend(cid);
        b.resize(len, 1);
        b
    };
    assert_eq!(decide(&packet(&OURS, 40), false), Verdict::Pass);
    assert_eq!(decide(&packet(&[1; 8], 40), true), SILENCED);
    for len in 0..=9 {
        assert_eq!(decide(&packet(&OURS, 9)[..len], true), MALFORMED);
    }
    let from_peer = |b: &[u8]| admission().decide(Instant::now(), "192.0.2.1:7".parse().unwrap(), b, false, &Runtime);
    assert_eq!(from_peer(&packet(&[1; 8], 21)), Verdict::Pass, "may be a stateless reset");
    assert_eq!(from_peer(&packet(&[1; 8], 20)), SILENCED);
    assert_eq!(from_peer(&initial(&[1; 20], &[])), SILENCED);
}

#[test]
fn noise_never_passes_never_panics_and_takes_no_memory() {
    let (mut rng, mut door, now) = (Rng(1), admission(), Instant::now());
    let good = initial(&knock(&ToyTagger(42), *b"0123456789"), &[]);
    for round in 0..100_000 {
        let mut b = match round % 3 {
            0 => {
                let n = rng.below(80);
                rng.bytes(n)
            }
            1 => good[..rng.below(good.len())].to_vec(),
            _ => {
                let mut b = good.clone();
                for _ in 0..1 + rng.below(4) {
                    // Only the connection id: flips elsewhere may leave a rightly tagged packet.
                    b[6 + rng.below(KNOCK_LEN)] ^= 1 << rng.below(8);
                }
                b
            }
        };
        if b.get(1) == Some(&0xaa) || b.get(6) == Some(&0xaa) || b == good {
            b.clear();
        }
        let verdict = door.decide(now, stranger(), &b, false, &Runtime);
        assert!(matches!(verdict, Verdict::Drop(_)), "{b:?}");
    }
    assert_eq!(door.seen.len(), 0);
}

#[test]
fn varints_are_those_of_rfc_9000() {
    let rest = [9u8];
    assert_eq!(parse_varint(&[0x25, 9]), Some((37, &rest[..])));
    assert_eq!(parse_varint(&[0x7b, 0xbd, 9]), Some((15_293, &rest[..])));
    assert_eq!(parse_varint(&[0x9d, 0x7f, 0x3e, 0x7d, 9]), Some((494_878_333, &rest[..])));
    let eight = [0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c, 9];
    assert_eq!(parse_varint(&eight), Some((151_288_809_941_952_652, &rest[..])));
    assert_eq!(parse_varint(&eight[..7]), None);
    assert_eq!(parse_varint(&[]), None);
}
