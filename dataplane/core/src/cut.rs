//! Cutting trains: any run of whole segments becomes a packet, or a smaller train, of its own.

use std::ops::{Deref, DerefMut};

use crate::packet::{MAX_HEADER_LEN, Malformed, Packet, TCP, VnetHeader, checksum, replace_word, word};

const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const CWR: u8 = 0x80;

/// Headers of a part of a train, with what to tell the kernel about it.
#[derive(Debug, Clone, Copy)]
pub struct SegmentHeaders {
    bytes: [u8; MAX_HEADER_LEN],
    len: u8,
    /// Goes in front of the headers when they are written into a TUN.
    pub vnet: VnetHeader,
}

impl Deref for SegmentHeaders {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl DerefMut for SegmentHeaders {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..usize::from(self.len)]
    }
}

/// Headers for `payload_len` bytes of a train's payload, beginning with segment `first_segment`.
///
/// `headers` are those of the whole train, whose payload is `original_payload_len` bytes in
/// segments of `gso_size`; its checksum is partial, as that of each train is. The part must be
/// whole segments. What depends on the place in the train (IPv4 id, TCP sequence number, FIN,
/// PSH, CWR) becomes what the kernel would have written, had it cut the train itself.
pub fn segment_headers(
    headers: &[u8],
    original_payload_len: usize,
    gso_size: u16,
    first_segment: usize,
    payload_len: usize,
) -> Result<SegmentHeaders, Malformed> {
    let segment_len = usize::from(gso_size);
    let start = first_segment.checked_mul(segment_len).ok_or(Malformed::Offload)?;
    let end = start.checked_add(payload_len).ok_or(Malformed::Offload)?;
    let whole = end == original_payload_len || payload_len.checked_rem(segment_len) == Some(0);
    if !whole || payload_len == 0 || end > original_payload_len || headers.len() > MAX_HEADER_LEN {
        return Err(Malformed::Offload);
    }
    let packet = Packet::parse_headers(headers, headers.len() + original_payload_len)?;
    if packet.header_len(headers)? != headers.len() {
        return Err(Malformed::Header);
    }
    // Refuses what is no train of TCP or UDP before anything is written into it.
    VnetHeader::derive(&packet, headers, gso_size, true)?;

    let mut bytes = [0; MAX_HEADER_LEN];
    bytes[..headers.len()].copy_from_slice(headers);
    let part = &mut bytes[..headers.len()];
    let l4 = usize::from(packet.l4_offset);
    write_ip(part, l4, first_segment, payload_len);
    if packet.protocol == TCP {
        write_tcp(&mut part[l4..], start, end == original_payload_len);
    }
    write_l4_len(part, l4, packet.protocol, original_payload_len, payload_len);
    let part_packet = Packet::parse_headers(part, part.len() + payload_len)?;
    let vnet = VnetHeader::derive(&part_packet, part, gso_size, true)?;
    Ok(SegmentHeaders { bytes, len: headers.len() as u8, vnet })
}

fn write_ip(part: &mut [u8], l4: usize, first_segment: usize, payload_len: usize) {
    let total_len = part.len() + payload_len;
    if part[0] >> 4 == 6 {
        put(part, 4, (total_len - 40) as u16);
        return;
    }
    put(part, 2, total_len as u16);
    // Kernels count the id up from segment to segment, with DF set as well.
    let id = word(part, 4).wrapping_add(first_segment as u16);
    put(part, 4, id);
    put(part, 10, 0);
    let sum = checksum(0, &part[..l4]);
    put(part, 10, sum);
}

fn write_tcp(tcp: &mut [u8], start: usize, last: bool) {
    let sequence = u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]).wrapping_add(start as u32);
    tcp[4..8].copy_from_slice(&sequence.to_be_bytes());
    if !last {
        tcp[13] &= !(FIN | PSH);
    }
    if start > 0 {
        tcp[13] &= !CWR;
    }
}

