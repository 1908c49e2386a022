//! ICMP errors as a router sends them (RFC 792, 1812, 4443).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::packet::{Fragment, ICMP, ICMPV6, Packet, checksum, fold, sum_bytes};

/// Longest message that [`encode_error`] makes.
pub const MAX_ERROR_LEN: usize = 1280;

/// Longest IPv4 one (RFC 1812 section 4.3.2.3).
const MAX_ERROR_LEN_V4: usize = 576;

/// What the sender of a packet is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IcmpError {
    /// No route to the network.
    NetworkUnreachable,
    /// The network is known, the host or its gateway does not answer.
    HostUnreachable,
    /// A policy forbids it.
    AdminProhibited,
    /// Longer than the `mtu` bytes that fit; asked for fragments or not.
    TooBig {
        /// Longest inner packet, IP header included.
        mtu: u32,
    },
}

impl IcmpError {
    fn v4(self) -> (u8, u8, u32) {
        match self {
            Self::NetworkUnreachable => (3, 0, 0),
            Self::HostUnreachable => (3, 1, 0),
            Self::AdminProhibited => (3, 13, 0),
            Self::TooBig { mtu } => (3, 4, mtu.min(0xffff)),
        }
    }

    fn v6(self) -> (u8, u8, u32) {
        match self {
            Self::NetworkUnreachable => (1, 0, 0),
            Self::HostUnreachable => (1, 3, 0),
            Self::AdminProhibited => (1, 1, 0),
            // Less than 1280 means nothing to IPv6 hosts (RFC 8200 section 5).
            Self::TooBig { mtu } => (2, 0, mtu.max(1280)),
        }
    }
}

/// Writes the error about `bytes` (which `packet` was parsed from) to the front of `out`: the
/// whole IP packet, for the TUN. Gives its length, or `None` when a router keeps silent about
/// such a packet, `router` is of the other family, or `out` is too short.
///
/// The caller limits the rate (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 f).
pub fn encode_error(error: IcmpError, packet: &Packet, bytes: &[u8], router: IpAddr, out: &mut [u8]) -> Option<usize> {
    if !may_report(error, packet, bytes) {
        return None;
    }
    match (router, packet.src) {
        (IpAddr::V4(router), IpAddr::V4(to)) => encode_v4(error, bytes, router, to, out),
        (IpAddr::V6(router), IpAddr::V6(to)) => encode_v6(error, bytes, router, to, out),
        _ => None,
    }
}

fn encode_v4(error: IcmpError, bytes: &[u8], router: Ipv4Addr, to: Ipv4Addr, out: &mut [u8]) -> Option<usize> {
    let quoted = &bytes[..bytes.len().min(MAX_ERROR_LEN_V4 - 28)];
    let len = 28 + quoted.len();
    let out = out.get_mut(..len)?;
    // Precedence "internetwork control", as RFC 1812 wants; DF set, so the id has no meaning.
    out[..10].copy_from_slice(&[0x45, 0xc0, (len >> 8) as u8, len as u8, 0, 0, 0x40, 0, 64, ICMP]);
    out[10..12].fill(0);
    out[12..16].copy_from_slice(&router.octets());
    out[16..20].copy_from_slice(&to.octets());
    let sum = checksum(0, &out[..20]);
    out[10..12].copy_from_slice(&sum.to_be_bytes());
    write_icmp(&mut out[20..], error.v4(), quoted, 0);
    Some(len)
}

fn encode_v6(error: IcmpError, bytes: &[u8], router: Ipv6Addr, to: Ipv6Addr, out: &mut [u8]) -> Option<usize> {
    let quoted = &bytes[..bytes.len().min(MAX_ERROR_LEN - 48)];
    let len = 48 + quoted.len();
    let out = out.get_mut(..len)?;
    let payload_len = len - 40;
    out[..8].copy_from_slice(&[0x60, 0, 0, 0, (payload_len >> 8) as u8, payload_len as u8, ICMPV6, 64]);
    out[8..24].copy_from_slice(&router.octets());
    out[24..40].copy_from_slice(&to.octets());
    let pseudo = sum_bytes(payload_len as u64 + u64::from(ICMPV6), &out[8..40]);
    write_icmp(&mut out[40..], error.v6(), quoted, fold(pseudo));
    Some(len)
}

