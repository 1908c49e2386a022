//! Our congestion controller: the rate that a path delivers, with its queue kept nearly empty.
//!
//! It estimates what the path delivers while more waits for it, and steers the queue, seen as
//! round trip above the lowest round trip, towards a few milliseconds: that is where a low ping
//! under load comes from. The lowest round trip is renewed by a short drain when nothing has
//! confirmed it for ten seconds, so that a path that changed is seen as it is, and a neighbour's
//! standing queue becomes the new floor instead of starving us for good. How it shares a line
//! with loss-based neighbours beyond that is still to come.
//!
//! Constants from trials over emulated lines of 5 to 300 Mbit/s and over an unshaped one.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Queue aimed at, in seconds of round trip.
const QUEUE_TARGET: f64 = 0.003;
/// Shortest time over which a rate is measured, in seconds.
const RATE_WINDOW: f64 = 0.03;
/// A rate is remembered for one to two of the longer of this and five round trips.
const RATE_MEMORY: f64 = 0.2;
/// Queue at which the remembered rate is given up for the present one.
const LONG_QUEUE: f64 = 0.025;
/// A lowest round trip that was not seen again for this long is renewed.
const FLOOR_LIFETIME: Duration = Duration::from_secs(10);
/// A queue that stays long for this long may be a longer way instead; a drain tells.
const LONG_QUEUE_PATIENCE: Duration = Duration::from_secs(1);
/// What a mark leaves of the rate, once a round trip (RFC 8511 allows 0.85).
const MARK_FACTOR: f64 = 0.85;
/// Rates below are not believed: 240 kbit/s.
const MIN_RATE: f64 = 30_000.0;
/// Before the first measurement: 32 packets in flight.
const INITIAL_WINDOW_BYTES: u64 = 47_000;
const INITIAL_RATE: f64 = 200_000.0;
/// Room for bursts and late acknowledgements, at least and at most.
const BURST_BYTES: (f64, f64) = (6_000.0, 30_000.0);

/// Controller of one path. Driven by acknowledgements; reads no clock.
#[derive(Debug, Clone)]
pub struct RateController {
    busy: bool,
    acked_bytes: u64,
    lost_bytes: u64,
    latest_rtt: f64,
    smoothed_rtt: f64,
    lowest_rtt: f64,
    floor_seen: Option<Instant>,
    long_since: Option<Instant>,
    marked: Option<Instant>,
    drain: Option<Drain>,
    samples: VecDeque<(Instant, u64)>,
    rate_now: f64,
    rate_before: f64,
    busy_for: f64,
    starting: bool,
    round_trips_without_queue: f64,
    gain: f64,
    loss: f64,
    loss_round: Option<(Instant, u64, u64)>,
    updated: Option<Instant>,
    window_bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Drain {
    since: Instant,
    length: f64,
    lowest: f64,
}

impl Default for RateController {
    fn default() -> Self {
        Self {
            busy: false,
            acked_bytes: 0,
            lost_bytes: 0,
            latest_rtt: 0.0,
            smoothed_rtt: 0.0,
            lowest_rtt: f64::MAX,
            floor_seen: None,
            long_since: None,
            marked: None,
            drain: None,
            samples: VecDeque::new(),
            rate_now: INITIAL_RATE,
            rate_before: INITIAL_RATE,
            busy_for: 0.0,
            starting: true,
            round_trips_without_queue: 0.0,
            gain: 2.0,
            loss: 0.0,
            loss_round: None,
            updated: None,
            window_bytes: INITIAL_WINDOW_BYTES,
        }
    }
}

impl RateController {
    /// Whether more waits than the path was given: only then does it show what it can carry.
    pub fn set_busy(&mut self, busy: bool) {
        self.busy = busy;
    }

    /// A packet of `bytes`, sent at `sent`, has arrived.
    pub fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64) {
        self.acked_bytes += bytes;
        self.latest_rtt = now.saturating_duration_since(sent).as_secs_f64().max(1e-5);
        self.lowest_rtt = self.lowest_rtt.min(self.latest_rtt);
        if self.latest_rtt < self.lowest_rtt + QUEUE_TARGET / 2.0 {
            self.floor_seen = Some(now);
        }
    }

