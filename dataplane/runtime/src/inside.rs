//! The inside end: what peers send goes into the TUN, checked; what cannot go on is answered.

use std::net::IpAddr;
use std::time::Instant;

use bytes::Bytes;
use quicether_core::cut::{segment_headers, surviving_runs};
use quicether_core::ecn;
use quicether_core::flows::{Flows, tells_of_others};
use quicether_core::icmp::{self, IcmpError};
use quicether_core::packet::{MAX_HEADER_LEN, Packet, VnetHeader};
use quicether_core::rate_limit::TokenBucket;
use quicether_core::reassembly::Train;
use quicether_core::routes::RouteTable;

use crate::state::{RuntimeCounters, Traffic};
use crate::tun::Tun;

/// ICMP errors a second, and at once.
const ICMP_RATE: u32 = 100;
const ICMP_BURST: u32 = 50;

/// The TUN and who may be reached through it.
pub struct Inside {
    /// The device, once a state is applied.
    pub tun: Option<Tun>,
    /// What peers may reach here.
    pub local: RouteTable<()>,
    /// Own overlay addresses: ICMP errors come from them.
    pub own: Vec<IpAddr>,
    /// Whether the addresses of what peers send are checked; always, but for a test of the tests.
    pub checks_sources: bool,
    /// Whether flows may begin; without a daemon for long, only what is live goes on.
    pub admits_flows: bool,
    /// Seconds that the worker has run, set once a round.
    pub now_s: u32,
    /// Whether anything was handed to the kernel since somebody looked.
    pub has_written: bool,
    /// Sums.
    pub counters: RuntimeCounters,
    flows: Flows,
    icmp_budget: TokenBucket,
    iovecs: Vec<libc::iovec>,
}

// SAFETY: `iovecs` is empty between calls; it is kept for its memory only.
unsafe impl Send for Inside {}

impl Inside {
    /// Without a TUN yet.
    pub fn new(flow_seed: u64) -> Self {
        Self {
            tun: None,
            local: RouteTable::build(&[]),
            own: Vec::new(),
            checks_sources: true,
            admits_flows: true,
            now_s: 0,
            has_written: false,
            counters: RuntimeCounters::default(),
            flows: Flows::new(flow_seed),
            icmp_budget: TokenBucket::new(ICMP_RATE, ICMP_BURST),
            iovecs: Vec::with_capacity(80),
        }
    }

    /// Hands a train from a peer to the kernel: whole, or the segments that survived.
    ///
    /// `sources` are the only addresses that the peer may send from. What the line marked on the
    /// outside is marked inside (RFC 6040); what cannot be marked goes on, because the controller
    /// outside has answered to the mark.
    pub fn deliver(&mut self, train: &Train<Bytes>, sources: &RouteTable<()>, traffic: &mut Traffic) {
        let front = train.parts.first().filter(|part| part.offset == 0).map(|part| &part.bytes);
        let Some(headers) = front.or(train.headers.as_ref()) else { return };
        let total = if train.is_whole() { train.length.map(usize::from) } else { ip_length(headers) };
        let Some(Ok(packet)) = total.map(|total| Packet::parse_headers(headers, total)) else {
            self.counters.malformed += 1;
            return;
        };
        let allowed = sources.lookup(packet.src).is_some() && self.local.lookup(packet.dst).is_some();
        if (self.checks_sources && !allowed) || !self.may_flow(&packet) {
            self.counters.denied += 1;
            return;
        }
        if train.is_whole() {
            self.deliver_whole(train, &packet, traffic);
        } else {
            self.deliver_rest(train, headers, &packet, traffic);
        }
    }

    /// Notes a packet's flow, and gives whether it may pass: it is live, or new ones may begin.
    pub fn may_flow(&mut self, packet: &Packet) -> bool {
        self.flows.note(packet, self.now_s, self.admits_flows) || self.admits_flows || tells_of_others(packet)
    }