fn write_icmp(out: &mut [u8], (kind, code, word): (u8, u8, u32), quoted: &[u8], pseudo: u16) {
    out[..4].copy_from_slice(&[kind, code, 0, 0]);
    out[4..8].copy_from_slice(&word.to_be_bytes());
    out[8..].copy_from_slice(quoted);
    let sum = checksum(u64::from(pseudo), out);
    out[2..4].copy_from_slice(&sum.to_be_bytes());
}

/// Whether a router may answer at all: errors about errors, or to addresses that are not one
/// host, make storms.
fn may_report(error: IcmpError, packet: &Packet, bytes: &[u8]) -> bool {
    if packet.fragment == Fragment::Later || bytes.len() != usize::from(packet.total_len) {
        return false;
    }
    let kind = bytes.get(usize::from(packet.l4_offset)).copied();
    match (packet.src, packet.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let about_error = packet.protocol == ICMP && kind.is_none_or(|kind| matches!(kind, 3 | 4 | 5 | 11 | 12));
            !about_error && is_host_v4(src) && !dst.is_multicast() && !dst.is_broadcast()
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let about_error = packet.protocol == ICMPV6 && kind.is_none_or(|kind| kind < 128 || kind == 137);
            // Multicast senders have no other way to learn the path MTU (RFC 4443 section 2.4 e.3).
            let to_group = dst.is_multicast() && !matches!(error, IcmpError::TooBig { .. });
            let is_host = !src.is_unspecified() && !src.is_multicast() && !src.is_loopback();
            !about_error && !to_group && is_host
        }
        _ => false,
    }
}

