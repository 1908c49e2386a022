//! UDP and ICMP inside IP, as far as counting and cutting need it.

use std::net::IpAddr;

/// What a packet is.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A datagram, or a train of them that a card would cut.
    Udp {
        /// To whom.
        destination: IpAddr,
        /// Of the sender.
        source_port: u16,
        /// Of the receiver.
        destination_port: u16,
        /// What is in it.
        payload: &'a [u8],
    },
    /// An ICMP message.
    Icmp {
        /// To whom.
        destination: IpAddr,
        /// Whether it reports an error, as opposed to echo and neighbour discovery.
        is_error: bool,
    },
    /// Something else.
    Other,
}

/// Reads an IP packet; a cut one is [`Packet::Other`].
pub fn parse(packet: &[u8]) -> Packet<'_> {
    parse_v4(packet).or_else(|| parse_v6(packet)).unwrap_or(Packet::Other)
}

fn parse_v4(packet: &[u8]) -> Option<Packet<'_>> {
    let header_len = match packet.first()? {
        first if first >> 4 == 4 => usize::from(first & 15) * 4,
        _ => return None,
    };
    let destination = IpAddr::from(<[u8; 4]>::try_from(packet.get(16..20)?).ok()?);
    if u16::from_be_bytes([packet[6], packet[7]]) & 0x1fff != 0 {
        return None;
    }
    let body = packet.get(header_len..)?;
    match packet[9] {
        17 => udp(destination, body),
        1 => Some(Packet::Icmp { destination, is_error: matches!(body.first()?, 3 | 4 | 5 | 11 | 12) }),
        _ => None,
    }
}

fn parse_v6(packet: &[u8]) -> Option<Packet<'_>> {
    if packet.first()? >> 4 != 6 {
        return None;
    }
    let destination = IpAddr::from(<[u8; 16]>::try_from(packet.get(24..40)?).ok()?);
    let body = &packet[40..];
    match packet[6] {
        17 => udp(destination, body),
        58 => Some(Packet::Icmp { destination, is_error: *body.first()? < 128 }),
        _ => None,
    }
}

fn udp(destination: IpAddr, body: &[u8]) -> Option<Packet<'_>> {
    let header = body.get(..8)?;
    Some(Packet::Udp {
        destination,
        source_port: u16::from_be_bytes([header[0], header[1]]),
        destination_port: u16::from_be_bytes([header[2], header[3]]),
        payload: &body[8..],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_of_either_family_is_found() {
        let udp = [0x23, 0x28, 0x13, 0x88, 0, 11, 0, 0, b'a', b'b', b'c'];
        let mut v4 = vec![0x46, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0];
        v4.extend_from_slice(&udp);
        let mut v6 = vec![0x60, 0, 0, 0, 0, 11, 17, 64];
        v6.extend_from_slice(&[0; 31]);
        v6.push(2);
        v6.extend_from_slice(&udp[..]);
        v6[39] = 2;
        for packet in [v4, v6] {
            match parse(&packet) {
                Packet::Udp { source_port: 9000, destination_port: 5000, payload: b"abc", .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_cut_short_or_a_later_fragment_is_something_else() {
        let mut packet =
            vec![0x45, 0, 0, 0, 0, 0, 0, 1, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(parse(&packet), Packet::Other);
        packet[7] = 0;
        for len in 0..packet.len() {
            assert_eq!(parse(&packet[..len]), Packet::Other, "{len}");
        }
        packet[9] = 1;
        packet[20] = 3;
        assert!(matches!(parse(&packet), Packet::Icmp { is_error: true, .. }));
    }
}