    fn deliver_whole(&mut self, train: &Train<Bytes>, packet: &Packet, traffic: &mut Traffic) {
        let front = &train.parts[0].bytes;
        let gso_size = train.gso_size.unwrap_or(0);
        let Ok(vnet) = VnetHeader::derive(packet, front, gso_size, train.partial_checksum) else {
            self.counters.malformed += 1;
            return;
        };
        let header_len = packet.header_len(front).unwrap_or(0);
        let payload_len = usize::from(packet.total_len) - header_len.min(usize::from(packet.total_len));
        let segments = if vnet.gso_size == 0 { 1 } else { payload_len.div_ceil(usize::from(vnet.gso_size)) };
        let rest = train.parts[1..].iter().map(|part| &part.bytes[..]);
        let written = if train.congested {
            let mut marked = [0; MAX_HEADER_LEN];
            let length = front.len().min(MAX_HEADER_LEN);
            marked[..length].copy_from_slice(&front[..length]);
            ecn::mark_ce(&mut marked[..length]);
            self.write(&vnet, [&marked[..length], &front[length..]].into_iter().chain(rest))
        } else {
            self.write(&vnet, std::iter::once(&front[..]).chain(rest))
        };
        if written {
            traffic.received_packets += segments as u64;
            traffic.received_bytes += u64::from(packet.total_len);
        }
    }

    /// Cuts what arrived at segment boundaries and rebuilds the headers.
    fn deliver_rest(&mut self, train: &Train<Bytes>, headers: &Bytes, packet: &Packet, traffic: &mut Traffic) {
        let (Some(gso_size), true) = (train.gso_size.filter(|size| *size > 0), train.partial_checksum) else { return };
        let Ok(header_len) = packet.header_len(headers) else { return };
        let Some(headers) = headers.get(..header_len) else { return };
        let payload_len = usize::from(packet.total_len) - header_len;
        let present = train.parts.iter().map(|part| {
            let (start, end) = (usize::from(part.offset), usize::from(part.offset) + part.bytes.len());
            (start.saturating_sub(header_len), end.saturating_sub(header_len))
        });
        for run in surviving_runs(present, payload_len, gso_size) {
            let length = run.end - run.start;
            let Ok(mut part) = segment_headers(headers, payload_len, gso_size, run.first_segment, length) else {
                return;
            };
            if train.congested {
                ecn::mark_ce(&mut part);
            }
            let (from, to) = (header_len + run.start, header_len + run.end);
            let slices = train.parts.iter().filter_map(|p| overlap(p.offset, &p.bytes, from, to));
            if self.write(&part.vnet, std::iter::once(&part[..]).chain(slices)) {
                traffic.received_packets += length.div_ceil(usize::from(gso_size)) as u64;
                traffic.received_bytes += (part.len() + length) as u64;
            }
        }
    }

    /// Tells the sender of an inner packet why it does not go on.
    pub fn answer(&mut self, now: Instant, error: IcmpError, packet: &Packet, bytes: &[u8]) {
        let router = self.own.iter().find(|own| own.is_ipv4() == packet.src.is_ipv4());
        let Some(router) = router.copied().filter(|_| self.icmp_budget.take(now)) else { return };
        let mut message = [0; icmp::MAX_ERROR_LEN];
        let Some(length) = icmp::encode_error(error, packet, bytes, router, &mut message) else { return };
        if self.write(&VnetHeader::default(), std::iter::once(&message[..length])) {
            self.counters.icmp_sent += 1;
        }
    }

    fn write<'a>(&mut self, vnet: &VnetHeader, parts: impl Iterator<Item = &'a [u8]>) -> bool {
        let Some(tun) = &self.tun else { return false };
        let written = tun.write(vnet, parts, &mut self.iovecs).is_ok();
        self.counters.tun_write_errors += u64::from(!written);
        self.has_written |= written;
        written
    }
}

/// The length that an IP header gives its packet.
fn ip_length(headers: &[u8]) -> Option<usize> {
    let word = |at: usize| Some(usize::from(u16::from_be_bytes([*headers.get(at)?, *headers.get(at + 1)?])));
    match headers.first()? >> 4 {
        4 => word(2),
        6 => word(4).map(|payload| payload + 40),
        _ => None,
    }
}

/// What of a part lies between two offsets.
fn overlap(offset: u16, bytes: &[u8], from: usize, to: usize) -> Option<&[u8]> {
    let offset = usize::from(offset);
    let start = from.saturating_sub(offset);
    let end = to.checked_sub(offset)?.min(bytes.len());
    bytes.get(start..end).filter(|slice| !slice.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_cuts_a_part_to_the_wanted_range() {
        assert_eq!(overlap(10, b"abcdef", 12, 14), Some(&b"cd"[..]));
        assert_eq!(overlap(10, b"abcdef", 0, 11), Some(&b"a"[..]));
        assert_eq!(overlap(10, b"abcdef", 0, 10), None);
        assert_eq!(overlap(10, b"abcdef", 16, 20), None);
        assert_eq!(overlap(10, b"abcdef", 0, 5), None);
    }
}
