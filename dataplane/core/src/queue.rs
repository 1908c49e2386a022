//! The fair queue in front of a peer: FQ-CoDel over trains.
//!
//! Deficit round robin by flow with new flows first (RFC 8290), and CoDel by the time a train
//! waited (RFC 8289), which marks a train that can be marked and else takes one segment away: a
//! train is up to 64 KB, and dropping it whole would be 45 losses for one signal.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::reassembly::SLOTS;

/// Bytes a flow may send before the next has its turn.
const QUANTUM_BYTES: isize = 16 * 1024;
/// Waiting longer than this, for [`INTERVAL`], is a standing queue.
///
/// 30 ms rather than 5: an inner CUBIC over a line of 20 ms needs that much to keep it full.
const TARGET: Duration = Duration::from_millis(30);
const INTERVAL: Duration = Duration::from_millis(100);
/// A flow with no more than this waiting is left alone: signals to it would empty the line.
const SPARE_BYTES: usize = 3000;

/// What can wait in the queue.
pub trait Queued {
    /// Memory it takes, in bytes.
    fn bytes(&self) -> usize;
    /// Marks it (ECN); false when its flow does not understand marks.
    fn mark(&mut self) -> bool;
    /// Takes one segment away; false when nothing would be left.
    fn shorten(&mut self) -> bool;
    /// Inner packets in it.
    fn packets(&self) -> u64;
}

/// What the queue did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueCounters {
    /// Packets dropped.
    pub drops: u64,
    /// Packets marked instead.
    pub marks: u64,
}

struct Flow<T> {
    waiting: VecDeque<(Instant, T)>,
    bytes: usize,
    deficit: isize,
    new: bool,
    above_since: Option<Instant>,
    next_signal: Option<Instant>,
    signals: u32,
}

impl<T> Default for Flow<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            deficit: 0,
            new: false,
            above_since: None,
            next_signal: None,
            signals: 0,
        }
    }
}

/// Trains on their way to one peer.
#[expect(clippy::vec_box, reason = "the boxes move between the two lists, their content does not")]
pub struct FairQueue<T> {
    flows: Vec<Option<Box<Flow<T>>>>,
    spare: Vec<Box<Flow<T>>>,
    new: VecDeque<u16>,
    old: VecDeque<u16>,
    bytes: usize,
    limit_bytes: usize,
    /// What it did so far.
    pub counters: QueueCounters,
}