    /// `bytes` were lost.
    pub fn on_loss(&mut self, bytes: u64) {
        self.lost_bytes += bytes;
    }

    /// The line marked packets as having met congestion.
    pub fn on_mark(&mut self, now: Instant) {
        self.starting = false;
        let since = self.marked.map_or(f64::MAX, |at| now.saturating_duration_since(at).as_secs_f64());
        if since > self.smoothed_rtt {
            self.marked = Some(now);
            self.rate_now = self.rate() * MARK_FACTOR;
            self.rate_before = self.rate_now;
        }
    }

    /// All acknowledgements of one datagram are in.
    pub fn on_acks_end(&mut self, now: Instant) {
        if self.latest_rtt <= 0.0 {
            return;
        }
        self.smoothed_rtt = match self.smoothed_rtt {
            0.0 => self.latest_rtt,
            smoothed => smoothed * 0.875 + self.latest_rtt * 0.125,
        };
        let updated = *self.updated.get_or_insert(now);
        let passed = now.saturating_duration_since(updated).as_secs_f64();
        if passed >= 0.001 {
            self.updated = Some(now);
            self.update(now, passed);
        }
    }

    /// Bytes that may be in flight.
    pub fn window_bytes(&self) -> u64 {
        self.window_bytes
    }

    /// The window before anything is known.
    pub fn initial_window_bytes(&self) -> u64 {
        INITIAL_WINDOW_BYTES
    }

    /// Bytes a second to send at.
    pub fn pacing_rate(&self) -> f64 {
        (self.rate() * self.gain).max(MIN_RATE)
    }

    /// Bytes a second that the path is thought to deliver.
    pub fn rate(&self) -> f64 {
        self.rate_now.max(self.rate_before).max(MIN_RATE)
    }

    /// What is queued on the path, in seconds.
    pub fn queue(&self) -> f64 {
        (self.smoothed_rtt - self.lowest_rtt).max(0.0)
    }

    fn update(&mut self, now: Instant, passed: f64) {
        let sample = self.measure(now);
        self.remember(sample, passed);
        self.count_loss(now);
        if self.starting {
            self.start();
        } else {
            self.steer(passed);
        }
        let slack = 2.5 * QUEUE_TARGET + 0.004;
        let burst = (self.rate() * 0.01).clamp(BURST_BYTES.0, BURST_BYTES.1);
        let (factor, burst) = if self.starting { (2.5, BURST_BYTES.1) } else { (1.0, burst) };
        self.window_bytes = (self.rate() * (self.lowest_rtt + slack) * factor + burst) as u64;
        self.keep_floor(now);
    }

    /// Delivery rate over the last round trip or [`RATE_WINDOW`]; 0 when that is too short.
    fn measure(&mut self, now: Instant) -> f64 {
        let window = self.smoothed_rtt.max(RATE_WINDOW);
        self.samples.push_back((now, self.acked_bytes));
        let age = |at: Instant| now.saturating_duration_since(at).as_secs_f64();
        while self.samples.len() > 2 && age(self.samples[1].0) > window {
            self.samples.pop_front();
        }
        let (since, before) = self.samples[0];
        let length = age(since);
        if length > window / 2.0 { (self.acked_bytes - before) as f64 / length } else { 0.0 }
    }

    /// Highest rate of the present and the last period of busy time.
    fn remember(&mut self, sample: f64, passed: f64) {
        if self.busy {
            self.busy_for += passed;
        }
        self.rate_now = self.rate_now.max(sample);
        let long_queue = self.queue() > LONG_QUEUE && self.busy_for > self.smoothed_rtt;
        if self.busy_for > (5.0 * self.smoothed_rtt).max(RATE_MEMORY) || long_queue {
            self.rate_before = self.rate_now;
            if sample > 0.0 {
                self.rate_now = sample;
            }
            if long_queue {
                self.rate_before = self.rate_now;
            }
            self.busy_for = 0.0;
        }
    }

