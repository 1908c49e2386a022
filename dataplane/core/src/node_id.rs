//! Who a box is: the first 160 bits of SHA-256 of its Ed25519 public key.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use bech32::{Bech32m, Hrp};

/// Human-readable part of the text form, `qe1...`.
const HRP: Hrp = Hrp::parse_unchecked("qe");

/// Length in bytes; the key space of the DHT.
pub const NODE_ID_LEN: usize = 20;

/// Identity of a box. The hash itself is computed where a crypto library is at hand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub [u8; NODE_ID_LEN]);

/// Why a text is not a NodeId.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeIdError {
    /// Does not begin with `qe1`.
    Prefix,
    /// A character is wrong or missing: the checksum does not fit.
    Checksum,
    /// The checksum fits but the length is another.
    Length,
}

impl fmt::Display for NodeIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prefix => "is not a NodeId: those begin with qe1",
            Self::Checksum => "is not a NodeId: its checksum does not fit, so a character is wrong or missing",
            Self::Length => "is not a NodeId: its length is wrong",
        })
    }
}

impl std::error::Error for NodeIdError {}

impl FromStr for NodeId {
    type Err = NodeIdError;

    fn from_str(text: &str) -> Result<Self, NodeIdError> {
        if !text.starts_with("qe1") {
            return Err(NodeIdError::Prefix);
        }
        let parsed =
            bech32::primitives::decode::CheckedHrpstring::new::<Bech32m>(text).map_err(|_| NodeIdError::Checksum)?;
        let mut id = [0; NODE_ID_LEN];
        let mut bytes = parsed.byte_iter();
        for slot in &mut id {
            *slot = bytes.next().ok_or(NodeIdError::Length)?;
        }
        // Leftover bits (a superfluous character) would let two texts mean one box.
        if bytes.next().is_some() || Self(id).to_string() != text {
            return Err(NodeIdError::Length);
        }
        Ok(Self(id))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32::encode_to_fmt::<Bech32m, _>(f, HRP, &self.0).map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl NodeId {
    /// Overlay address of a box of a static pair: 22 bits of the id in 100.64.0.0/10 (RFC 6598).
    ///
    /// Two boxes share one with a chance of 1 in 4 million; whoever sees both says so.
    pub fn overlay_v4(&self) -> Ipv4Addr {
        let [a, b, c, ..] = self.0;
        Ipv4Addr::new(100, 64 | (a >> 2), b, c)
    }

    /// Overlay address of a box of a static pair: 64 bits of the id in fd71:6574:6872::/64 (RFC 4193).
    pub fn overlay_v6(&self) -> Ipv6Addr {
        let mut address = [0xfd, 0x71, 0x65, 0x74, 0x68, 0x72, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        address[8..].copy_from_slice(&self.0[..8]);
        Ipv6Addr::from(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_catches_a_typo() {
        let id = NodeId(*b"0123456789abcdefghij");
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id));
        let mut typo = text.clone().into_bytes();
        typo[8] = if typo[8] == b'q' { b'p' } else { b'q' };
        assert_eq!(String::from_utf8(typo).unwrap().parse::<NodeId>(), Err(NodeIdError::Checksum));
        assert_eq!("qx1".parse::<NodeId>(), Err(NodeIdError::Prefix));
        assert_eq!(text.to_uppercase().parse::<NodeId>(), Err(NodeIdError::Prefix));
    }

    #[test]
    fn overlay_addresses_lie_in_their_ranges() {
        let id = NodeId([0xff; NODE_ID_LEN]);
        assert_eq!(id.overlay_v4(), Ipv4Addr::new(100, 127, 255, 255));
        assert_eq!(id.overlay_v6().segments()[..4], [0xfd71, 0x6574, 0x6872, 0]);
    }
}
