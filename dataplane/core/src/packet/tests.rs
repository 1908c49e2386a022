use super::testing::*;
use super::*;

fn partial(packet: &mut [u8]) -> Packet {
    let parsed = Packet::parse(packet).unwrap();
    leave_partial(packet, usize::from(parsed.l4_offset), parsed.protocol);
    parsed
}

fn kernel_vnet(packet: &Packet, kind: GsoKind, gso_size: u16) -> VnetHeader {
    VnetHeader {
        needs_csum: true,
        gso: kind,
        gso_size,
        csum_start: packet.l4_offset,
        csum_offset: if packet.protocol == TCP { 16 } else { 6 },
        ..VnetHeader::default()
    }
}

#[test]
fn reads_the_fields_of_both_families() {
    let mut v4 = vec![
        0x45, 0xb9, 0, 28, 1, 2, 0x40, 0, 63, 17, 0, 0, 10, 1, 2, 3, 192, 168, 1, 9, 0x12, 0x34, 0, 53, 0, 8, 0, 0,
    ];
    let p = Packet::parse(&v4).unwrap();
    assert_eq!((p.src.to_string(), p.dst.to_string()), ("10.1.2.3".into(), "192.168.1.9".into()));
    assert_eq!((p.dscp, p.ecn, p.ttl, p.l4_offset, p.total_len), (46, 1, 63, 20, 28));
    assert_eq!((p.ports, p.fragment), (Some((0x1234, 53)), Fragment::Whole));
    v4.push(0);
    assert_eq!(Packet::parse(&v4), Err(Malformed::Length));

    let mut rng = Rng(1);
    let mut v6 = rng.bytes(40);
    v6[..8].copy_from_slice(&[0x6b, 0x90, 0, 0, 0, 8, 17, 5]);
    v6.extend([0, 1, 0, 2, 0, 8, 0, 0]);
    let p = Packet::parse(&v6).unwrap();
    assert_eq!((p.dscp, p.ecn, p.ttl, p.ports), (46, 1, 5, Some((1, 2))));
    v6[5] = 0;
    assert_eq!(Packet::parse(&v6), Err(Malformed::Length));
}

#[test]
fn every_cut_and_every_wrong_length_is_refused() {
    let mut rng = Rng(2);
    for round in 0..200 {
        let packet = if round % 2 == 0 {
            tcp_packet(&mut rng, round % 4 < 2, 0x18, 30)
        } else {
            udp_packet(&mut rng, round % 4 < 2, 30)
        };
        assert!(Packet::parse(&packet).is_ok());
        for len in 0..packet.len() {
            assert!(Packet::parse(&packet[..len]).is_err(), "cut to {len}");
        }
    }
}

#[test]
fn random_bytes_and_flipped_bits_never_panic_and_offsets_stay_inside() {
    let mut rng = Rng(3);
    let mut accepted = 0;
    for round in 0..60_000 {
        let mut bytes = match round % 3 {
            0 => {
                let n = rng.below(120);
                rng.bytes(n)
            }
            1 => tcp_packet(&mut rng, round % 2 == 0, round as u8, 20),
            _ => udp_packet(&mut rng, round % 2 == 0, 20),
        };
        for _ in 0..rng.below(4) {
            if !bytes.is_empty() {
                let at = rng.below(bytes.len().min(80));
                bytes[at] ^= 1 << rng.below(8);
            }
        }
        let Ok(p) = Packet::parse(&bytes) else { continue };
        accepted += 1;
        assert_eq!(usize::from(p.total_len), bytes.len());
        assert!(usize::from(p.l4_offset) <= bytes.len());
        p.is_pure_ack(&bytes);
        if let Ok(n) = p.header_len(&bytes) {
            assert!(n <= bytes.len());
        }
        let vnet_bytes: [u8; 10] = rng.bytes(10).try_into().unwrap();
        if let Ok(vnet) = VnetHeader::decode(&vnet_bytes) {
            let _ = describe(&vnet, &p, &bytes);
        }
        if let Ok(v) = rebuild_vnet(&bytes, bytes.len(), rng.next() as u16, true) {
            assert!(usize::from(v.csum_start + v.csum_offset) + 2 <= bytes.len());
            assert!(usize::from(v.hdr_len) <= bytes.len());
        }
    }
    assert!(accepted > 10_000, "only {accepted} were packets at all");
}

