//! The internet checksum (RFC 1071) and its repair after a change (RFC 1624).

use super::{Malformed, VnetHeader};

/// Sum of `bytes` as 16-bit words on top of `start`, not folded, not inverted.
///
/// `start` must be small (a folded sum); then no packet is long enough to overflow.
pub fn sum_bytes(start: u64, bytes: &[u8]) -> u64 {
    let mut chunks = bytes.chunks_exact(4);
    let mut sum = start;
    for c in &mut chunks {
        sum += u64::from(u32::from_be_bytes([c[0], c[1], c[2], c[3]]));
    }
    match chunks.remainder() {
        [] => sum,
        [a] => sum + (u64::from(*a) << 8),
        [a, b] => sum + u64::from(u16::from_be_bytes([*a, *b])),
        [a, b, c, ..] => sum + u64::from(u16::from_be_bytes([*a, *b])) + (u64::from(*c) << 8),
    }
}

/// The 16-bit one's complement sum that `sum` stands for.
pub fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// Checksum over `bytes`, whose own checksum field is zero, on top of `start`.
pub fn checksum(start: u64, bytes: &[u8]) -> u16 {
    !fold(sum_bytes(start, bytes))
}

/// The folded *sum* (not inverted) `sum` after one word of what it covers changed.
///
/// A partial checksum is such a sum; for a finished checksum invert before and after.
pub fn replace_word(sum: u16, old: u16, new: u16) -> u16 {
    fold(u64::from(sum) + u64::from(!old) + u64::from(new))
}

/// Completes a checksum that the kernel left partial at a place that [`super::describe`] refuses
/// (a tunnel inside the tunnel, say), and clears the request. Costs a pass over the packet.
pub fn finish_checksum(vnet: &mut VnetHeader, packet: &mut [u8]) -> Result<(), Malformed> {
    if !vnet.needs_csum {
        return Ok(());
    }
    let start = usize::from(vnet.csum_start);
    let field = start + usize::from(vnet.csum_offset);
    if vnet.gso_size != 0 || field + 2 > packet.len() {
        return Err(Malformed::Offload);
    }
    // The field holds the sum of the pseudo header and so counts like any other word.
    let sum = match checksum(0, &packet[start..]) {
        // UDP means "none" by zero; the other zero of one's complement means the same sum.
        0 => 0xffff,
        sum => sum,
    };
    packet[field..field + 2].copy_from_slice(&sum.to_be_bytes());
    (vnet.needs_csum, vnet.csum_start, vnet.csum_offset) = (false, 0, 0);
    Ok(())
}
