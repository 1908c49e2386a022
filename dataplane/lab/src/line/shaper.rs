//! One direction of a line: which frames pass, and when.
//!
//! Sans-IO: the caller brings frames and the time and takes frames that are due. A frame
//! waits in a drop-tail queue, occupies the wire for its length at the rate of that moment,
//! and then travels for the delay. Same seed, same frames, same times: same result.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use serde::Serialize;

use super::settings::{MAX_HELD, Settings};
use crate::rng::Rng;

/// Bytes that Ethernet adds to a frame on the wire: preamble 8, checksum 4, gap 12.
pub const ETHERNET_OVERHEAD: usize = 24;

/// What the shaper needs to know of a frame.
pub trait Payload {
    /// Length of the Ethernet frame without [`ETHERNET_OVERHEAD`].
    fn frame_len(&self) -> usize;
    /// Marks the packet "congestion experienced"; false when it does not speak ECN.
    fn mark_congestion(&mut self) -> bool;
}

/// Sums since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Frames that came in.
    pub offered: u64,
    /// Frames that went out.
    pub delivered: u64,
    /// Bytes of those, with [`ETHERNET_OVERHEAD`].
    pub delivered_bytes: u64,
    /// Dropped because the queue was full.
    pub queue_drops: u64,
    /// Lost at random.
    pub lost: u64,
    /// Swallowed by a blackhole or a link that is down.
    pub blackholed: u64,
    /// Held back so that others overtook.
    pub reordered: u64,
    /// Marked CE.
    pub marked: u64,
    /// Larger than a frame: the sender's segmentation offload is on.
    pub oversized: u64,
    /// The far interface did not take it.
    pub send_errors: u64,
}

struct Waiting<F> {
    frame: F,
    arrived_ns: u64,
    wire_bytes: usize,
}

/// A frame that others may overtake; ordered by time, then by arrival.
struct Overtaken<F> {
    due_ns: u64,
    number: u64,
    frame: F,
}

impl<F> PartialEq for Overtaken<F> {
    fn eq(&self, other: &Self) -> bool {
        (self.due_ns, self.number) == (other.due_ns, other.number)
    }
}
impl<F> Eq for Overtaken<F> {}
impl<F> PartialOrd for Overtaken<F> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<F> Ord for Overtaken<F> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due_ns, self.number).cmp(&(other.due_ns, other.number))
    }
}

/// One direction of a line.
pub struct Shaper<F> {
    settings: Settings,
    queue: VecDeque<Waiting<F>>,
    queued_wire_bytes: usize,
    wire_free_ns: u64,
    flight: VecDeque<(u64, F)>,
    overtaken: BinaryHeap<Reverse<Overtaken<F>>>,
    number: u64,
    rng: Rng,
    /// Sums since the start; the caller adds what only it can see.
    pub counters: Counters,
}

