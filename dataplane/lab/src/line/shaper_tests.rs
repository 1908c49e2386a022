//! The rules of a line, in simulated time.

use super::*;

const MS: u64 = 1_000_000;

#[derive(Debug, PartialEq)]
struct Frame {
    number: usize,
    len: usize,
    ect: bool,
    ce: bool,
}

impl Payload for Frame {
    fn frame_len(&self) -> usize {
        self.len
    }
    fn mark_congestion(&mut self) -> bool {
        self.ce = self.ect;
        self.ect
    }
}

fn frame(number: usize) -> Frame {
    // 1,226 bytes and the overhead make 1,250: 10,000 bits, 1 ms at 10 Mbit/s.
    Frame { number, len: 1226, ect: true, ce: false }
}

fn ten_mbps() -> Settings {
    Settings { rate_mbps: 10.0, queue_ms: 50.0, ..Settings::default() }
}

/// Everything that arrives until `until_ns`, with its time, stepping as the loop does.
fn drain(shaper: &mut Shaper<Frame>, until_ns: u64) -> Vec<(u64, Frame)> {
    let mut arrived = Vec::new();
    while let Some(due_ns) = shaper.next_due_ns().filter(|due_ns| *due_ns <= until_ns) {
        while let Some(frame) = shaper.pop(due_ns) {
            arrived.push((due_ns, frame));
        }
    }
    arrived
}

#[test]
fn a_frame_takes_its_time_on_the_wire_and_then_the_delay() {
    let mut shaper = Shaper::new(Settings { delay_ms: 30.0, ..ten_mbps() }, 1);
    for number in 0..3 {
        assert!(shaper.offer(0, frame(number)).is_none());
    }
    let times: Vec<u64> = drain(&mut shaper, 1000 * MS).iter().map(|(at, _)| at / MS).collect();
    assert_eq!(times, [31, 32, 33]);
}

#[test]
fn an_idle_wire_does_not_save_up() {
    let mut shaper = Shaper::new(ten_mbps(), 1);
    shaper.offer(0, frame(0));
    shaper.offer(500 * MS, frame(1));
    let times: Vec<u64> = drain(&mut shaper, 1000 * MS).iter().map(|(at, _)| at / MS).collect();
    assert_eq!(times, [1, 501]);
}

#[test]
fn the_queue_is_as_long_as_it_says_and_drops_the_newcomer() {
    let mut shaper = Shaper::new(ten_mbps(), 1);
    let dropped: Vec<usize> = (0..100).filter_map(|number| shaper.offer(0, frame(number))).map(|f| f.number).collect();
    let arrived = drain(&mut shaper, 1000 * MS);
    assert_eq!(arrived.len() + dropped.len(), 100);
    assert!((50..=52).contains(&arrived.len()), "{} of 50 ms", arrived.len());
    assert_eq!(dropped[0], arrived.len());
    assert_eq!(shaper.counters.queue_drops, dropped.len() as u64);

    let mut shaper = Shaper::new(Settings { queue_packets: 7, ..ten_mbps() }, 1);
    let passed = (0..100).filter(|number| shaper.offer(0, frame(*number)).is_none()).count();
    assert_eq!(passed, 8, "seven wait and one is on the wire");
}

#[test]
fn a_new_rate_counts_for_what_still_waits() {
    let mut shaper = Shaper::new(ten_mbps(), 1);
    for number in 0..3 {
        shaper.offer(0, frame(number));
    }
    shaper.set(0, Settings { rate_mbps: 1.0, ..ten_mbps() });
    let times: Vec<u64> = drain(&mut shaper, 1000 * MS).iter().map(|(at, _)| at / MS).collect();
    assert_eq!(times, [1, 11, 21]);
}

#[test]
fn jitter_delays_and_never_reorders() {
    let mut shaper = Shaper::new(Settings { delay_ms: 10.0, jitter_ms: 20.0, ..ten_mbps() }, 7);
    for number in 0..40 {
        shaper.offer(number as u64 * MS, frame(number));
    }
    let arrived = drain(&mut shaper, 1000 * MS);
    let numbers: Vec<usize> = arrived.iter().map(|(_, frame)| frame.number).collect();
    assert_eq!(numbers, (0..40).collect::<Vec<_>>());
    assert!(arrived.iter().any(|(at, frame)| at - frame.number as u64 * MS > 15 * MS));
}

#[test]
fn reordering_lets_others_overtake_and_loses_nothing() {
    let settings = Settings { reorder_percent: 20.0, reorder_ms: 5.0, ..ten_mbps() };
    let mut shaper = Shaper::new(settings, 7);
    for number in 0..50 {
        shaper.offer(number as u64 * MS, frame(number));
    }
    let numbers: Vec<usize> = drain(&mut shaper, 1000 * MS).iter().map(|(_, frame)| frame.number).collect();
    assert_eq!(numbers.len(), 50);
    assert!(numbers.windows(2).any(|pair| pair[0] > pair[1]));
    assert!(shaper.counters.reordered > 3);
}

#[test]
fn loss_is_about_what_was_asked_and_the_same_for_the_same_seed() {
    let lost = |seed| {
        let mut shaper = Shaper::new(Settings { loss_percent: 5.0, ..Settings::default() }, seed);
        (0..10_000)
            .filter_map(|number| {
                let lost = shaper.offer(number as u64 * MS, frame(number)).map(|frame| frame.number);
                while shaper.pop(number as u64 * MS).is_some() {}
                lost
            })
            .collect::<Vec<_>>()
    };
    assert!((400..600).contains(&lost(3).len()), "{}", lost(3).len());
    assert_eq!(lost(3), lost(3));
    assert_ne!(lost(3), lost(4));
}

#[test]
fn a_long_queue_marks_only_those_that_speak_ecn() {
    let mut shaper = Shaper::new(Settings { ecn_ms: 5.0, ..ten_mbps() }, 1);
    for number in 0..20 {
        shaper.offer(0, Frame { ect: number % 2 == 0, ..frame(number) });
    }
    let arrived = drain(&mut shaper, 1000 * MS);
    assert_eq!(arrived.len(), 20);
    assert!(arrived.iter().all(|(_, frame)| !frame.ce || frame.number > 4));
    assert!(arrived.iter().all(|(_, frame)| frame.ce == (frame.ect && frame.number > 5)));
    assert_eq!(shaper.counters.marked, 7);
}

#[test]
fn a_blackhole_swallows_what_comes_and_what_is_on_its_way() {
    let mut shaper = Shaper::new(Settings { delay_ms: 10.0, ..ten_mbps() }, 1);
    shaper.offer(0, frame(0));
    shaper.set(MS, Settings { blackhole: true, ..shaper.settings().clone() });
    assert!(shaper.offer(2 * MS, frame(1)).is_some());
    assert!(shaper.swallows());
    drain(&mut shaper, 100 * MS);
    assert_eq!((shaper.counters.delivered, shaper.counters.blackholed), (0, 2));
}

#[test]
fn without_a_rate_nothing_waits() {
    let mut shaper = Shaper::new(Settings::default(), 1);
    for number in 0..5000 {
        assert!(shaper.offer(0, frame(number)).is_none());
    }
    assert_eq!(drain(&mut shaper, 0).len(), 5000);
}
