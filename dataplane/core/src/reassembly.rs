//! Trains put together again from their pieces, in order within each flow.
//!
//! What arrives in order passes straight through. A train with a hole is held only while the
//! missing piece may still come: a sender sends the pieces of a train one after the other, so
//! anything that shows it has moved on starts the clock, and after the time allowed for
//! reordering the hole is given up. What is there is then handed over with its holes, so that
//! the segments that survived are not lost with the piece.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use quicether_wire::cell::TrainId;

/// Flow slots of a peer.
pub const SLOTS: usize = 1024;
/// How far ahead of the next train of a flow a train is kept.
const WINDOW: u16 = 1024;
/// Most trains of a peer that are kept at once, of all flows together.
const MAX_HELD_TRAINS: usize = 4096;
/// Most pieces of one train: 64 KiB in the smallest cells, and room for short ones at both ends.
const MAX_PIECES: usize = 80;
/// Lists of parts kept for the next trains.
const MAX_SPARE: usize = 4;
/// A train without any sign of life is given up after this much more than the reordering time.
const SILENCE: Duration = Duration::from_millis(100);

/// A part of a train that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<B> {
    /// Where it stands, in bytes from the first of the IP header.
    pub offset: u16,
    /// The bytes.
    pub bytes: B,
}

/// A piece as it came.
#[derive(Debug)]
pub struct Arrived<B> {
    /// Its train.
    pub train: TrainId,
    /// Where and what.
    pub part: Part<B>,
    /// Whether the train ends with it.
    pub last: bool,
    /// Whether the transport checksum is partial.
    pub partial_checksum: bool,
    /// Segment size, when the piece tells it.
    pub gso_size: Option<u16>,
    /// A copy of the headers, when the piece carries one.
    pub headers: Option<B>,
    /// Whether the line marked what carried it.
    pub congested: bool,
}

/// A train as far as it arrived.
#[derive(Debug)]
pub struct Train<B> {
    /// In order, not overlapping.
    pub parts: Vec<Part<B>>,
    /// A copy of the headers, when one arrived.
    pub headers: Option<B>,
    /// Length, when the last piece arrived.
    pub length: Option<u16>,
    /// Segment size, when a piece told it.
    pub gso_size: Option<u16>,
    /// Whether the transport checksum is partial.
    pub partial_checksum: bool,
    /// Whether the line marked anything that carried a part of it.
    pub congested: bool,
    received: usize,
    overdue_since: Option<Instant>,
    touched: Option<Instant>,
}

impl<B> Default for Train<B> {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            headers: None,
            length: None,
            gso_size: None,
            partial_checksum: false,
            congested: false,
            received: 0,
            overdue_since: None,
            touched: None,
        }
    }
}

impl<B> Train<B> {
    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.length.is_some_and(|length| usize::from(length) == self.received)
    }
}

/// What became of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// Handed over, or held until its train is whole.
    Taken,
    /// Was there already, or its train has been handed over or given up.
    Late,
    /// Contradicts what came before it.
    Bad,
}

struct Slot<B> {
    next: u16,
    /// Trains from `next` on.
    trains: VecDeque<Train<B>>,
    listed: bool,
}

/// All flows of one peer.
pub struct Reassembly<B> {
    slots: Vec<Option<Box<Slot<B>>>>,
    /// Slots that hold something.
    holding: Vec<u16>,
    /// The train whose pieces came last.
    current: Option<TrainId>,
    spare: Vec<Vec<Part<B>>>,
    held_bytes: usize,
    held_trains: usize,
    /// Holes given up so far.
    pub holes: u64,
}

impl<B: AsRef<[u8]>> Default for Reassembly<B> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            holding: Vec::new(),
            current: None,
            spare: Vec::new(),
            held_bytes: 0,
            held_trains: 0,
            holes: 0,
        }
    }
}