    fn count_loss(&mut self, now: Instant) {
        let (since, acked, lost) = *self.loss_round.get_or_insert((now, self.acked_bytes, self.lost_bytes));
        if now.saturating_duration_since(since).as_secs_f64() > self.smoothed_rtt.max(0.01) {
            let (acked, lost) = (self.acked_bytes - acked, self.lost_bytes - lost);
            self.loss = lost as f64 / (acked + lost).max(1) as f64;
            self.loss_round = Some((now, self.acked_bytes, self.lost_bytes));
        }
    }

    /// Doubles until a queue shows, which a handshake's round trip must not feign.
    fn start(&mut self) {
        self.gain = 2.0;
        let limit = (2.0 * QUEUE_TARGET).max(self.lowest_rtt / 4.0).max(0.004);
        let queue_shows = self.busy && self.acked_bytes > 60_000 && self.queue() > limit;
        if queue_shows || self.loss > 0.1 {
            self.starting = false;
            self.round_trips_without_queue = 0.0;
        }
    }

    fn steer(&mut self, passed: f64) {
        let queue = self.queue();
        if queue > QUEUE_TARGET {
            self.round_trips_without_queue = 0.0;
        } else if self.busy {
            self.round_trips_without_queue += passed / self.smoothed_rtt.max(RATE_WINDOW / 4.0);
        }
        if self.round_trips_without_queue > 8.0 {
            self.starting = true;
            self.round_trips_without_queue = 0.0;
        }
        let upwards = if self.round_trips_without_queue > 4.0 { 1.25 } else { 1.06 };
        self.gain = match queue / QUEUE_TARGET {
            q if q < 0.5 => upwards,
            q if q < 2.0 => 1.04 - 0.08 * (q - 0.5),
            q if q < 10.0 => 0.88,
            _ => 0.75,
        };
        if self.loss > 0.1 {
            self.gain = self.gain.min(0.95);
        }
    }

