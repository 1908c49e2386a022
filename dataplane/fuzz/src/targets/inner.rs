//! Inner packets: what a TUN or a peer gives, and what is made of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use quicether_core::cut::{segment_headers, surviving_runs};
use quicether_core::ecn::{Marked, mark_ce};
use quicether_core::icmp::{IcmpError, MAX_ERROR_LEN, encode_error};
use quicether_core::packet::{
    Fragment, GsoKind, ICMP, Packet, TCP, UDP, VNET_HEADER_LEN, VnetHeader, describe, finish_checksum, rebuild_vnet,
};

use super::outcome;
use crate::run::Target;
use crate::testing::{Rng, finish_ip, ip_header, leave_partial, tcp_packet, udp_packet};

pub fn targets() -> Vec<Target> {
    vec![
        Target { name: "packet", corpus: packets, check: check_packet },
        Target { name: "vnet", corpus: trains, check: check_vnet },
        Target { name: "cut", corpus: cuts, check: check_cut },
        Target { name: "runs", corpus: |rng| (0..20).map(|n| rng.bytes(4 + 4 * n)).collect(), check: check_runs },
        Target { name: "ecn", corpus: packets, check: check_ecn },
        Target { name: "icmp", corpus: packets, check: check_icmp },
    ]
}

fn packets(rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut corpus = Vec::new();
    for round in 0..40u8 {
        let (v6, len) = (round % 2 == 0, rng.below(120));
        corpus.push(tcp_packet(rng, v6, round * 6, len));
        corpus.push(udp_packet(rng, v6, len));
        let mut other = ip_header(rng, v6, if v6 { 58 } else { ICMP });
        other.extend(rng.bytes(len + 8));
        finish_ip(&mut other);
        corpus.push(other);
        let mut fragment = udp_packet(rng, false, len);
        fragment[6..8].copy_from_slice(&(u16::from(round) << 9 | u16::from(round)).to_be_bytes());
        finish_ip(&mut fragment);
        corpus.push(fragment);
    }
    corpus
}

fn check_packet(bytes: &[u8]) -> u64 {
    let packet = match Packet::parse(bytes) {
        Ok(packet) => packet,
        Err(why) => return outcome(&[0, 1 << why as usize]),
    };
    assert_eq!(usize::from(packet.total_len), bytes.len());
    assert!(usize::from(packet.l4_offset) <= bytes.len());
    assert!(packet.dscp < 64 && packet.ecn < 4);
    assert_eq!(packet.src.is_ipv4(), packet.dst.is_ipv4());
    let has_ports = matches!(packet.protocol, TCP | UDP) && packet.fragment != Fragment::Later;
    assert_eq!(packet.ports.is_some(), has_ports);
    for end in [0, 1, 19, 20, 39, 40, bytes.len() / 2, bytes.len() - 1] {
        assert!(end >= bytes.len() || Packet::parse(&bytes[..end]).is_err(), "cut to {end}");
    }
    let header_len = packet.header_len(bytes).unwrap_or(0);
    assert!(header_len <= bytes.len());
    if header_len > 0 {
        assert_eq!(Packet::parse_headers(&bytes[..header_len], bytes.len()), Ok(packet), "headers say it all");
    }
    assert_eq!(packet.flow_hash(3), packet.flow_hash(3));
    let ack = packet.is_pure_ack(bytes);
    assert!(!ack || header_len == bytes.len(), "an acknowledgement with data");
    outcome(&[1, packet.protocol.into(), packet.l4_offset.into(), packet.fragment as usize * 3, ack.into()])
}

fn trains(rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut corpus = Vec::new();
    for round in 0..60 {
        let (v6, tcp, train) = (round % 2 == 0, round % 4 < 2, round % 3 > 0);
        let len = if train { 300 } else { 60 };
        let mut packet = if tcp { tcp_packet(rng, v6, 0x98, len) } else { udp_packet(rng, v6, len) };
        let Ok(parsed) = Packet::parse(&packet) else { continue };
        leave_partial(&mut packet, usize::from(parsed.l4_offset), parsed.protocol);
        let gso = match (train, tcp, v6) {
            (false, ..) => GsoKind::None,
            (true, false, _) => GsoKind::Udp,
            (true, true, true) => GsoKind::Tcp6,
            (true, true, false) => GsoKind::Tcp4,
        };
        let vnet = VnetHeader {
            needs_csum: true,
            gso,
            gso_size: if train { 100 } else { 0 },
            csum_start: parsed.l4_offset,
            csum_offset: if tcp { 16 } else { 6 },
            ..VnetHeader::default()
        };
        corpus.push([&vnet.encode()[..], &packet].concat());
    }
    corpus
}