impl<B: AsRef<[u8]>> Reassembly<B> {
    /// Takes a piece; trains that are ready go to `deliver`, in the order of their flow.
    pub fn push(&mut self, now: Instant, piece: Arrived<B>, deliver: &mut impl FnMut(&Train<B>)) -> Pushed {
        let id = piece.train;
        if usize::from(id.slot) >= SLOTS {
            return Pushed::Bad;
        }
        // Single packets travel between the pieces of a train and say nothing about it.
        if !(piece.last && piece.part.offset == 0) {
            self.notice_train(now, id);
        }
        let Some(index) = self.make_room(id, deliver) else { return Pushed::Late };
        let slot = slot_mut(&mut self.slots, id.slot);
        let before = slot.trains.len();
        while slot.trains.len() <= index {
            slot.trains.push_back(Train { touched: Some(now), ..Train::default() });
        }
        self.held_trains += slot.trains.len() - before;
        // Whatever stands before a later train of its flow was sent before it.
        for earlier in slot.trains.iter_mut().take(index).filter(|t| !t.is_whole()) {
            earlier.overdue_since.get_or_insert(now);
        }
        let spare = &mut self.spare;
        let train = &mut slot_mut(&mut self.slots, id.slot).trains[index];
        if train.parts.capacity() == 0 {
            train.parts = spare.pop().unwrap_or_default();
        }
        let length = piece.part.bytes.as_ref().len();
        let pushed = add(now, train, piece);
        if pushed == Pushed::Taken {
            self.held_bytes += length;
        }
        self.advance(id.slot, deliver);
        self.list(id.slot);
        pushed
    }

    /// Bytes held because something before them is missing.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Whether anything is held.
    pub fn holds(&self) -> bool {
        !self.holding.is_empty()
    }

    /// When [`Self::expire`] wants to be called next.
    pub fn next_timeout(&self, reordering: Duration) -> Option<Instant> {
        let slots = self.holding.iter().filter_map(|slot| self.slots[usize::from(*slot)].as_ref());
        slots.filter_map(|slot| slot.trains.front().map(|t| deadline(t, reordering))).min()
    }

    /// Gives up the holes that have waited for `reordering` since the sender moved on.
    pub fn expire(&mut self, now: Instant, reordering: Duration, deliver: &mut impl FnMut(&Train<B>)) {
        let mut at = 0;
        while at < self.holding.len() {
            let number = self.holding[at];
            while slot_mut(&mut self.slots, number).trains.front().is_some_and(|t| deadline(t, reordering) <= now) {
                self.give_up(number, 1, deliver);
            }
            let slot = slot_mut(&mut self.slots, number);
            if slot.trains.is_empty() {
                slot.listed = false;
                self.holding.swap_remove(at);
            } else {
                at += 1;
            }
        }
    }

    /// Hands over all that is held, with its holes.
    pub fn flush(&mut self, deliver: &mut impl FnMut(&Train<B>)) {
        for number in std::mem::take(&mut self.holding) {
            let slot = slot_mut(&mut self.slots, number);
            slot.listed = false;
            let held = slot.trains.len() as u16;
            self.give_up(number, held, deliver);
        }
    }

