//! Packets for tests, made the slow and obvious way.

use super::{TCP, UDP};

/// Small seeded generator (splitmix64), so that a failure repeats.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}

/// Word by word, one's complement, nothing clever.
pub fn slow_sum(parts: &[&[u8]]) -> u16 {
    let all: Vec<u8> = parts.concat();
    let mut sum = 0u32;
    for pair in all.chunks(2) {
        sum += u32::from(pair[0]) * 256 + u32::from(*pair.get(1).unwrap_or(&0));
        if sum > 0xffff {
            sum -= 0xffff;
        }
    }
    sum as u16
}

/// Sum of the pseudo header of the packet whose layer 4 begins at `l4`.
pub fn pseudo_sum(packet: &[u8], l4: usize, protocol: u8) -> u16 {
    let addresses = if packet[0] >> 4 == 4 { &packet[12..20] } else { &packet[8..40] };
    let len = ((packet.len() - l4) as u32).to_be_bytes();
    slow_sum(&[addresses, &len, &[0, protocol]])
}

/// Writes the layer 4 checksum in full.
pub fn finish(packet: &mut [u8], l4: usize, protocol: u8) {
    let field = l4 + if protocol == TCP { 16 } else { 6 };
    packet[field..field + 2].fill(0);
    let sum = !slow_sum(&[&pseudo_sum(packet, l4, protocol).to_be_bytes(), &packet[l4..]]);
    packet[field..field + 2].copy_from_slice(&sum.to_be_bytes());
}

/// Writes the sum of the pseudo header, as a kernel does that leaves the rest to the card.
pub fn leave_partial(packet: &mut [u8], l4: usize, protocol: u8) {
    let field = l4 + if protocol == TCP { 16 } else { 6 };
    let sum = pseudo_sum(packet, l4, protocol);
    packet[field..field + 2].copy_from_slice(&sum.to_be_bytes());
}

/// Writes IP lengths and IPv4's checksum for what `packet` now is.
pub fn finish_ip(packet: &mut [u8]) {
    let len = packet.len();
    if packet[0] >> 4 == 4 {
        packet[2..4].copy_from_slice(&(len as u16).to_be_bytes());
        let header_len = usize::from(packet[0] & 15) * 4;
        packet[10..12].fill(0);
        let sum = !slow_sum(&[&packet[..header_len]]);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
    } else {
        packet[4..6].copy_from_slice(&((len - 40) as u16).to_be_bytes());
    }
}

/// IP header with random fields, with IPv4 options or IPv6 extension headers now and then.
pub fn ip_header(rng: &mut Rng, v6: bool, protocol: u8) -> Vec<u8> {
    let mut b;
    if v6 {
        b = rng.bytes(40);
        b[0] = 0x60 | b[0] & 15;
        b[6] = protocol;
        if rng.below(3) == 0 {
            b[6] = 0;
            let mut extension = vec![60, 1];
            extension.extend([1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            extension.extend([protocol, 0, 1, 4, 0, 0, 0, 0]);
            b.extend(extension);
        }
    } else {
        let options = rng.below(3) * 4;
        b = rng.bytes(20);
        b[0] = 0x45 + (options / 4) as u8;
        b[6] = 0x40;
        b[7] = 0;
        b[9] = protocol;
        b.extend(vec![1; options]);
    }
    b
}

/// A TCP packet with right lengths and checksums.
pub fn tcp_packet(rng: &mut Rng, v6: bool, flags: u8, payload_len: usize) -> Vec<u8> {
    let mut b = ip_header(rng, v6, TCP);
    let l4 = b.len();
    let options = rng.below(11) * 4;
    let mut tcp = rng.bytes(20);
    tcp[12] = ((20 + options) / 4 * 16) as u8;
    tcp[13] = flags;
    b.extend(tcp);
    b.extend(vec![1; options]);
    let payload = rng.bytes(payload_len);
    b.extend(payload);
    finish_ip(&mut b);
    finish(&mut b, l4, TCP);
    b
}

/// A UDP packet with right lengths and checksums.
pub fn udp_packet(rng: &mut Rng, v6: bool, payload_len: usize) -> Vec<u8> {
    let mut b = ip_header(rng, v6, UDP);
    let l4 = b.len();
    let ports = rng.bytes(4);
    b.extend(ports);
    b.extend(((8 + payload_len) as u16).to_be_bytes());
    b.extend([0, 0]);
    let payload = rng.bytes(payload_len);
    b.extend(payload);
    finish_ip(&mut b);
    finish(&mut b, l4, UDP);
    b
}