fn check_vnet(bytes: &[u8]) -> u64 {
    let Some((raw, bytes)) = bytes.split_first_chunk::<VNET_HEADER_LEN>() else { return 0 };
    let Ok(vnet) = VnetHeader::decode(raw) else { return 1 };
    assert_eq!(VnetHeader::decode(&vnet.encode()), Ok(vnet));
    let mut copy = bytes.to_vec();
    let mut finished = vnet;
    if finish_checksum(&mut finished, &mut copy).is_ok() {
        assert!(!finished.needs_csum && copy.len() == bytes.len());
    }
    let Ok(packet) = Packet::parse(bytes) else { return 2 };
    // A peer may ask for the offload of any packet.
    if let Ok(hostile) = rebuild_vnet(bytes, bytes.len(), vnet.gso_size, vnet.needs_csum) {
        assert_fits(&hostile, &packet, bytes);
    }
    let info = match describe(&vnet, &packet, bytes) {
        Ok(info) => info,
        Err(why) => return outcome(&[3, 1 << why as usize]),
    };
    let headers = &bytes[..usize::from(info.header_len)];
    let rebuilt = rebuild_vnet(headers, bytes.len(), info.gso_size, info.partial_checksum)
        .expect("what may leave can be rebuilt over there");
    assert_fits(&rebuilt, &packet, bytes);
    assert_eq!((rebuilt.gso_size, rebuilt.needs_csum), (info.gso_size, vnet.needs_csum));
    outcome(&[4, rebuilt.gso as usize * 3, rebuilt.needs_csum.into(), rebuilt.ecn.into(), headers.len()])
}

/// What the kernel checks of a header, and what it does not.
fn assert_fits(vnet: &VnetHeader, packet: &Packet, bytes: &[u8]) {
    if vnet.needs_csum {
        assert_eq!(packet.fragment, Fragment::Whole);
        assert!(usize::from(vnet.csum_start) + usize::from(vnet.csum_offset) + 2 <= usize::from(vnet.hdr_len));
        assert!(usize::from(vnet.hdr_len) <= bytes.len());
    }
    let fits = match vnet.gso {
        GsoKind::None => vnet.gso_size == 0,
        GsoKind::Tcp4 => packet.protocol == TCP && packet.src.is_ipv4(),
        GsoKind::Tcp6 => packet.protocol == TCP && packet.src.is_ipv6(),
        GsoKind::Udp => packet.protocol == UDP,
    };
    assert!(fits && (vnet.gso == GsoKind::None || (vnet.needs_csum && vnet.gso_size >= 8)));
}

/// An input is segment size, first segment and length of the cut, then the train.
fn cuts(rng: &mut Rng) -> Vec<Vec<u8>> {
    let whole = trains(rng);
    let with_place = |(i, train): (usize, &Vec<u8>)| {
        let first = (i % 3) as u8;
        [&[0, 100, first, 0, if i % 2 == 0 { 100 } else { 200 }], &train[VNET_HEADER_LEN..]].concat()
    };
    whole.iter().enumerate().map(with_place).collect()
}

fn check_cut(bytes: &[u8]) -> u64 {
    let Some((place, bytes)) = bytes.split_first_chunk::<5>() else { return 0 };
    let gso_size = u16::from_be_bytes([place[0], place[1]]);
    let (first, len) = (usize::from(place[2]), usize::from(u16::from_be_bytes([place[3], place[4]])));
    let Ok(packet) = Packet::parse(bytes) else { return 1 };
    let Ok(header_len) = packet.header_len(bytes) else { return 2 };
    let (headers, payload) = bytes.split_at(header_len);
    let made = match segment_headers(headers, payload.len(), gso_size, first, len) {
        Ok(made) => made,
        Err(why) => return outcome(&[3, 1 << why as usize]),
    };
    let start = first * usize::from(gso_size);
    let part = [&made[..], &payload[start..start + len]].concat();
    let parsed = Packet::parse(&part).expect("a part is a packet");
    assert_fits(&made.vnet, &parsed, &part);
    let same = Packet { total_len: packet.total_len, ..parsed };
    assert_eq!(same, packet, "a part belongs to the same flow");
    // Cutting the part again where it begins changes nothing.
    let again = segment_headers(&made, len, gso_size, 0, len).expect("all of it is whole segments");
    assert_eq!((&again[..], again.vnet), (&made[..], made.vnet));
    outcome(&[4, first, len, made.vnet.gso as usize * 3])
}