impl<T: Queued> FairQueue<T> {
    /// An empty queue that never holds more than `limit_bytes`.
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            flows: Vec::new(),
            spare: Vec::new(),
            new: VecDeque::new(),
            old: VecDeque::new(),
            bytes: 0,
            limit_bytes,
            counters: QueueCounters::default(),
        }
    }

    /// Never holds more than `limit_bytes` from the next push on.
    pub fn set_limit(&mut self, limit_bytes: usize) {
        self.limit_bytes = limit_bytes;
    }

    /// Bytes waiting.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Adds to the end of flow `slot`; a full queue drops from its fattest flow.
    pub fn push(&mut self, now: Instant, slot: u16, item: T) {
        if self.flows.is_empty() {
            self.flows.resize_with(SLOTS, || None);
        }
        let place = &mut self.flows[usize::from(slot) % SLOTS];
        let flow = place.get_or_insert_with(|| {
            self.new.push_back(slot % SLOTS as u16);
            let mut flow = self.spare.pop().unwrap_or_default();
            flow.new = true;
            flow.deficit = QUANTUM_BYTES;
            flow
        });
        self.bytes += item.bytes();
        flow.bytes += item.bytes();
        flow.waiting.push_back((now, item));
        while self.bytes > self.limit_bytes {
            self.drop_from_fattest();
        }
    }

    /// The next train to send, with its flow's slot.
    pub fn pop(&mut self, now: Instant) -> Option<(u16, T)> {
        loop {
            let (slot, from_new) = match self.new.front() {
                Some(slot) => (*slot, true),
                None => (*self.old.front()?, false),
            };
            let flow = self.flows[usize::from(slot)].as_mut().expect("a listed flow exists");
            if flow.deficit <= 0 {
                flow.deficit += QUANTUM_BYTES;
                flow.new = false;
                self.rotate(slot, from_new);
                continue;
            }
            match Self::take(flow, now, &mut self.bytes, &mut self.counters) {
                Some(item) => return Some((slot, item)),
                None if from_new => self.rotate(slot, true),
                None => self.forget(slot),
            }
        }
    }

    /// The next train, when it belongs to a flow that has just begun or sends little: those go
    /// ahead of the bulk.
    pub fn pop_sparse(&mut self, now: Instant) -> Option<(u16, T)> {
        let slot = *self.new.front()?;
        let flow = self.flows[usize::from(slot)].as_mut().expect("a listed flow exists");
        let sparse = flow.new && flow.deficit > 0 && flow.bytes < SPARE_BYTES && !flow.waiting.is_empty();
        if !sparse {
            return None;
        }
        Self::take(flow, now, &mut self.bytes, &mut self.counters).map(|item| (slot, item))
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        for slot in self.new.drain(..).chain(self.old.drain(..)) {
            if let Some(flow) = self.flows[usize::from(slot)].take() {
                self.counters.drops += flow.waiting.iter().map(|(_, item)| item.packets()).sum::<u64>();
            }
        }
        self.bytes = 0;
    }

    /// CoDel: the front of the flow, after what the law drops or marks.
    fn take(flow: &mut Flow<T>, now: Instant, bytes: &mut usize, counters: &mut QueueCounters) -> Option<T> {
        loop {
            let (since, mut item) = flow.waiting.pop_front()?;
            let length = item.bytes();
            flow.bytes -= length;
            *bytes -= length;
            flow.deficit -= length as isize;
            if !flow.wants_signal(now, now.saturating_duration_since(since)) {
                return Some(item);
            }
            if item.mark() {
                counters.marks += item.packets();
                return Some(item);
            }
            counters.drops += 1;
            if item.shorten() {
                return Some(item);
            }
        }
    }

    fn rotate(&mut self, slot: u16, from_new: bool) {
        if from_new {
            self.new.pop_front();
        } else {
            self.old.pop_front();
        }
        self.old.push_back(slot);
    }

    fn forget(&mut self, slot: u16) {
        self.old.pop_front();
        if let Some(mut flow) = self.flows[usize::from(slot)].take()
            && self.spare.len() < 64
        {
            flow.above_since = None;
            flow.next_signal = None;
            flow.signals = 0;
            self.spare.push(flow);
        }
    }

    fn drop_from_fattest(&mut self) {
        let listed = self.new.iter().chain(self.old.iter());
        let size = |slot: &&u16| self.flows[usize::from(**slot)].as_ref().map_or(0, |flow| flow.bytes);
        let Some(&fattest) = listed.max_by_key(size) else { return };
        let flow = self.flows[usize::from(fattest)].as_mut().expect("a listed flow exists");
        // Its lists are kept: an empty flow is forgotten when its turn comes.
        if let Some((_, item)) = flow.waiting.pop_front() {
            flow.bytes -= item.bytes();
            self.bytes -= item.bytes();
            self.counters.drops += item.packets();
        }
    }
}