    fn slot(&mut self, number: u16) -> &mut Slot<B> {
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, || None);
        }
        self.slots[usize::from(number)]
            .get_or_insert_with(|| Box::new(Slot { next: 0, trains: VecDeque::new(), listed: false }))
    }

    /// How many trains lie between the next one of its flow and `id`; none when it is too late.
    fn distance(&mut self, id: TrainId) -> Option<u16> {
        let distance = id.number.wrapping_sub(self.slot(id.slot).next);
        (distance < 0x8000).then_some(distance)
    }

    /// Index of `id` in its flow, after what is too old, or too much, was given up for it.
    fn make_room(&mut self, id: TrainId, deliver: &mut impl FnMut(&Train<B>)) -> Option<usize> {
        let mut distance = self.distance(id)?;
        if self.held_trains + usize::from(distance) > MAX_HELD_TRAINS {
            self.flush(deliver);
            distance = self.distance(id)?;
        }
        if distance >= WINDOW {
            let slot = slot_mut(&mut self.slots, id.slot);
            let held = slot.trains.len() as u16;
            self.give_up(id.slot, held.min(distance - (WINDOW - 1)), deliver);
            // Nothing of the trains in between has come; they need no giving up one by one.
            let slot = slot_mut(&mut self.slots, id.slot);
            let missing = id.number.wrapping_sub(slot.next);
            if missing >= WINDOW {
                let skipped = missing - (WINDOW - 1);
                slot.next = slot.next.wrapping_add(skipped);
                self.holes += u64::from(skipped);
            }
            distance = self.distance(id)?;
        }
        Some(usize::from(distance))
    }

    /// The sender has moved on from the train that it was sending.
    fn notice_train(&mut self, now: Instant, id: TrainId) {
        let before = self.current.replace(id);
        let Some(before) = before.filter(|before| *before != id) else { return };
        let Some(index) = self.distance(before) else { return };
        if let Some(train) = self.slot(before.slot).trains.get_mut(usize::from(index))
            && !train.is_whole()
        {
            train.overdue_since.get_or_insert(now);
        }
    }

    /// Hands over what is whole at the front of a flow.
    fn advance(&mut self, number: u16, deliver: &mut impl FnMut(&Train<B>)) {
        loop {
            let slot = slot_mut(&mut self.slots, number);
            if !slot.trains.front().is_some_and(Train::is_whole) {
                return;
            }
            let train = slot.trains.pop_front();
            slot.next = slot.next.wrapping_add(1);
            self.release(train, deliver);
        }
    }

    /// Hands over the next `count` trains of a flow as they are, then what is whole behind them.
    fn give_up(&mut self, number: u16, count: u16, deliver: &mut impl FnMut(&Train<B>)) {
        for _ in 0..count {
            let slot = slot_mut(&mut self.slots, number);
            let train = slot.trains.pop_front();
            slot.next = slot.next.wrapping_add(1);
            self.holes += u64::from(!train.as_ref().is_some_and(Train::is_whole));
            self.release(train, deliver);
        }
        self.advance(number, deliver);
    }

    fn release(&mut self, train: Option<Train<B>>, deliver: &mut impl FnMut(&Train<B>)) {
        let Some(mut train) = train else { return };
        self.held_trains -= 1;
        self.held_bytes -= train.received;
        if !train.parts.is_empty() {
            deliver(&train);
        }
        train.parts.clear();
        if self.spare.len() < MAX_SPARE {
            self.spare.push(train.parts);
        }
    }

    fn list(&mut self, number: u16) {
        let slot = slot_mut(&mut self.slots, number);
        if !slot.trains.is_empty() && !slot.listed {
            slot.listed = true;
            self.holding.push(number);
        }
    }
}

fn slot_mut<B>(slots: &mut [Option<Box<Slot<B>>>], number: u16) -> &mut Slot<B> {
    slots[usize::from(number)].as_mut().expect("a slot in use exists")
}

fn deadline<B>(train: &Train<B>, reordering: Duration) -> Instant {
    let touched = train.touched.expect("a held train was touched");
    match train.overdue_since {
        // Pieces that still come show that the sender is not done with it.
        Some(since) => since.max(touched) + reordering,
        None => touched + reordering + SILENCE,
    }
}