fn check_runs(bytes: &[u8]) -> u64 {
    let Some((head, rest)) = bytes.split_first_chunk::<4>() else { return 0 };
    let payload_len = usize::from(u16::from_be_bytes([head[0], head[1]]));
    let gso_size = u16::from_be_bytes([head[2] & 7, head[3]]);
    let number = |pair: &[u8]| usize::from(u16::from_be_bytes([pair[0], pair[1]]));
    let mut ranges: Vec<(usize, usize)> =
        rest.chunks_exact(4).map(|c| (number(&c[..2]), number(&c[..2]) + number(&c[2..]) / 4)).collect();
    ranges.sort_unstable();
    let (mut previous_end, mut runs, mut whole) = (None, 0, 0);
    for run in surviving_runs(ranges.iter().copied(), payload_len, gso_size) {
        assert!(run.start < run.end && run.end <= payload_len);
        assert!(previous_end.is_none_or(|end| end < run.start), "runs that touch are one");
        assert_eq!(run.start, run.first_segment * usize::from(gso_size));
        let mut covered = run.start;
        for &(from, to) in &ranges {
            if from <= covered {
                covered = covered.max(to);
            }
        }
        assert!(covered >= run.end, "bytes that never came");
        previous_end = Some(run.end);
        runs += 1;
        whole += usize::from(run.start == 0 && run.end == payload_len);
    }
    outcome(&[1, runs, whole])
}

fn check_ecn(bytes: &[u8]) -> u64 {
    let mut marked = bytes.to_vec();
    let done = mark_ce(&mut marked);
    if done == Marked::NotCapable {
        assert_eq!(marked, bytes);
    }
    match (Packet::parse(bytes), Packet::parse(&marked)) {
        (Ok(before), Ok(after)) => {
            assert_eq!(done == Marked::Yes, before.ecn != 0);
            assert_eq!(after, Packet { ecn: if before.ecn == 0 { 0 } else { 3 }, ..before });
            assert_eq!(marked[usize::from(after.l4_offset)..], bytes[usize::from(after.l4_offset)..]);
            outcome(&[1, before.ecn.into(), before.src.is_ipv4().into()])
        }
        (Err(_), Err(_)) => 0,
        _ => panic!("a mark decides whether it is a packet"),
    }
}

fn check_icmp(bytes: &[u8]) -> u64 {
    let Ok(packet) = Packet::parse(bytes) else { return 0 };
    let router = match packet.src {
        IpAddr::V4(_) => IpAddr::from(Ipv4Addr::new(100, 64, 0, 1)),
        IpAddr::V6(_) => IpAddr::from(Ipv6Addr::LOCALHOST),
    };
    let mut out = [0; MAX_ERROR_LEN];
    let mtu = u32::from(packet.total_len);
    let errors = [
        IcmpError::NetworkUnreachable,
        IcmpError::HostUnreachable,
        IcmpError::AdminProhibited,
        IcmpError::TooBig { mtu },
    ];
    let mut told = 0;
    for error in errors {
        let Some(len) = encode_error(error, &packet, bytes, router, &mut out) else { continue };
        let answer = Packet::parse(&out[..len]).expect("an error is a packet");
        assert_eq!((answer.src, answer.dst), (router, packet.src));
        assert!(!packet.src.is_multicast() && !packet.src.is_unspecified());
        let mut about_it = [0; MAX_ERROR_LEN];
        assert_eq!(encode_error(error, &answer, &out[..len], router, &mut about_it), None, "a storm");
        told += 1;
    }
    outcome(&[1, told, packet.protocol.into(), packet.src.is_ipv4().into()])
}