impl<T> Flow<T> {
    /// CoDel's control law (RFC 8289, section 5).
    fn wants_signal(&mut self, now: Instant, waited: Duration) -> bool {
        if waited < TARGET || self.bytes < SPARE_BYTES {
            self.above_since = None;
            if self.next_signal.take().is_some() {
                self.signals = self.signals.saturating_sub(2);
            }
            return false;
        }
        let due = match self.next_signal {
            Some(at) => now >= at,
            None => now.saturating_duration_since(*self.above_since.get_or_insert(now)) >= INTERVAL,
        };
        if due {
            self.signals += 1;
            self.next_signal = Some(now + INTERVAL.div_f64(f64::from(self.signals).sqrt()));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Item {
        flow: u16,
        segments: usize,
        ect: bool,
        marked: bool,
    }

    impl Queued for Item {
        fn bytes(&self) -> usize {
            self.segments * 1500
        }
        fn mark(&mut self) -> bool {
            self.marked = self.ect;
            self.ect
        }
        fn shorten(&mut self) -> bool {
            self.segments -= 1;
            self.segments > 0
        }
        fn packets(&self) -> u64 {
            self.segments as u64
        }
    }

    fn item(flow: u16, segments: usize) -> Item {
        Item { flow, segments, ect: false, marked: false }
    }

    fn ms(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn flows_share_by_bytes_and_a_new_one_goes_first() {
        let (mut q, now) = (FairQueue::new(1 << 24), Instant::now());
        for _ in 0..200 {
            q.push(now, 1, item(1, 8));
            q.push(now, 2, item(2, 1));
        }
        let mut sent = [0usize; 4];
        for _ in 0..100 {
            let (slot, got) = q.pop(now).unwrap();
            assert_eq!(slot, got.flow);
            sent[usize::from(slot)] += got.bytes();
        }
        assert!(sent[1].abs_diff(sent[2]) <= 40_000, "{sent:?}");
        q.push(now, 3, item(3, 1));
        assert_eq!(q.pop_sparse(now).map(|(slot, _)| slot), Some(3));
        assert_eq!(q.pop_sparse(now), None, "bulk is not sparse");
    }

    #[test]
    fn a_full_queue_drops_from_its_fattest_flow() {
        let (mut q, now) = (FairQueue::new(30_000), Instant::now());
        q.push(now, 1, item(1, 1));
        for _ in 0..50 {
            q.push(now, 2, item(2, 1));
        }
        assert!(q.bytes() <= 30_000);
        assert_eq!(q.counters.drops, 31);
        assert_eq!(std::iter::from_fn(|| q.pop(now)).filter(|(slot, _)| *slot == 1).count(), 1);
        assert!(q.is_empty());
    }

    #[test]
    fn a_standing_queue_is_signalled_by_mark_or_by_one_segment() {
        let (mut q, start) = (FairQueue::new(1 << 24), Instant::now());
        for n in 0..400 {
            q.push(ms(start, n), 1, item(1, 4));
            q.push(ms(start, n), 2, Item { ect: true, ..item(2, 4) });
        }
        let (mut short, mut marked) = (0, 0);
        for n in 0..400 {
            for _ in 0..2 {
                let Some((_, got)) = q.pop(ms(start, 200 + n)) else { break };
                short += usize::from(got.segments == 3);
                marked += usize::from(got.marked);
                assert!(got.flow == 1 || got.segments == 4, "what can be marked is not cut");
            }
        }
        assert!(short >= 3 && marked >= 3, "cut {short}, marked {marked}");
        assert_eq!((q.counters.drops, q.counters.marks), (short as u64, 4 * marked as u64));
    }

    #[test]
    fn a_short_queue_is_left_alone() {
        let (mut q, start) = (FairQueue::new(1 << 24), Instant::now());
        for n in 0..1000 {
            q.push(ms(start, n), 1, item(1, 4));
            q.pop(ms(start, n + 20));
        }
        assert_eq!(q.counters, QueueCounters::default());
    }

    #[test]
    fn clearing_counts_what_was_dropped_and_leaves_it_usable() {
        let (mut q, now) = (FairQueue::new(1 << 24), Instant::now());
        q.push(now, 1, item(1, 3));
        q.clear();
        assert_eq!((q.counters.drops, q.pop(now)), (3, None));
        q.push(now, 1, item(1, 3));
        assert_eq!(q.pop(now).map(|(slot, _)| slot), Some(1));
    }
}