/// Puts a piece in its place.
fn add<B: AsRef<[u8]>>(now: Instant, train: &mut Train<B>, piece: Arrived<B>) -> Pushed {
    let (start, length) = (usize::from(piece.part.offset), piece.part.bytes.as_ref().len());
    let end = start + length;
    let past_the_end = train.length.is_some_and(|total| end > usize::from(total) || piece.last);
    if length == 0 || end > usize::from(u16::MAX) || train.parts.len() >= MAX_PIECES {
        return Pushed::Bad;
    }
    let at = train.parts.partition_point(|part| usize::from(part.offset) < start);
    let fits = |part: Option<&Part<B>>, from: usize, to: usize| {
        part.is_none_or(|p| usize::from(p.offset) >= to || usize::from(p.offset) + p.bytes.as_ref().len() <= from)
    };
    if !fits(train.parts.get(at), start, end) || !fits(at.checked_sub(1).and_then(|i| train.parts.get(i)), start, end) {
        return Pushed::Late;
    }
    if past_the_end || (piece.last && at != train.parts.len()) {
        return Pushed::Bad;
    }
    if start != train.received && at == train.parts.len() {
        train.overdue_since.get_or_insert(now);
    }
    if piece.last {
        train.length = Some(end as u16);
    }
    train.touched = Some(now);
    train.received += length;
    train.partial_checksum |= piece.partial_checksum;
    train.congested |= piece.congested;
    train.gso_size = train.gso_size.or(piece.gso_size);
    train.headers = train.headers.take().or(piece.headers);
    train.parts.insert(at, piece.part);
    Pushed::Taken
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: Duration = Duration::from_millis(5);

    fn piece(slot: u16, number: u16, offset: u16, bytes: &'static [u8], last: bool) -> Arrived<&'static [u8]> {
        let train = TrainId { slot, number };
        Arrived {
            train,
            part: Part { offset, bytes },
            last,
            partial_checksum: false,
            gso_size: None,
            headers: None,
            congested: false,
        }
    }

    fn text(train: &Train<&'static [u8]>) -> String {
        let mut out = String::new();
        let mut at = 0;
        for part in &train.parts {
            out.push_str(&".".repeat(usize::from(part.offset) - at));
            out.push_str(std::str::from_utf8(part.bytes).unwrap());
            at = usize::from(part.offset) + part.bytes.len();
        }
        if train.is_whole() { out } else { format!("{out}?") }
    }

    struct Bench {
        rules: Reassembly<&'static [u8]>,
        start: Instant,
        out: Vec<String>,
    }

    impl Bench {
        fn new() -> Self {
            Self { rules: Reassembly::default(), start: Instant::now(), out: Vec::new() }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        fn push(&mut self, ms: u64, piece: Arrived<&'static [u8]>) -> Pushed {
            let (now, out) = (self.at(ms), &mut self.out);
            self.rules.push(now, piece, &mut |t| out.push(text(t)))
        }

        fn expire(&mut self, ms: u64) {
            let (now, out) = (self.at(ms), &mut self.out);
            self.rules.expire(now, HOLD, &mut |t| out.push(text(t)));
        }
    }

    #[test]
    fn what_comes_in_order_passes_straight_through() {
        let mut b = Bench::new();
        b.push(0, piece(3, 0, 0, b"ab", false));
        b.push(0, piece(3, 0, 2, b"cd", true));
        b.push(0, piece(3, 1, 0, b"ef", true));
        assert_eq!(b.out, ["abcd", "ef"]);
        assert_eq!((b.rules.held_bytes(), b.rules.next_timeout(HOLD)), (0, None));
    }

    #[test]
    fn a_piece_that_comes_late_keeps_the_order_of_its_flow_and_holds_up_no_other() {
        let mut b = Bench::new();
        b.push(0, piece(3, 0, 0, b"ab", false));
        b.push(0, piece(3, 1, 0, b"ef", true));
        b.push(0, piece(4, 0, 0, b"zz", true));
        assert_eq!(b.out, ["zz"]);
        b.push(1, piece(3, 0, 2, b"cd", true));
        assert_eq!(b.out, ["zz", "abcd", "ef"]);
    }

    #[test]
    fn a_hole_is_given_up_when_the_sender_has_moved_on_and_the_time_for_reordering_is_over() {
        let mut b = Bench::new();
        b.push(0, piece(3, 0, 0, b"ab", false));
        b.push(0, piece(3, 0, 4, b"ef", true));
        b.push(2, piece(3, 1, 0, b"gh", true));
        assert_eq!(b.rules.next_timeout(HOLD), Some(b.at(5)));
        b.expire(4);
        assert!(b.out.is_empty());
        b.expire(5);
        assert_eq!(b.out, ["ab..ef?", "gh"]);
        assert_eq!((b.rules.holes, b.rules.held_bytes()), (1, 0));
        assert_eq!(b.push(6, piece(3, 0, 2, b"cd", false)), Pushed::Late);
    }

    #[test]
    fn a_slow_train_is_not_given_up_while_nothing_else_is_sent() {
        let mut b = Bench::new();
        b.push(0, piece(3, 0, 0, b"ab", false));
        b.expire(90);
        assert!(b.out.is_empty());
        b.push(90, piece(3, 0, 2, b"cd", true));
        assert_eq!(b.out, ["abcd"]);
    }

    #[test]
    fn a_train_whose_end_was_lost_is_given_up_even_when_nothing_follows() {
        let mut b = Bench::new();
        b.push(0, piece(3, 0, 0, b"ab", false));
        b.expire(105);
        assert_eq!(b.out, ["ab?"]);
    }

    #[test]
    fn twins_are_dropped_and_contradictions_refused() {
        let mut b = Bench::new();
        b.push(0, piece(3, 0, 0, b"ab", false));
        assert_eq!(b.push(0, piece(3, 0, 0, b"ab", false)), Pushed::Late);
        assert_eq!(b.push(0, piece(3, 0, 1, b"xy", false)), Pushed::Late);
        b.push(0, piece(3, 0, 4, b"ef", false));
        assert_eq!(b.push(0, piece(3, 0, 2, b"cd", true)), Pushed::Bad, "ends before what is there");
        assert_eq!(b.push(0, piece(1024, 0, 0, b"ab", true)), Pushed::Bad, "no such slot");
    }

    #[test]
    fn a_peer_that_opens_holes_everywhere_is_held_to_a_bound() {
        let mut b = Bench::new();
        for slot in 0..SLOTS as u16 {
            b.push(0, piece(slot, 1000, 0, b"x", false));
            assert!(b.rules.held_trains <= MAX_HELD_TRAINS);
        }
        b.push(0, piece(0, 30_000, 0, b"y", true));
        assert!(b.rules.held_trains <= MAX_HELD_TRAINS);
    }

    #[test]
    fn a_far_jump_gives_up_what_is_too_old_and_numbers_wrap() {
        let mut b = Bench::new();
        for number in 0..=u16::MAX {
            b.push(0, piece(0, number, 0, b"x", true));
        }
        b.push(0, piece(0, 0, 0, b"y", true));
        assert_eq!(b.out.len(), 65537);
        b.push(0, piece(0, 2000, 0, b"z", true));
        assert_eq!(b.rules.holes, 976);
        let out = &mut b.out;
        b.rules.flush(&mut |t| out.push(text(t)));
        assert_eq!((b.out.last().map(String::as_str), b.rules.held_bytes()), (Some("z"), 0));
    }

    /// Any order, loss and repetition of pieces: each train at most once, whole when all of it
    /// came, in the order of its flow, and nothing is left behind.
    #[test]
    fn random_orders_keep_the_promises() {
        static BYTES: [u8; 64] = [b'a'; 64];
        for seed in 1..300u64 {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut random = |below: u64| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state % below
            };
            let mut pieces = Vec::new();
            for number in 0..20u16 {
                let count = 1 + random(5) as u16;
                for part in 0..count {
                    pieces.push((number, part * 8, part + 1 == count));
                }
            }
            let mut rules: Reassembly<&'static [u8]> = Reassembly::default();
            let (start, mut seen) = (Instant::now(), Vec::new());
            for at in 0..pieces.len() {
                let swap = (at + random(6) as usize).min(pieces.len() - 1);
                pieces.swap(at, swap);
                if random(10) == 0 {
                    continue;
                }
                let (number, offset, last) = pieces[at];
                let now = start + Duration::from_millis(at as u64 * random(3));
                let mut piece = piece(9, number, offset, &BYTES[..8], last);
                piece.gso_size = Some(number);
                rules.push(now, piece, &mut |t| seen.push(t.gso_size));
                rules.expire(now, HOLD, &mut |t| seen.push(t.gso_size));
            }
            rules.flush(&mut |t| seen.push(t.gso_size));
            assert!(seen.is_sorted_by(|a, b| a < b), "seed {seed}: {seen:?}");
            assert_eq!(rules.held_bytes(), 0, "seed {seed}");
        }
    }
}