#[test]
fn fragments_are_told_apart_and_share_a_flow() {
    let mut rng = Rng(4);
    for v6 in [false, true] {
        let mut whole = udp_packet(&mut rng, false, 40);
        if v6 {
            whole = rng.bytes(40);
            whole[0] = 0x60;
            whole[6] = 44;
            whole.extend([17, 0, 0, 0, 1, 2, 3, 4, 0, 7, 0, 9, 0, 16, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
            whole[4..6].copy_from_slice(&24u16.to_be_bytes());
        }
        let set = |more: bool, offset: u16| {
            let mut b = whole.clone();
            let (at, field) =
                if v6 { (42, offset << 3 | u16::from(more)) } else { (6, offset | u16::from(more) << 13) };
            b[at..at + 2].copy_from_slice(&field.to_be_bytes());
            Packet::parse(&b).unwrap()
        };
        let (all, first, middle, last) = (set(false, 0), set(true, 0), set(true, 9), set(false, 20));
        assert_eq!((all.fragment, first.fragment), (Fragment::Whole, Fragment::First));
        assert_eq!((middle.fragment, last.fragment), (Fragment::Later, Fragment::Later));
        assert!(first.ports.is_some() && first.ports == all.ports);
        assert_eq!((middle.ports, last.ports), (None, None));
        assert_eq!(first.flow_hash(5), last.flow_hash(5));
        assert_eq!(first.flow_hash(5), middle.flow_hash(5));
        assert_ne!(first.flow_hash(5), all.flow_hash(5));
    }
}

#[test]
fn a_fragment_that_rewrites_a_tcp_header_is_refused() {
    let mut b = tcp_packet(&mut Rng(5), false, 0x10, 60);
    b[6..8].copy_from_slice(&1u16.to_be_bytes());
    assert_eq!(Packet::parse(&b), Err(Malformed::Layer4));
    let mut first = b[..usize::from(b[0] & 15) * 4 + 16].to_vec();
    first[6..8].copy_from_slice(&0x2000u16.to_be_bytes());
    finish_ip(&mut first);
    assert_eq!(Packet::parse(&first), Err(Malformed::Layer4));
}

#[test]
fn extension_headers_are_walked_so_far_and_no_further() {
    let chain = |n: usize, first: u8, link: u8| {
        let mut b = vec![0x60, 0, 0, 0, 0, 0, if n == 0 { 59 } else { first }, 64];
        b.extend([9; 32]);
        for i in 0..n {
            b.extend([if i + 1 == n { 59 } else { link }, 0, 1, 4, 0, 0, 0, 0]);
        }
        finish_ip(&mut b);
        b
    };
    for n in 0..=MAX_EXTENSIONS {
        let p = Packet::parse(&chain(n, 60, 60)).unwrap();
        assert_eq!((p.protocol, p.l4_offset), (59, 40 + 8 * n as u16));
    }
    assert_eq!(Packet::parse(&chain(MAX_EXTENSIONS + 1, 60, 60)), Err(Malformed::Extension));
    assert!(Packet::parse(&chain(2, 0, 60)).is_ok());
    assert_eq!(Packet::parse(&chain(2, 60, 0)), Err(Malformed::Extension));
    let mut twice = chain(2, 44, 44);
    twice[40..].copy_from_slice(&[44, 0, 0, 0, 0, 0, 0, 1, 59, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(Packet::parse(&twice), Err(Malformed::Extension));
}

#[test]
fn hash_depends_on_each_part_of_the_flow_and_on_the_seed() {
    let mut rng = Rng(6);
    for v6 in [false, true] {
        let a = Packet::parse(&tcp_packet(&mut rng, v6, 0x10, 5)).unwrap();
        let (sp, dp) = a.ports.unwrap();
        let other = if v6 { IpAddr::from([7u8; 16]) } else { IpAddr::from([7u8; 4]) };
        let variants = [
            a,
            Packet { src: other, ..a },
            Packet { dst: other, ..a },
            Packet { src: a.dst, dst: a.src, ..a },
            Packet { protocol: UDP, ..a },
            Packet { ports: Some((sp ^ 1, dp)), ..a },
            Packet { ports: Some((sp, dp ^ 1)), ..a },
            Packet { ports: Some((dp, sp)), ..a },
        ];
        let hashes: std::collections::HashSet<u64> =
            variants.iter().map(|p| p.flow_hash(1)).chain([a.flow_hash(2)]).collect();
        assert_eq!(hashes.len(), 9);
        assert_eq!(Packet { ttl: 1, dscp: 9, ..a }.flow_hash(1), a.flow_hash(1));
    }
    // Neighbouring ports spread evenly over the low bits, which choose the queue.
    let base = Packet::parse(&udp_packet(&mut rng, false, 5)).unwrap();
    let mut buckets = [0u32; 64];
    for port in 0..6400 {
        buckets[(Packet { ports: Some((port, 53)), ..base }.flow_hash(9) % 64) as usize] += 1;
    }
    assert!(buckets.iter().all(|n| (50..160).contains(n)), "{buckets:?}");
}

#[test]
fn pure_acks_have_no_data_and_no_other_flag() {
    let mut rng = Rng(7);
    for v6 in [false, true] {
        for flags in 0..=255u8 {
            for len in [0, 1] {
                let b = tcp_packet(&mut rng, v6, flags, len);
                let expected = len == 0 && flags & 0x10 != 0 && flags & 0x2f == 0;
                assert_eq!(Packet::parse(&b).unwrap().is_pure_ack(&b), expected, "{flags:#x} {len}");
            }
        }
        let b = udp_packet(&mut rng, v6, 12);
        assert!(!Packet::parse(&b).unwrap().is_pure_ack(&b));
    }
}

#[test]
fn vnet_header_has_the_layout_of_linux() {
    let vnet = VnetHeader {
        needs_csum: true,
        gso: GsoKind::Tcp6,
        ecn: true,
        gso_size: 1428,
        hdr_len: 72,
        csum_start: 40,
        csum_offset: 16,
    };
    assert_eq!(vnet.encode(), [1, 0x84, 72, 0, 0x94, 5, 40, 0, 16, 0]);
    assert_eq!(VnetHeader::decode(&vnet.encode()), Ok(vnet));
    // UFO (3) and the tunnel kinds are never asked for.
    for kind in [2, 3, 6, 0x20, 0x40, 0x85 | 8] {
        assert_eq!(VnetHeader::decode(&[0, kind, 0, 0, 0, 0, 0, 0, 0, 0]), Err(Malformed::Offload));
    }
}

#[test]
fn the_receiver_rebuilds_what_the_kernel_said() {
    let mut rng = Rng(8);
    for round in 0..400 {
        let (v6, tcp) = (round % 2 == 0, round % 4 < 2);
        let flags = if round % 8 < 4 { 0x90 } else { 0x10 };
        let mut b = if tcp { tcp_packet(&mut rng, v6, flags, 9000) } else { udp_packet(&mut rng, v6, 9000) };
        let p = partial(&mut b);
        let kind = match (tcp, v6) {
            (false, _) => GsoKind::Udp,
            (true, false) => GsoKind::Tcp4,
            (true, true) => GsoKind::Tcp6,
        };
        let said = kernel_vnet(&p, kind, 1400);
        let info = describe(&said, &p, &b).unwrap();
        assert_eq!((info.gso_size, info.partial_checksum), (1400, true));
        let headers = &b[..usize::from(info.header_len)];
        let rebuilt = rebuild_vnet(headers, b.len(), info.gso_size, info.partial_checksum).unwrap();
        let ecn = tcp && flags & 0x80 != 0;
        assert_eq!(rebuilt, VnetHeader { hdr_len: info.header_len, ecn, ..said });
        assert_eq!(b.len() - headers.len(), 9000);

        let wrong = [
            VnetHeader { gso_size: 0, ..said },
            VnetHeader { gso_size: 7, ..said },
            VnetHeader { gso_size: u16::MAX, ..said },
            VnetHeader { needs_csum: false, ..said },
            VnetHeader { csum_start: said.csum_start + 2, ..said },
            VnetHeader { csum_offset: said.csum_offset + 2, ..said },
            VnetHeader { gso: if tcp { GsoKind::Udp } else { GsoKind::Tcp4 }, ..said },
            VnetHeader { gso: if v6 { GsoKind::Tcp4 } else { GsoKind::Tcp6 }, ..said },
        ];
        for vnet in wrong {
            assert_eq!(describe(&vnet, &p, &b), Err(Malformed::Offload), "{vnet:?}");
        }
    }
}

#[test]
fn a_hostile_peer_gets_no_offload_outside_its_packet() {
    let mut rng = Rng(9);
    let mut icmp = ip_header(&mut rng, false, ICMP);
    icmp.extend([0; 30]);
    finish_ip(&mut icmp);
    assert_eq!(rebuild_vnet(&icmp, icmp.len(), 0, true), Err(Malformed::Offload));
    assert_eq!(rebuild_vnet(&icmp, icmp.len(), 1000, true), Err(Malformed::Offload));
    assert_eq!(rebuild_vnet(&icmp, icmp.len(), 0, false), Ok(VnetHeader::default()));

    let mut fragment = udp_packet(&mut rng, false, 900);
    fragment[6] = 0x20;
    assert_eq!(rebuild_vnet(&fragment, fragment.len(), 0, true), Err(Malformed::Offload));

    // A TCP header that claims to go on behind the end of the packet, or to be 16 bytes long.
    for offset in [0x40, 0xf0] {
        let mut tcp = tcp_packet(&mut rng, true, 0x10, 0);
        let l4 = usize::from(Packet::parse(&tcp).unwrap().l4_offset);
        tcp.truncate(l4 + 24);
        finish_ip(&mut tcp);
        tcp[l4 + 12] = offset;
        assert_eq!(rebuild_vnet(&tcp, tcp.len(), 0, true), Err(Malformed::Layer4));
    }
    // The UDP length is what cutting rewrites.
    let mut udp = udp_packet(&mut rng, false, 900);
    let l4 = usize::from(Packet::parse(&udp).unwrap().l4_offset);
    udp[l4 + 5] ^= 1;
    assert_eq!(rebuild_vnet(&udp, udp.len(), 100, true), Err(Malformed::Offload));
    // One segment needs no cutting.
    let udp = udp_packet(&mut rng, false, 900);
    assert_eq!(rebuild_vnet(&udp, udp.len(), 900, true).unwrap().gso, GsoKind::None);
    assert_eq!(rebuild_vnet(&udp, udp.len(), 899, true).unwrap().gso, GsoKind::Udp);
    assert_eq!(rebuild_vnet(&udp, udp.len() + 1, 0, true), Err(Malformed::Length));
}

#[test]
fn an_odd_partial_checksum_can_be_finished_here() {
    let mut rng = Rng(10);
    for round in 0..200 {
        let full = if round % 2 == 0 { tcp_packet(&mut rng, true, 0x10, 77) } else { udp_packet(&mut rng, false, 78) };
        let mut b = full.clone();
        let p = partial(&mut b);
        let mut vnet = kernel_vnet(&p, GsoKind::None, 0);
        finish_checksum(&mut vnet, &mut b).unwrap();
        assert_eq!(vnet, VnetHeader::default());
        assert_eq!(b, full);
        vnet = VnetHeader { needs_csum: true, csum_start: b.len() as u16 - 1, ..vnet };
        assert_eq!(finish_checksum(&mut vnet, &mut b), Err(Malformed::Offload));
    }
}

#[test]
fn a_finished_checksum_is_never_zero_which_means_none_in_udp() {
    let mut b = udp_packet(&mut Rng(13), false, 20);
    let p = Packet::parse(&b).unwrap();
    let l4 = usize::from(p.l4_offset);
    // Adding the checksum to a word of the payload makes the sum all ones, the checksum zero.
    let sum = fold(u64::from(word(&b, l4 + 8)) + u64::from(word(&b, l4 + 6)));
    b[l4 + 8..l4 + 10].copy_from_slice(&sum.to_be_bytes());
    partial(&mut b);
    finish_checksum(&mut kernel_vnet(&p, GsoKind::None, 0), &mut b).unwrap();
    assert_eq!(word(&b, l4 + 6), 0xffff);
}

#[test]
fn sums_are_those_of_the_slow_way() {
    let mut rng = Rng(11);
    for len in 0..200 {
        let b = rng.bytes(len);
        let (fast, slow) = (fold(sum_bytes(0, &b)), slow_sum(&[&b]));
        assert_eq!(fast % 0xffff, slow % 0xffff, "{len}");
    }
}

#[test]
fn parsing_stays_cheap() {
    let mut rng = Rng(12);
    let packets: Vec<Vec<u8>> = (0..64).map(|i| tcp_packet(&mut rng, i % 2 == 0, 0x10, 100)).collect();
    let rounds = 20_000u32;
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        for packet in &packets {
            std::hint::black_box(Packet::parse(std::hint::black_box(packet)).unwrap().flow_hash(3));
        }
    }
    let each_ns = start.elapsed().as_nanos() / u128::from(rounds) / 64;
    println!("parse and hash: {each_ns} ns");
    // Generous: an unoptimised build on a busy machine; this catches allocation and loops.
    assert!(each_ns < 2_000, "{each_ns} ns");
}
