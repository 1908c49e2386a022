//! What reaches us before anybody is known: datagrams at the door, and text in configurations.

use std::net::SocketAddr;
use std::time::Instant;

use quicether_core::admission::{Admission, KNOCK_LEN, Known, NONCE_LEN, OWN_CID_LEN, TAG_LEN, Tagger, Verdict, knock};
use quicether_core::{NodeId, Prefix};

use super::outcome;
use crate::run::Target;
use crate::testing::Rng;

pub fn targets() -> Vec<Target> {
    vec![
        Target { name: "admission", corpus: datagrams, check: check_admission },
        Target { name: "prefix", corpus: prefixes, check: check_prefix },
        Target { name: "node-id", corpus: node_ids, check: check_node_id },
    ]
}

/// No cipher, but every bit of the nonce moves the tag.
struct ToyTagger;

impl Tagger for ToyTagger {
    fn tag(&self, nonce: &[u8; NONCE_LEN]) -> [u8; TAG_LEN] {
        let mut rng = Rng(99);
        for b in nonce {
            rng.0 = rng.next() ^ u64::from(*b);
        }
        let mut tag = [0; TAG_LEN];
        tag.copy_from_slice(&rng.bytes(TAG_LEN));
        tag
    }
}

struct Runtime;

impl Known for Runtime {
    fn is_ours(&self, cid: &[u8; OWN_CID_LEN]) -> bool {
        cid[..2] == [0xaa, 0x55]
    }

    fn talks_to(&self, remote: SocketAddr) -> bool {
        remote.port() == 7
    }
}

fn datagrams(rng: &mut Rng) -> Vec<Vec<u8>> {
    let nonce = [7; NONCE_LEN];
    let ids = [knock(&ToyTagger, nonce).to_vec(), rng.bytes(20), vec![0xaa, 0x55, 1, 2, 3, 4, 5, 6], vec![]];
    let mut corpus = Vec::new();
    for first in [0xc3, 0xd0, 0xe1, 0xf0] {
        for id in &ids {
            for token_len in [0u8, 5] {
                let mut b = vec![first, 0, 0, 0, 1, id.len() as u8];
                b.extend(id);
                b.extend([2, 8, 9, token_len]);
                b.extend(rng.bytes(token_len.into()));
                b.extend((0x4000u16 | 1100).to_be_bytes());
                b.resize(1200, 0x33);
                corpus.push(b);
            }
        }
    }
    for id in &ids {
        corpus.push([&[0x41][..], id, &[7; 30]].concat());
    }
    corpus
}

fn check_admission(bytes: &[u8]) -> u64 {
    let now = Instant::now();
    let remote = |port: u16| SocketAddr::from(([192, 0, 2, 1], port));
    let ask = |port, strangers_allowed| {
        Admission::new(ToyTagger).decide(now, remote(port), bytes, strangers_allowed, &Runtime)
    };
    let (closed, open) = (ask(9, false), ask(9, true));
    let is_long = bytes.first().is_some_and(|b| b & 0x80 != 0);
    let dcid = match is_long {
        true => bytes.get(5).and_then(|len| bytes.get(6..6 + usize::from(*len))).unwrap_or(&[]),
        false => bytes.get(1..1 + OWN_CID_LEN).unwrap_or(&[]),
    };
    let ours = dcid.len() == OWN_CID_LEN && dcid[..2] == [0xaa, 0x55];
    match closed {
        Verdict::Pass => assert!(ours, "a stranger came in"),
        Verdict::PassTagged => {
            assert!(is_long && dcid.len() == KNOCK_LEN && bytes.len() >= 1200);
            let (nonce, tag) = dcid.split_first_chunk::<NONCE_LEN>().expect("its length was checked");
            assert_eq!(ToyTagger.tag(nonce), *tag, "a wrong tag");
        }
        Verdict::Drop(_) => {}
    }
    if is_long && bytes.get(1..5) != Some(&[0, 0, 0, 1]) {
        assert!(matches!(open, Verdict::Drop(_)), "QUIC would answer another version");
    }
    // Strangers' time and a live peer's address only ever let more in.
    for wider in [open, ask(7, false)] {
        assert!(matches!(closed, Verdict::Drop(_)) || wider == closed);
    }
    outcome(&[rank(closed), rank(open), is_long.into()])
}

fn rank(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Pass => 1,
        Verdict::PassTagged => 3,
        Verdict::Drop(reason) => 8 << reason as usize,
    }
}

fn prefixes(_: &mut Rng) -> Vec<Vec<u8>> {
    let texts =
        ["0.0.0.0/0", "10.0.0.0/8", "192.168.1.7/32", "::/0", "fd00::/8", "2001:db8::1/128", "::ffff:1.2.3.4/128"];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn check_prefix(bytes: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(bytes) else { return 0 };
    match text.parse::<Prefix>() {
        Err(why) => outcome(&[1, 1 << why as usize]),
        Ok(prefix) => {
            assert_eq!(prefix.to_string().parse(), Ok(prefix), "reads what it writes");
            assert!(prefix.contains(prefix.network()) && prefix.overlaps(&prefix));
            assert_eq!(Prefix::containing(prefix.network(), prefix.length()), Ok(prefix));
            outcome(&[2, prefix.length().into(), prefix.network().is_ipv4().into()])
        }
    }
}

fn node_ids(rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut corpus = vec![b"qe1".to_vec()];
    for _ in 0..10 {
        let mut id = [0; 20];
        id.copy_from_slice(&rng.bytes(20));
        corpus.push(NodeId(id).to_string().into_bytes());
    }
    corpus
}

fn check_node_id(bytes: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(bytes) else { return 0 };
    match text.parse::<NodeId>() {
        Err(why) => outcome(&[1, 1 << why as usize]),
        Ok(id) => {
            assert_eq!(id.to_string(), text, "an id has one text form");
            let octets = id.overlay_v4().octets();
            assert!(octets[0] == 100 && octets[1] & 0xc0 == 64);
            outcome(&[2])
        }
    }
}