impl<F: Payload> Shaper<F> {
    /// An empty direction.
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            queue: VecDeque::new(),
            queued_wire_bytes: 0,
            wire_free_ns: 0,
            flight: VecDeque::new(),
            overtaken: BinaryHeap::new(),
            number: 0,
            rng: Rng::new(seed),
            counters: Counters::default(),
        }
    }

    /// What is in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// New settings from `now_ns` on; what is already on the wire keeps its times.
    pub fn set(&mut self, now_ns: u64, settings: Settings) {
        self.advance(now_ns);
        self.settings = settings;
    }

    /// Takes a frame, or gives it back when it does not get through.
    pub fn offer(&mut self, now_ns: u64, mut frame: F) -> Option<F> {
        self.counters.offered += 1;
        if self.settings.blackhole {
            self.counters.blackholed += 1;
            return Some(frame);
        }
        if self.settings.loss_percent > 0.0 && self.rng.unit() * 100.0 < self.settings.loss_percent {
            self.counters.lost += 1;
            return Some(frame);
        }
        self.advance(now_ns);
        let wait_ms = self.backlog_ns(now_ns) as f64 / 1e6;
        if self.queue.len() >= self.settings.queue_packets
            || self.held() >= MAX_HELD
            || (self.settings.rate_mbps > 0.0 && wait_ms > self.settings.queue_ms)
        {
            self.counters.queue_drops += 1;
            return Some(frame);
        }
        if self.settings.ecn_ms > 0.0 && wait_ms > self.settings.ecn_ms && frame.mark_congestion() {
            self.counters.marked += 1;
        }
        let wire_bytes = frame.frame_len() + ETHERNET_OVERHEAD;
        self.queued_wire_bytes += wire_bytes;
        self.queue.push_back(Waiting { frame, arrived_ns: now_ns, wire_bytes });
        self.advance(now_ns);
        None
    }

    /// The next frame that has arrived at the far end.
    pub fn pop(&mut self, now_ns: u64) -> Option<F> {
        self.advance(now_ns);
        let late = self.overtaken.peek().filter(|Reverse(late)| late.due_ns <= now_ns).map(|Reverse(late)| late.due_ns);
        let next = self.flight.front().filter(|(due_ns, _)| *due_ns <= now_ns).map(|(due_ns, _)| *due_ns);
        let frame = match (next, late) {
            (None, None) => return None,
            (Some(next), Some(late)) if late < next => self.overtaken.pop()?.0.frame,
            (None, Some(_)) => self.overtaken.pop()?.0.frame,
            _ => self.flight.pop_front()?.1,
        };
        if self.settings.blackhole {
            self.counters.blackholed += 1;
        } else {
            self.counters.delivered += 1;
            self.counters.delivered_bytes += (frame.frame_len() + ETHERNET_OVERHEAD) as u64;
        }
        Some(frame)
    }

    /// A frame that [`Self::pop`] gave was not taken at the far end.
    pub fn not_delivered(&mut self, frame_len: usize) {
        self.counters.send_errors += 1;
        self.counters.delivered -= 1;
        self.counters.delivered_bytes -= (frame_len + ETHERNET_OVERHEAD) as u64;
    }

    /// Whether what [`Self::pop`] gives now is swallowed instead of sent.
    pub fn swallows(&self) -> bool {
        self.settings.blackhole
    }

    /// When [`Self::pop`] may have something; a little early is possible, late is not.
    pub fn next_due_ns(&self) -> Option<u64> {
        let flight = self.flight.front().map(|(due_ns, _)| *due_ns);
        // With nothing in flight the head of the queue cannot arrive before the wire is
        // free and the delay has passed.
        let queued = self.queue.front().map(|_| self.wire_free_ns + nanoseconds(self.settings.delay_ms));
        let late = self.overtaken.peek().map(|Reverse(late)| late.due_ns);
        [flight.or(queued), late].into_iter().flatten().min()
    }

    /// Frames waiting.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    fn held(&self) -> usize {
        self.queue.len() + self.flight.len() + self.overtaken.len()
    }

    /// How long a frame that comes now waits for the wire.
    fn backlog_ns(&self, now_ns: u64) -> u64 {
        self.wire_free_ns.saturating_sub(now_ns) + self.wire_ns(self.queued_wire_bytes)
    }

    fn wire_ns(&self, wire_bytes: usize) -> u64 {
        if self.settings.rate_mbps <= 0.0 {
            return 0;
        }
        (wire_bytes as f64 * 8e3 / self.settings.rate_mbps) as u64
    }

    /// Puts on the wire what could start by now.
    fn advance(&mut self, now_ns: u64) {
        while self.wire_free_ns <= now_ns {
            let Some(head) = self.queue.pop_front() else { return };
            self.queued_wire_bytes -= head.wire_bytes;
            self.wire_free_ns = self.wire_free_ns.max(head.arrived_ns) + self.wire_ns(head.wire_bytes);
            let mut due_ns = self.wire_free_ns + nanoseconds(self.settings.delay_ms);
            if self.settings.jitter_ms > 0.0 {
                due_ns += nanoseconds(self.rng.unit() * self.settings.jitter_ms);
            }
            if self.settings.reorder_percent > 0.0 && self.rng.unit() * 100.0 < self.settings.reorder_percent {
                self.counters.reordered += 1;
                self.number += 1;
                let due_ns = due_ns + nanoseconds(self.settings.reorder_ms);
                self.overtaken.push(Reverse(Overtaken { due_ns, number: self.number, frame: head.frame }));
                continue;
            }
            if let Some((last_ns, _)) = self.flight.back() {
                due_ns = due_ns.max(*last_ns);
            }
            self.flight.push_back((due_ns, head.frame));
        }
    }
}

fn nanoseconds(ms: f64) -> u64 {
    (ms * 1e6) as u64
}

#[cfg(test)]
#[path = "shaper_tests.rs"]
mod tests;
