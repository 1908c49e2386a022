//! Which flows were seen lately: what is live may go on when nothing new may begin.
//!
//! A fixed table of fingerprints, four places for each row; the one unseen for longest makes room.
//! A flow costs eight bytes and one cache line a train, and is known by either of its directions.

use crate::packet::{ICMP, ICMPV6, Packet};

/// A flow without a train for so long is over: 2 hours 4 minutes, what RFC 5382 (REQ-5) asks a NAT to
/// keep a quiet TCP connection for. Shorter than the table's own forgetting only on a quiet box.
const LIVE_S: u32 = 7_440;

const PLACES: usize = 4;
const ROWS: usize = 1 << 14;

/// Seconds since the table was made are counted from 1: 0 is an empty place.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    fingerprint: u32,
    seen_s: u32,
}

/// The flows seen lately, 65,536 at most.
#[derive(Debug)]
pub struct Flows {
    rows: Box<[[Place; PLACES]]>,
    seed: u64,
}

impl Flows {
    /// Knows none; `seed` keeps outsiders from choosing which flows share a row.
    pub fn new(seed: u64) -> Self {
        Self { rows: vec![[Place::default(); PLACES]; ROWS].into(), seed }
    }

    /// Notes a train of a flow at `now_s`, and whether the flow was live before.
    ///
    /// With `admits_new` false, what was not live is not noted either and stays unknown.
    pub fn note(&mut self, packet: &Packet, now_s: u32, admits_new: bool) -> bool {
        let hash = packet.both_ways_hash(self.seed);
        let row = &mut self.rows[hash as usize % ROWS];
        let (fingerprint, now_s) = ((hash >> 32) as u32, now_s.saturating_add(1));
        if let Some(place) = row.iter_mut().find(|place| place.seen_s > 0 && place.fingerprint == fingerprint) {
            let is_live = now_s.saturating_sub(place.seen_s) <= LIVE_S;
            if is_live || admits_new {
                place.seen_s = now_s;
            }
            return is_live;
        }
        if admits_new && let Some(oldest) = row.iter_mut().min_by_key(|place| place.seen_s) {
            *oldest = Place { fingerprint, seen_s: now_s };
        }
        false
    }
}

/// Whether a packet may pass although it belongs to no live flow: ICMP, by which live flows learn of a
/// path's MTU or of its end. Echoes pass with it: they carry no conversation.
pub fn tells_of_others(packet: &Packet) -> bool {
    matches!(packet.protocol, ICMP | ICMPV6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Fragment;
    use std::net::IpAddr;

    fn packet(src: &str, dst: &str, ports: (u16, u16)) -> Packet {
        let (src, dst): (IpAddr, IpAddr) = (src.parse().unwrap(), dst.parse().unwrap());
        Packet {
            src,
            dst,
            protocol: 6,
            dscp: 0,
            ecn: 0,
            ttl: 64,
            l4_offset: 20,
            total_len: 60,
            ports: Some(ports),
            fragment: Fragment::Whole,
        }
    }

    #[test]
    fn a_flow_is_known_by_both_of_its_directions_and_no_other_is() {
        for (a, b) in [("10.0.0.1", "10.0.1.1"), ("fd00::1", "fd00:1::1")] {
            let mut flows = Flows::new(7);
            assert!(!flows.note(&packet(a, b, (40_000, 22)), 5, true));
            assert!(flows.note(&packet(a, b, (40_000, 22)), 6, false));
            assert!(flows.note(&packet(b, a, (22, 40_000)), 7, false), "the answer");
            assert!(!flows.note(&packet(a, b, (40_001, 22)), 7, false), "another port");
            assert!(!flows.note(&packet(a, b, (40_001, 22)), 7, false), "and it was not noted");
            assert!(!flows.note(&packet(a, b, (22, 40_000)), 7, false), "ports belong to their addresses");
        }
    }

    #[test]
    fn what_was_silent_for_long_is_over() {
        let mut flows = Flows::new(7);
        let one = packet("10.0.0.1", "10.0.1.1", (1, 2));
        flows.note(&one, 0, true);
        assert!(flows.note(&one, LIVE_S, false));
        assert!(flows.note(&one, 2 * LIVE_S, false), "each train makes it live anew");
        assert!(!flows.note(&one, 3 * LIVE_S + 1, false));
        assert!(!flows.note(&one, 3 * LIVE_S + 2, false));
    }

    #[test]
    fn a_full_table_forgets_what_was_unseen_for_longest() {
        let mut flows = Flows::new(7);
        let busy = packet("10.0.0.1", "10.0.1.1", (1, 2));
        flows.note(&busy, 0, true);
        for n in 0..200_000u32 {
            let other = packet("10.0.2.1", "10.0.3.1", (n as u16, (n >> 16) as u16 + 1));
            flows.note(&other, 1 + n / 1000, true);
            assert!(n % 100 != 0 || flows.note(&busy, 1 + n / 1000, false), "{n}");
        }
    }
}