    /// Renews the lowest round trip when nothing has confirmed it for long.
    fn keep_floor(&mut self, now: Instant) {
        let floor_seen = *self.floor_seen.get_or_insert(now);
        self.long_since = if self.queue() > LONG_QUEUE { self.long_since.or(Some(now)) } else { None };
        let stuck = self.long_since.is_some_and(|at| now.saturating_duration_since(at) > LONG_QUEUE_PATIENCE);
        let Some(drain) = &mut self.drain else {
            if self.busy && (stuck || now.saturating_duration_since(floor_seen) > FLOOR_LIFETIME) {
                let length = 1.2 * self.smoothed_rtt + 0.03;
                self.drain = Some(Drain { since: now, length, lowest: f64::MAX });
            }
            return;
        };
        let passed = now.saturating_duration_since(drain.since).as_secs_f64();
        if passed > drain.length / 2.0 {
            drain.lowest = drain.lowest.min(self.latest_rtt);
        }
        if passed > drain.length || floor_seen > drain.since {
            self.lowest_rtt =
                if floor_seen > drain.since { self.lowest_rtt } else { drain.lowest.min(self.latest_rtt) };
            self.floor_seen = Some(now);
            self.long_since = None;
            self.drain = None;
            return;
        }
        self.gain = 0.5;
        self.window_bytes = (0.5 * self.rate() * self.lowest_rtt + 15_000.0) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line with a queue, and a sender that always has more.
    struct Line {
        bytes_per_second: f64,
        delay: f64,
        queue_limit: f64,
        busy_until: f64,
    }

    struct Run {
        delivered: f64,
        queue_ms: Vec<f64>,
    }

    fn run(line: &mut Line, control: &mut RateController, start: Instant, from: f64, to: f64) -> Run {
        let at = |t: f64| start + Duration::from_secs_f64(t);
        let (mut t, mut in_flight, mut next_send) = (from, 0u64, from);
        let mut acks: VecDeque<(f64, f64, bool)> = VecDeque::new();
        let mut out = Run { delivered: 0.0, queue_ms: Vec::new() };
        line.busy_until = line.busy_until.max(from);
        control.set_busy(true);
        while t < to {
            while acks.front().is_some_and(|ack| ack.0 <= t) {
                let (when, sent, arrived) = acks.pop_front().unwrap();
                in_flight -= 1500;
                if arrived {
                    control.on_ack(at(when), at(sent), 1500);
                    control.on_acks_end(at(when));
                    out.delivered += 1500.0;
                } else {
                    control.on_loss(1500);
                }
            }
            while next_send <= t && in_flight + 1500 <= control.window_bytes() {
                let queue = (line.busy_until - t).max(0.0);
                out.queue_ms.push(queue * 1e3);
                let arrives = queue <= line.queue_limit;
                if arrives {
                    line.busy_until = line.busy_until.max(t) + 1500.0 / line.bytes_per_second;
                }
                let back = line.busy_until.max(t) + 2.0 * line.delay;
                acks.push_back((back, t, arrives));
                in_flight += 1500;
                next_send = next_send.max(t - 0.001) + 1500.0 / control.pacing_rate();
            }
            t += 0.00005;
        }
        out
    }

    fn median(values: &[f64]) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    #[test]
    fn lines_are_filled_and_their_queues_stay_short() {
        for (mbit, delay_ms) in [(5.0, 20.0), (50.0, 15.0), (300.0, 10.0), (100.0, 100.0)] {
            let bytes_per_second = mbit * 125_000.0;
            let mut line = Line { bytes_per_second, delay: delay_ms / 1e3, queue_limit: 0.1, busy_until: 0.0 };
            let (mut control, start) = (RateController::default(), Instant::now());
            let warm = 3.0 + 30.0 * 2.0 * delay_ms / 1e3;
            run(&mut line, &mut control, start, 0.0, warm);
            let steady = run(&mut line, &mut control, start, warm, warm + 6.0);
            let used = steady.delivered / 6.0 / bytes_per_second;
            assert!(used > 0.93, "{mbit} Mbit/s, {delay_ms} ms: {used:.3} used");
            let queue_ms = median(&steady.queue_ms);
            assert!(queue_ms < 15.0, "{mbit} Mbit/s, {delay_ms} ms: {queue_ms:.1} ms of queue");
        }
    }

    #[test]
    fn a_rate_that_falls_and_comes_back_is_followed() {
        let mut line = Line { bytes_per_second: 10e6, delay: 0.015, queue_limit: 0.1, busy_until: 0.0 };
        let (mut control, start) = (RateController::default(), Instant::now());
        run(&mut line, &mut control, start, 0.0, 3.0);
        line.bytes_per_second = 1.25e6;
        run(&mut line, &mut control, start, 3.0, 5.0);
        let slow = run(&mut line, &mut control, start, 5.0, 8.0);
        assert!(median(&slow.queue_ms) < 25.0, "{:.1} ms of queue", median(&slow.queue_ms));
        line.bytes_per_second = 10e6;
        run(&mut line, &mut control, start, 8.0, 10.0);
        let fast = run(&mut line, &mut control, start, 10.0, 12.0);
        assert!(fast.delivered / 2.0 / 10e6 > 0.9, "{:.3} used", fast.delivered / 2.0 / 10e6);
    }

    #[test]
    fn a_longer_way_is_taken_for_what_it_is_after_a_while() {
        let mut line = Line { bytes_per_second: 10e6, delay: 0.010, queue_limit: 0.1, busy_until: 0.0 };
        let (mut control, start) = (RateController::default(), Instant::now());
        run(&mut line, &mut control, start, 0.0, 3.0);
        line.delay = 0.060;
        run(&mut line, &mut control, start, 3.0, 7.0);
        let after = run(&mut line, &mut control, start, 7.0, 12.0);
        assert!(after.delivered / 5.0 / 10e6 > 0.85, "{:.3} used", after.delivered / 5.0 / 10e6);
    }

    #[test]
    fn an_idle_path_keeps_its_estimate() {
        let mut line = Line { bytes_per_second: 10e6, delay: 0.010, queue_limit: 0.1, busy_until: 0.0 };
        let (mut control, start) = (RateController::default(), Instant::now());
        run(&mut line, &mut control, start, 0.0, 3.0);
        control.set_busy(false);
        for n in 0..300u64 {
            let now = start + Duration::from_millis(3000 + n * 20);
            control.on_ack(now, now - Duration::from_millis(20), 100);
            control.on_acks_end(now);
        }
        assert!(control.rate() > 9e6, "{}", control.rate());
    }
}
