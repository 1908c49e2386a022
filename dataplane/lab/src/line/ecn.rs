//! The ECN field of a packet inside an Ethernet frame (RFC 3168).

const ETHERNET_HEADER: usize = 14;

/// Marks the packet "congestion experienced" when its sender speaks ECN; says whether it did.
pub fn mark_congestion(frame: &mut [u8]) -> bool {
    let Some(kind) = frame.get(12..14).map(|kind| [kind[0], kind[1]]) else { return false };
    let packet = &mut frame[ETHERNET_HEADER..];
    match kind {
        [0x08, 0x00] => mark_v4(packet),
        [0x86, 0xdd] => mark_v6(packet),
        _ => false,
    }
}

fn mark_v4(packet: &mut [u8]) -> bool {
    if packet.len() < 20 || packet[1] & 3 == 0 {
        return false;
    }
    let before = u16::from_be_bytes([packet[0], packet[1]]);
    packet[1] |= 3;
    let after = u16::from_be_bytes([packet[0], packet[1]]);
    // RFC 1624: the checksum follows the change without another pass over the header.
    let checksum = u16::from_be_bytes([packet[10], packet[11]]);
    let mut sum = u32::from(!checksum) + u32::from(!before) + u32::from(after);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    packet[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    true
}

fn mark_v6(packet: &mut [u8]) -> bool {
    if packet.len() < 40 || packet[1] & 0x30 == 0 {
        return false;
    }
    packet[1] |= 0x30;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_sum(header: &[u8]) -> u16 {
        let mut sum: u32 = header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    fn v4(ecn: u8) -> Vec<u8> {
        let mut frame = vec![0; 34];
        frame[12..14].copy_from_slice(&[8, 0]);
        let header = [0x45, ecn, 0, 84, 0x12, 0x34, 0x40, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        frame[14..].copy_from_slice(&header);
        let checksum = !header_sum(&header);
        frame[24..26].copy_from_slice(&checksum.to_be_bytes());
        frame
    }

    #[test]
    fn v4_keeps_a_right_checksum() {
        for ecn in [1, 2, 3] {
            let mut frame = v4(ecn);
            assert!(mark_congestion(&mut frame));
            assert_eq!(frame[15] & 3, 3);
            assert_eq!(header_sum(&frame[14..34]), 0xffff);
        }
    }

    #[test]
    fn v6_sets_both_bits_and_nothing_else() {
        let mut frame = vec![0; 54];
        frame[12..14].copy_from_slice(&[0x86, 0xdd]);
        frame[14..16].copy_from_slice(&[0x6a, 0x2f]);
        assert!(mark_congestion(&mut frame));
        assert_eq!(frame[14..16], [0x6a, 0x3f]);
    }

    #[test]
    fn others_stay_as_they_are() {
        let mut plain = v4(0);
        assert!(!mark_congestion(&mut plain));
        assert_eq!(plain, v4(0));
        for len in 0..14 {
            assert!(!mark_congestion(&mut vec![8; len]));
        }
        assert!(!mark_congestion(&mut [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0x45]));
    }
}