fn is_host_v4(address: Ipv4Addr) -> bool {
    // 0/8 is "this network", 224/4 and 240/4 are groups, broadcast and nothing.
    !matches!(address.octets()[0], 0 | 127 | 224..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::testing::*;

    const ROUTER_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(100, 64, 0, 1));
    const ROUTER_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd71, 0x6574, 0x6872, 0, 0, 0, 0, 1));

    const ALL: [IcmpError; 4] = [
        IcmpError::NetworkUnreachable,
        IcmpError::HostUnreachable,
        IcmpError::AdminProhibited,
        IcmpError::TooBig { mtu: 1400 },
    ];

    fn offender(rng: &mut Rng, v6: bool, payload_len: usize) -> Vec<u8> {
        let mut b = udp_packet(rng, v6, payload_len);
        if v6 {
            b[8] = 0xfd;
            b[24] = 0xfd;
        } else {
            b[12] = 10;
            b[16] = 192;
        }
        b
    }

    fn error_about(error: IcmpError, b: &[u8]) -> Option<Vec<u8>> {
        let p = Packet::parse(b).unwrap();
        let router = if p.src.is_ipv4() { ROUTER_V4 } else { ROUTER_V6 };
        let mut out = [0xaa; MAX_ERROR_LEN];
        encode_error(error, &p, b, router, &mut out).map(|len| out[..len].to_vec())
    }

    #[test]
    fn errors_are_right_in_every_field() {
        let mut rng = Rng(1);
        for round in 0..400 {
            let v6 = round % 2 == 0;
            let b = offender(&mut rng, v6, [0, 1, 30, 519, 520, 521, 1200, 3000][round % 8]);
            let asked = Packet::parse(&b).unwrap();
            for (i, error) in ALL.into_iter().enumerate() {
                let e = error_about(error, &b).unwrap();
                let p = Packet::parse(&e).unwrap();
                assert_eq!((p.dst, p.ttl), (asked.src, 64));
                let l4 = usize::from(p.l4_offset);
                let (kinds, longest) = if v6 {
                    assert_eq!((p.src, p.protocol), (ROUTER_V6, ICMPV6));
                    assert_eq!(slow_sum(&[&pseudo_sum(&e, 40, ICMPV6).to_be_bytes(), &e[40..]]), 0xffff);
                    ([(1, 0), (1, 3), (1, 1), (2, 0)], 1280)
                } else {
                    assert_eq!((p.src, p.protocol), (ROUTER_V4, ICMP));
                    assert_eq!(slow_sum(&[&e[..20]]), 0xffff);
                    assert_eq!(slow_sum(&[&e[20..]]), 0xffff);
                    ([(3, 0), (3, 1), (3, 13), (3, 4)], 576)
                };
                assert_eq!((e[l4], e[l4 + 1]), kinds[i]);
                assert_eq!(e[l4 + 4..l4 + 8], if i == 3 { [0, 0, 5, 120] } else { [0; 4] });
                assert_eq!(e.len(), longest.min(l4 + 8 + b.len()));
                assert_eq!(e[l4 + 8..], b[..e.len() - l4 - 8]);
                // An error about this error is what must never be.
                assert_eq!(error_about(error, &e), None);
            }
        }
    }

    #[test]
    fn mtu_is_kept_in_what_the_families_can_say() {
        let mut rng = Rng(2);
        let v4 = error_about(IcmpError::TooBig { mtu: 100_000 }, &offender(&mut rng, false, 9)).unwrap();
        assert_eq!(v4[24..28], [0, 0, 0xff, 0xff]);
        let v6 = error_about(IcmpError::TooBig { mtu: 600 }, &offender(&mut rng, true, 9)).unwrap();
        assert_eq!(v6[44..48], 1280u32.to_be_bytes());
    }

    #[test]
    fn keeps_silent_where_a_router_does() {
        let mut rng = Rng(3);
        let v4 = |at: usize, address: [u8; 4]| {
            let mut b = offender(&mut Rng(9), false, 40);
            b[at..at + 4].copy_from_slice(&address);
            error_about(IcmpError::HostUnreachable, &b).is_some()
        };
        assert!(v4(12, [10, 0, 0, 1]) && v4(16, [8, 8, 8, 8]));
        for src in [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 1], [255, 255, 255, 255], [240, 0, 0, 1]] {
            assert!(!v4(12, src), "{src:?}");
        }
        assert!(!v4(16, [239, 1, 1, 1]) && !v4(16, [255, 255, 255, 255]));

        let v6 = |at: usize, address: Ipv6Addr, error| {
            let mut b = offender(&mut Rng(9), true, 40);
            b[at..at + 16].copy_from_slice(&address.octets());
            error_about(error, &b).is_some()
        };
        let group: Ipv6Addr = "ff02::1".parse().unwrap();
        for src in [Ipv6Addr::UNSPECIFIED, Ipv6Addr::LOCALHOST, group] {
            assert!(!v6(8, src, IcmpError::HostUnreachable), "{src}");
        }
        assert!(!v6(24, group, IcmpError::HostUnreachable));
        assert!(v6(24, group, IcmpError::TooBig { mtu: 1400 }));

        let mut later = offender(&mut rng, false, 40);
        later[7] = 20;
        assert_eq!(error_about(IcmpError::HostUnreachable, &later), None);
        let mut first = offender(&mut rng, false, 40);
        first[6] = 0x20;
        assert!(error_about(IcmpError::HostUnreachable, &first).is_some());
    }

    #[test]
    fn pings_are_answered_and_icmp_errors_are_not() {
        let ask = |v6: bool, kind: u8| {
            let mut b = offender(&mut Rng(4), false, 40);
            if v6 {
                b = vec![0x60, 0, 0, 0, 0, 0, ICMPV6, 64];
                b.extend([0xfd; 32]);
                b.extend([0; 16]);
            } else {
                b[9] = ICMP;
            }
            let l4 = if v6 { 40 } else { usize::from(b[0] & 15) * 4 };
            b[l4] = kind;
            finish_ip(&mut b);
            error_about(IcmpError::NetworkUnreachable, &b).is_some()
        };
        for kind in 0..=255 {
            assert_eq!(ask(false, kind), ![3, 4, 5, 11, 12].contains(&kind), "ICMP {kind}");
            assert_eq!(ask(true, kind), kind >= 128 && kind != 137, "ICMPv6 {kind}");
        }
    }

    #[test]
    fn a_short_buffer_or_the_other_family_gives_nothing() {
        let b = offender(&mut Rng(5), false, 40);
        let p = Packet::parse(&b).unwrap();
        let mut out = [0; 60];
        assert_eq!(encode_error(ALL[0], &p, &b, ROUTER_V4, &mut out), None);
        assert_eq!(encode_error(ALL[0], &p, &b, ROUTER_V6, &mut [0; 1280]), None);
    }
}
