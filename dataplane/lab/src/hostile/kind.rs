//! What a stranger may send to a port.

use std::str::FromStr;

use super::initial;
use crate::rng::Rng;

/// A kind of hostile datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Random bytes of random length.
    Garbage,
    /// The beginning of a well-formed Initial.
    Truncated,
    /// A well-formed Initial whose connection id has the right length and the wrong tag.
    InitialWrongTag,
    /// A well-formed Initial as any QUIC client sends it.
    InitialUntagged,
    /// A well-formed Initial with the right tag: only whoever knows the NodeId can make it.
    InitialTagged,
    /// A version negotiation packet.
    VersionNegotiation,
    /// A long header of a version that does not exist.
    UnknownVersion,
    /// A packet of a connection that does not exist.
    ShortHeader,
    /// A well-formed Initial with a token that nobody gave.
    BadRetryToken,
    /// A Handshake or 0-RTT packet out of nowhere.
    LongHeader,
    /// All but [`Self::InitialTagged`], by turns.
    Mixed,
}

/// Names as typed.
pub const KINDS: [(&str, Kind); 11] = [
    ("garbage", Kind::Garbage),
    ("truncated", Kind::Truncated),
    ("initial-wrong-tag", Kind::InitialWrongTag),
    ("initial-untagged", Kind::InitialUntagged),
    ("initial-tagged", Kind::InitialTagged),
    ("version-negotiation", Kind::VersionNegotiation),
    ("unknown-version", Kind::UnknownVersion),
    ("short-header", Kind::ShortHeader),
    ("bad-retry-token", Kind::BadRetryToken),
    ("long-header", Kind::LongHeader),
    ("mixed", Kind::Mixed),
];

const IN_TURN: [Kind; 9] = [
    Kind::Garbage,
    Kind::Truncated,
    Kind::InitialWrongTag,
    Kind::InitialUntagged,
    Kind::VersionNegotiation,
    Kind::UnknownVersion,
    Kind::ShortHeader,
    Kind::BadRetryToken,
    Kind::LongHeader,
];

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        KINDS.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind).ok_or_else(|| {
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            format!("not a kind; one of {}", names.join(", "))
        })
    }
}

/// Makes datagrams of one kind, all different, the same for the same seed.
pub struct Maker {
    kind: Kind,
    rng: Rng,
    turn: usize,
    alpn: Vec<u8>,
    callee: Vec<u8>,
}

impl Maker {
    /// `callee` is asked for by [`Kind::InitialTagged`] alone.
    pub fn new(kind: Kind, seed: u64, alpn: Vec<u8>, callee: Vec<u8>) -> Self {
        Self { kind, rng: Rng::new(seed), turn: 0, alpn, callee }
    }

    /// The next datagram.
    pub fn make(&mut self) -> Vec<u8> {
        let kind = match self.kind {
            Kind::Mixed => {
                self.turn += 1;
                IN_TURN[self.turn % IN_TURN.len()]
            }
            kind => kind,
        };
        match kind {
            Kind::Garbage | Kind::Mixed => self.random(1, 1452),
            Kind::Truncated => {
                let mut packet = self.initial(20, &[]);
                packet.truncate(self.rng.between(1, initial::DATAGRAM_LEN - 1));
                packet
            }
            Kind::InitialWrongTag => self.initial(20, &[]),
            Kind::InitialUntagged => self.initial(8, &[]),
            Kind::InitialTagged => {
                let knock = initial::knock(&mut self.rng, &self.callee);
                initial::encode(&mut self.rng, &knock, &[], &self.alpn)
            }
            Kind::BadRetryToken => {
                let token = self.random(16, 90);
                self.initial(20, &token)
            }
            Kind::VersionNegotiation => self.long_header(0, &[0, 0, 0, 1, 0x6b, 0x33, 0x43, 0xcf], false),
            Kind::UnknownVersion => self.long_header(0x1a2a_3a4a, &[], true),
            Kind::LongHeader => {
                let body = self.random(40, 1300);
                self.long_header(1, &body, false)
            }
            Kind::ShortHeader => {
                let mut packet = self.random(21, 1452);
                packet[0] = 0x40 | (packet[0] & 0x3f);
                packet
            }
        }
    }

    fn random(&mut self, low: usize, high: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.rng.between(low, high)];
        self.rng.fill(&mut bytes);
        bytes
    }

    fn initial(&mut self, id_len: usize, token: &[u8]) -> Vec<u8> {
        let id = self.random(id_len, id_len);
        initial::encode(&mut self.rng, &id, token, &self.alpn)
    }

    fn long_header(&mut self, version: u32, body: &[u8], padded: bool) -> Vec<u8> {
        let kind = self.random(1, 1)[0] & 0x3f;
        // Handshake or 0-RTT in version 1, so that it is no Initial by chance.
        let kind = if version == 1 { (kind & 0x0f) | if kind & 0x10 == 0 { 0x10 } else { 0x20 } } else { kind };
        let mut packet = vec![0xc0 | kind];
        packet.extend_from_slice(&version.to_be_bytes());
        for len in [20, 8] {
            packet.push(len);
            let id = self.random(len as usize, len as usize);
            packet.extend_from_slice(&id);
        }
        packet.extend_from_slice(body);
        if padded {
            let rest = self.random(initial::DATAGRAM_LEN, initial::DATAGRAM_LEN);
            packet.extend_from_slice(&rest[packet.len()..]);
        }
        packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_makes_what_it_says_and_never_the_same_twice() {
        for (name, kind) in KINDS {
            let mut maker = Maker::new(kind, 5, b"x".to_vec(), vec![1; 20]);
            let made: Vec<Vec<u8>> = (0..50).map(|_| maker.make()).collect();
            assert!(made.iter().all(|packet| (1..=1452).contains(&packet.len())), "{name}");
            let long = made.iter().filter(|packet| packet.len() > 12).collect::<Vec<_>>();
            assert!(long.windows(2).all(|pair| pair[0] != pair[1]), "{name}");
            match kind {
                Kind::VersionNegotiation => assert!(made.iter().all(|packet| packet[1..5] == [0; 4])),
                Kind::ShortHeader => assert!(made.iter().all(|packet| packet[0] & 0xc0 == 0x40)),
                Kind::UnknownVersion => assert!(made.iter().all(|packet| packet.len() == 1200)),
                _ => {}
            }
            let mut again = Maker::new(kind, 5, b"x".to_vec(), vec![1; 20]);
            assert!(made.iter().all(|packet| *packet == again.make()), "{name}");
        }
    }

    #[test]
    fn an_unknown_kind_is_answered_with_the_list() {
        assert!("garbag".parse::<Kind>().unwrap_err().contains("garbage, truncated"));
    }
}