/// Writes UDP's length, and the layer 4 length inside the partial checksum.
fn write_l4_len(part: &mut [u8], l4: usize, protocol: u8, original_payload_len: usize, payload_len: usize) {
    let l4_header_len = part.len() - l4;
    // Both fit: they are parts of a packet whose length the IP header holds.
    let (old, new) = ((l4_header_len + original_payload_len) as u16, (l4_header_len + payload_len) as u16);
    let field = l4 + if protocol == TCP { 16 } else { 6 };
    if protocol != TCP {
        put(part, l4 + 4, new);
    }
    let sum = replace_word(word(part, field), old, new);
    put(part, field, sum);
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

/// Whole segments that survived, as one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Index of the first of them in the train.
    pub first_segment: usize,
    /// Where their payload begins in that of the train.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// Longest runs of whole segments within the payload ranges `present`, in order.
///
/// `present` gives `(start, end)` sorted by start; ranges may touch, overlap or reach beyond the
/// payload. Without segmentation (`gso_size` 0) the payload is one segment: all or nothing.
pub fn surviving_runs<I>(present: I, payload_len: usize, gso_size: u16) -> SurvivingRuns<I::IntoIter>
where
    I: IntoIterator<Item = (usize, usize)>,
{
    let segment_len = if gso_size == 0 { payload_len.max(1) } else { usize::from(gso_size) };
    SurvivingRuns { present: present.into_iter(), pending: None, payload_len, segment_len }
}

/// Iterator of [`surviving_runs`].
#[derive(Debug, Clone)]
pub struct SurvivingRuns<I> {
    present: I,
    pending: Option<(usize, usize)>,
    payload_len: usize,
    segment_len: usize,
}

impl<I: Iterator<Item = (usize, usize)>> Iterator for SurvivingRuns<I> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        loop {
            let (from, mut to) = self.pending.take().or_else(|| self.present.next())?;
            for (a, b) in self.present.by_ref() {
                if a > to {
                    self.pending = Some((a, b));
                    break;
                }
                to = to.max(b);
            }
            let first_segment = from.div_ceil(self.segment_len);
            // A range far beyond the payload would overflow here; it holds nothing.
            let Some(start) = first_segment.checked_mul(self.segment_len) else { continue };
            let end = if to >= self.payload_len { self.payload_len } else { to - to % self.segment_len };
            if start < end {
                return Some(Run { first_segment, start, end });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::testing::*;
    use crate::packet::{GsoKind, UDP, rebuild_vnet};

    /// What the kernel would put on the wire for the train: every field and checksum from scratch.
    fn reference_segments(train: &[u8], header_len: usize, gso_size: usize) -> Vec<Vec<u8>> {
        let p = Packet::parse(train).unwrap();
        let l4 = usize::from(p.l4_offset);
        let (headers, payload) = train.split_at(header_len);
        let count = payload.len().div_ceil(gso_size);
        let mut out = Vec::new();
        for (i, data) in payload.chunks(gso_size).enumerate() {
            let mut b = [headers, data].concat();
            if b[0] >> 4 == 4 {
                let id = u16::from_be_bytes([b[4], b[5]]) as usize + i;
                b[4..6].copy_from_slice(&(id as u16).to_be_bytes());
            }
            if p.protocol == TCP {
                let seq = u32::from_be_bytes(b[l4 + 4..l4 + 8].try_into().unwrap());
                let seq = (u64::from(seq) + (i * gso_size) as u64) as u32;
                b[l4 + 4..l4 + 8].copy_from_slice(&seq.to_be_bytes());
                if i > 0 {
                    b[l4 + 13] &= 0x7f;
                }
                if i + 1 < count {
                    b[l4 + 13] &= 0xf6;
                }
            } else {
                b[l4 + 4..l4 + 6].copy_from_slice(&((8 + data.len()) as u16).to_be_bytes());
            }
            finish_ip(&mut b);
            finish(&mut b, l4, p.protocol);
            out.push(b);
        }
        out
    }

    fn train(rng: &mut Rng) -> (Vec<u8>, usize, u16) {
        let (v6, tcp) = (rng.below(2) == 1, rng.below(3) > 0);
        let gso_size = [8, 100, 536, 1187, 1400, 1448][rng.below(6)];
        let payload_len = gso_size + 1 + rng.below(gso_size * 12);
        let flags = rng.next() as u8 | 0x10;
        let mut b = if tcp { tcp_packet(rng, v6, flags, payload_len) } else { udp_packet(rng, v6, payload_len) };
        let p = Packet::parse(&b).unwrap();
        leave_partial(&mut b, usize::from(p.l4_offset), p.protocol);
        let header_len = p.header_len(&b).unwrap();
        (b, header_len, gso_size as u16)
    }

    /// Checks one run against the reference: what the TUN gets, cut by a kernel, is the same bytes.
    fn check_run(b: &[u8], header_len: usize, gso_size: u16, run: Run, reference: &[Vec<u8>]) {
        let payload_len = b.len() - header_len;
        let made =
            segment_headers(&b[..header_len], payload_len, gso_size, run.first_segment, run.end - run.start).unwrap();
        let part = [&made, &b[header_len + run.start..header_len + run.end]].concat();
        let p = Packet::parse(&part).unwrap();
        let (l4, field) = (usize::from(p.l4_offset), if p.protocol == UDP { 6 } else { 16 });
        // The stored sum is that of a pseudo header made anew (0 and 0xffff are one number).
        let stored = u16::from_be_bytes([part[l4 + field], part[l4 + field + 1]]);
        assert_eq!(stored % 0xffff, pseudo_sum(&part, l4, p.protocol) % 0xffff);
        assert_eq!(made.vnet, rebuild_vnet(&part, part.len(), gso_size, true).unwrap());
        let segments = (run.end - run.start).div_ceil(usize::from(gso_size));
        assert_eq!(made.vnet.gso == GsoKind::None, segments == 1);
        let got = reference_segments(&part, header_len, usize::from(gso_size));
        assert_eq!(got, reference[run.first_segment..run.first_segment + segments]);
        if p.src.is_ipv4() {
            assert_eq!(slow_sum(&[&part[..l4]]), 0xffff);
        }
    }

    #[test]
    fn every_run_of_segments_goes_on_the_wire_as_if_the_kernel_had_cut_it() {
        let mut rng = Rng(1);
        for _ in 0..60 {
            let (b, header_len, gso_size) = train(&mut rng);
            let reference = reference_segments(&b, header_len, usize::from(gso_size));
            let (payload_len, g) = (b.len() - header_len, usize::from(gso_size));
            for first in 0..reference.len() {
                for last in [first + 1, reference.len(), first + 1 + rng.below(reference.len() - first)] {
                    let run = Run { first_segment: first, start: first * g, end: payload_len.min(last * g) };
                    check_run(&b, header_len, gso_size, run, &reference);
                }
            }
        }
    }

    #[test]
    fn parts_that_are_not_whole_segments_are_refused() {
        let mut rng = Rng(2);
        for _ in 0..200 {
            let (b, h, g) = train(&mut rng);
            let (n, g_len) = (b.len() - h, usize::from(g));
            let cut = |first, len| segment_headers(&b[..h], n, g, first, len).map(|_| ());
            assert_eq!(cut(0, n), Ok(()));
            assert_eq!(cut(0, 0), Err(Malformed::Offload));
            assert_eq!(cut(0, g_len - 1), Err(Malformed::Offload));
            assert_eq!(cut(1, n), Err(Malformed::Offload));
            assert_eq!(cut(usize::MAX, 1), Err(Malformed::Offload));
            assert_eq!(cut(usize::MAX / g_len, n), Err(Malformed::Offload));
            assert!(segment_headers(&b[..h], n + 1, g, 0, g_len).is_err());
            assert!(segment_headers(&b[..h - 1], n, g, 0, g_len).is_err());
            assert!(segment_headers(&b[..h + 1], n - 1, g, 0, g_len).is_err());
            assert!(segment_headers(&b[..h], n, 0, 0, n).is_ok(), "one piece stays one piece");
        }
    }

    #[test]
    fn hostile_headers_never_panic() {
        let mut rng = Rng(3);
        let trains: Vec<_> = (0..50).map(|_| train(&mut rng)).collect();
        for round in 0..20_000 {
            let (b, h, g) = &trains[round % trains.len()];
            let (h, g) = (*h, *g);
            let mut headers = b[..h].to_vec();
            for _ in 0..1 + rng.below(3) {
                let at = rng.below(h);
                headers[at] ^= 1 << rng.below(8);
            }
            let (first, len) = (rng.below(20), rng.below(4) * usize::from(g) + rng.below(2));
            if let Ok(made) = segment_headers(&headers, b.len() - h, g, first, len) {
                assert!(Packet::parse_headers(&made, made.len() + len).is_ok());
            }
        }
    }

    #[test]
    fn survivors_are_exactly_the_segments_all_of_whose_bytes_came() {
        let mut rng = Rng(4);
        for _ in 0..3000 {
            let payload_len = 1 + rng.below(400);
            let gso_size = rng.below(60) as u16;
            let segment = if gso_size == 0 { payload_len } else { usize::from(gso_size) };
            let mut came = vec![false; payload_len];
            let mut ranges: Vec<(usize, usize)> = (0..rng.below(6))
                .map(|_| {
                    let a = rng.below(payload_len + 20);
                    (a, a + rng.below(payload_len + 20))
                })
                .collect();
            ranges.sort_unstable();
            for &(a, b) in &ranges {
                came[a.min(payload_len)..b.min(payload_len)].fill(true);
            }
            let expected: Vec<bool> = came.chunks(segment).map(|s| s.iter().all(|b| *b)).collect();
            let mut got = vec![false; expected.len()];
            let mut previous_end = None;
            for run in surviving_runs(ranges.iter().copied(), payload_len, gso_size) {
                assert!(run.start == run.first_segment * segment && run.start < run.end && run.end <= payload_len);
                assert!(run.end % segment == 0 || run.end == payload_len);
                // Runs are as long as can be: two of them never touch.
                assert!(previous_end.is_none_or(|end| end < run.start), "{ranges:?}");
                previous_end = Some(run.end);
                got[run.first_segment..run.end.div_ceil(segment)].fill(true);
            }
            assert_eq!(got, expected, "{ranges:?} of {payload_len} by {gso_size}");
        }
        assert_eq!(surviving_runs([(usize::MAX, usize::MAX)], 10, 3).next(), None);
        assert_eq!(surviving_runs([(0, 0)], 0, 0).next(), None);
    }

    #[test]
    fn lost_pieces_cost_only_the_segments_they_carried() {
        let mut rng = Rng(5);
        for _ in 0..200 {
            let (b, h, g) = train(&mut rng);
            let reference = reference_segments(&b, h, usize::from(g));
            let payload_len = b.len() - h;
            let mut pieces: Vec<(usize, usize)> =
                (0..payload_len).step_by(1400).map(|a| (a, payload_len.min(a + 1400))).collect();
            pieces.retain(|_| rng.below(4) > 0);
            for run in surviving_runs(pieces, payload_len, g) {
                check_run(&b, h, g, run, &reference);
            }
        }
    }
}
