//! Explicit congestion notification of inner packets: marking (RFC 3168).

use crate::packet::{replace_word, word};

/// The two ECN bits (RFC 3168, RFC 9331).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Ecn {
    /// The flow does not understand marks: congestion is told by dropping.
    NotEct = 0,
    /// ECN-capable, and asks for scalable marking (L4S).
    Ect1 = 1,
    /// ECN-capable.
    Ect0 = 2,
    /// Congestion was experienced.
    Ce = 3,
}

impl Ecn {
    /// The code point in the low two bits of `bits`.
    pub fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::NotEct,
            1 => Self::Ect1,
            2 => Self::Ect0,
            _ => Self::Ce,
        }
    }
}

/// What became of a wish to mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// The packet now says that it met congestion, or said so before.
    Yes,
    /// It is of a flow that does not understand marks; drop to tell it.
    NotCapable,
}

/// Marks an IP packet, a train as well, as having met congestion.
///
/// Layer 4 checksums do not cover these bits, so partial ones stay as they are. Bytes that are
/// not an IP header are left alone.
pub fn mark_ce(packet: &mut [u8]) -> Marked {
    match ecn_of(packet) {
        None | Some(Ecn::NotEct) => Marked::NotCapable,
        Some(_) => {
            set_ecn(packet, Ecn::Ce);
            Marked::Yes
        }
    }
}

/// ECN bits of an IP packet; `None` when there is no header.
pub fn ecn_of(packet: &[u8]) -> Option<Ecn> {
    match packet.first()? >> 4 {
        4 if packet.len() >= 20 => Some(Ecn::from_bits(packet[1])),
        6 if packet.len() >= 40 => Some(Ecn::from_bits(packet[1] >> 4)),
        _ => None,
    }
}

/// Writes the ECN bits of an IP packet, keeping IPv4's header checksum right (RFC 1624).
pub fn set_ecn(packet: &mut [u8], ecn: Ecn) {
    match packet.first().map(|b| b >> 4) {
        Some(4) if packet.len() >= 20 => {
            let old = word(packet, 0);
            packet[1] = packet[1] & !3 | ecn as u8;
            let sum = !replace_word(!word(packet, 10), old, word(packet, 0));
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        Some(6) if packet.len() >= 40 => packet[1] = packet[1] & !0x30 | (ecn as u8) << 4,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::testing::{Rng, tcp_packet};
    use crate::packet::{Packet, checksum};

    const ALL: [Ecn; 4] = [Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce];

    #[test]
    fn a_mark_changes_two_bits_and_leaves_a_right_checksum() {
        let mut rng = Rng(7);
        for _ in 0..2000 {
            let v6 = rng.below(2) == 1;
            let mut packet = tcp_packet(&mut rng, v6, 0x10, 40);
            let ecn = ALL[rng.below(4)];
            set_ecn(&mut packet, ecn);
            let before = Packet::parse(&packet).unwrap();
            assert_eq!(before.ecn, ecn as u8);
            let copy = packet.clone();
            let marked = mark_ce(&mut packet);
            let after = Packet::parse(&packet).unwrap();
            if ecn == Ecn::NotEct {
                assert_eq!((marked, &packet), (Marked::NotCapable, &copy));
            } else {
                assert_eq!(marked, Marked::Yes);
                assert_eq!(after, Packet { ecn: 3, ..before });
            }
            if !v6 {
                assert_eq!(checksum(0, &packet[..usize::from(after.l4_offset)]), 0);
            }
        }
    }

    #[test]
    fn garbage_is_left_alone() {
        for len in 0..40 {
            for first in [0x00, 0x45, 0x60, 0xff] {
                let mut bytes = vec![first; len];
                let copy = bytes.clone();
                if (first == 0x45 && len >= 20) || (first == 0x60 && len >= 40) {
                    continue;
                }
                assert_eq!(mark_ce(&mut bytes), Marked::NotCapable);
                assert_eq!(bytes, copy);
            }
        }
    }
}
