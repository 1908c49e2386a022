//! When a path may be given more, in batches worth a system call.
//!
//! The library paces packet by packet and would send a fast path's data in batches of a few
//! packets; a batch of 48 costs hardly more than one of 5. So its controller decides how fast,
//! and this decides when: a batch at once, then the time that it takes at that rate.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use noq_proto as quic;
use quic::congestion::{Bbr3Config, Controller, ControllerFactory, ControllerMetrics, CubicConfig};
use quicether_core::congestion::RateController;

/// Bytes a second at which the library's own pacing never holds anything back.
const UNPACED: u64 = u64::MAX >> 20;

/// What controller and sender of a path tell each other. Both live on one thread; atomics only
/// because the library wants its controllers to be shareable.
#[derive(Debug, Default)]
pub struct Shared {
    /// Bytes a second that the controller allows; 0: not known yet.
    rate: AtomicU64,
    /// Whether more waits than the path was given.
    busy: AtomicBool,
}

impl Shared {
    /// Tells the controller whether the path carries all it could.
    pub fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Relaxed);
    }
}

/// The library's controller `inner`, with pacing left to us.
#[derive(Debug)]
struct Unpaced {
    inner: Box<dyn Controller>,
    shared: Arc<Shared>,
}

impl Unpaced {
    fn is_app_limited(&self, seen: bool) -> bool {
        // What waits in the fair queue is invisible to the library.
        seen && !self.shared.busy.load(Relaxed)
    }

    fn tell_rate(&self, rtt: Duration) {
        let metrics = self.inner.metrics();
        let window_rate = || (self.inner.window() as f64 * 1.25 / rtt.as_secs_f64().max(1e-4)) as u64;
        self.shared.rate.store(metrics.pacing_rate.unwrap_or_else(window_rate), Relaxed);
    }
}

impl Controller for Unpaced {
    fn on_sent(&mut self, now: Instant, bytes: u64, largest_pn: u64) {
        self.inner.on_sent(now, bytes, largest_pn);
    }
    fn on_packet_sent(&mut self, now: Instant, bytes: u16, pn: u64) {
        self.inner.on_packet_sent(now, bytes, pn);
    }
    fn on_cwnd_limited(&mut self) {
        self.inner.on_cwnd_limited();
    }
    fn on_ack(
        &mut self,
        now: Instant,
        sent: Instant,
        bytes: u64,
        pn: u64,
        app_limited: bool,
        rtt: &quic::RttEstimator,
    ) {
        let app_limited = self.is_app_limited(app_limited);
        self.inner.on_ack(now, sent, bytes, pn, app_limited, rtt);
        self.tell_rate(rtt.get());
    }
    fn on_end_acks(&mut self, now: Instant, in_flight: u64, app_limited: bool, largest: Option<u64>) {
        let app_limited = self.is_app_limited(app_limited);
        self.inner.on_end_acks(now, in_flight, app_limited, largest);
    }
    fn on_congestion_event(&mut self, now: Instant, sent: Instant, persistent: bool, ecn: bool, lost: u64, pn: u64) {
        self.inner.on_congestion_event(now, sent, persistent, ecn, lost, pn);
    }
    fn on_packet_lost(&mut self, lost_bytes: u16, pn: u64, now: Instant) {
        self.inner.on_packet_lost(lost_bytes, pn, now);
    }
    fn on_spurious_congestion_event(&mut self) {
        self.inner.on_spurious_congestion_event();
    }
    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.inner.on_mtu_update(new_mtu);
    }
    fn on_ack_frequency_update(&mut self, threshold: u64, delay: Duration) {
        self.inner.on_ack_frequency_update(threshold, delay);
    }
    fn window(&self) -> u64 {
        self.inner.window()
    }
    fn metrics(&self) -> ControllerMetrics {
        let mut metrics = self.inner.metrics();
        metrics.pacing_rate = Some(UNPACED);
        metrics.send_quantum = None;
        metrics
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(Self { inner: self.inner.clone_box(), shared: self.shared.clone() })
    }
    fn initial_window(&self) -> u64 {
        self.inner.initial_window()
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Our own controller, behind the library's interface.
#[derive(Debug, Clone)]
struct Own {
    rules: RateController,
    shared: Arc<Shared>,
}

impl Controller for Own {
    fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, _: u64, _: bool, _: &quic::RttEstimator) {
        self.rules.on_ack(now, sent, bytes);
    }
    fn on_end_acks(&mut self, now: Instant, _: u64, _: bool, _: Option<u64>) {
        self.rules.set_busy(self.shared.busy.load(Relaxed));
        self.rules.on_acks_end(now);
        self.shared.rate.store(self.rules.pacing_rate() as u64, Relaxed);
    }
    fn on_congestion_event(&mut self, now: Instant, _: Instant, _: bool, is_ecn: bool, _: u64, _: u64) {
        if is_ecn {
            self.rules.on_mark(now);
        }
    }
    fn on_packet_lost(&mut self, lost_bytes: u16, _: u64, _: Instant) {
        self.rules.on_loss(u64::from(lost_bytes));
    }
    fn on_mtu_update(&mut self, _: u16) {}
    fn window(&self) -> u64 {
        self.rules.window_bytes()
    }
    fn metrics(&self) -> ControllerMetrics {
        let mut metrics = ControllerMetrics::default();
        metrics.congestion_window = self.rules.window_bytes();
        metrics.pacing_rate = Some(UNPACED);
        metrics.bandwidth_estimate = Some((self.rules.rate() * 8.0) as u64);
        metrics
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
    fn initial_window(&self) -> u64 {
        self.rules.initial_window_bytes()
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Which controller a path gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Ours.
    Own,
    /// The library's BBR, to compare with.
    Bbr,
    /// The library's CUBIC, to compare with.
    Cubic,
}

impl Algorithm {
    /// Ours, unless `QUICETHER_CONTROLLER` names another.
    pub fn from_environment() -> Self {
        match std::env::var("QUICETHER_CONTROLLER").as_deref() {
            Ok("bbr") => Self::Bbr,
            Ok("cubic") => Self::Cubic,
            _ => Self::Own,
        }
    }
}

/// Makes the controllers of one path, which outlives its moves to other addresses.
pub struct Factory {
    /// Which.
    pub algorithm: Algorithm,
    /// Of the path.
    pub shared: Arc<Shared>,
}

impl ControllerFactory for Factory {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        let shared = self.shared.clone();
        let inner = match self.algorithm {
            Algorithm::Own => return Box::new(Own { rules: RateController::default(), shared }),
            Algorithm::Bbr => Arc::new(Bbr3Config::default()).build(now, current_mtu),
            Algorithm::Cubic => Arc::new(CubicConfig::default()).build(now, current_mtu),
        };
        Box::new(Unpaced { inner, shared })
    }
}

/// Longest stretch of the path's time that one batch takes.
const BATCH: Duration = Duration::from_millis(1);
/// Time lost to sleeping too long that may be caught up with.
const SLACK: Duration = Duration::from_millis(2);

/// Lets batches out at the controller's rate.
#[derive(Debug)]
pub struct Pacer {
    /// Of the path.
    pub shared: Arc<Shared>,
    next: Instant,
    held_back: bool,
}

impl Pacer {
    /// Lets the first batch out at once.
    pub fn new(now: Instant, shared: Arc<Shared>) -> Self {
        Self { shared, next: now, held_back: false }
    }

    /// Bytes a second.
    pub fn rate(&self, window: u64, rtt: Duration) -> f64 {
        match self.shared.rate.load(Relaxed) {
            0 => window as f64 / rtt.as_secs_f64().max(1e-4),
            rate => rate as f64,
        }
    }

    /// How many bytes may go now, between `least` and `most`; 0 when it is too early.
    pub fn batch(&mut self, now: Instant, rate: f64, least: usize, most: usize) -> usize {
        self.held_back = now < self.next;
        if self.held_back {
            return 0;
        }
        ((rate * BATCH.as_secs_f64()) as usize).clamp(least, most)
    }

    /// Takes note of what went.
    pub fn on_batch(&mut self, now: Instant, rate: f64, bytes: usize) {
        let earliest = now.checked_sub(SLACK).unwrap_or(now);
        self.next = self.next.max(earliest) + Duration::from_secs_f64(bytes as f64 / rate.max(1.0));
    }

    /// Whether the last batch was refused because it was too early.
    pub fn is_held_back(&self) -> bool {
        self.held_back
    }

    /// When the next batch may go.
    pub fn next(&self) -> Instant {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_go_at_the_rate_and_a_late_wake_up_is_made_good() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start, Arc::default());
        let rate = 10e6;
        let (mut now, mut sent) = (start, 0);
        for turn in 0..2000 {
            let batch = pacer.batch(now, rate, 1500, 60_000);
            assert!(batch == 0 || batch == 10_000);
            sent += batch;
            if batch > 0 {
                pacer.on_batch(now, rate, batch);
            }
            now = pacer.next() + Duration::from_micros(turn % 400);
        }
        let wanted = rate * (now - start).as_secs_f64();
        assert!((sent as f64 / wanted - 1.0).abs() < 0.01, "{sent} of {wanted}");
    }

    #[test]
    fn a_long_pause_is_not_made_good() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start, Arc::default());
        let later = start + Duration::from_secs(5);
        pacer.on_batch(later, 1e6, 1000);
        assert!(pacer.next() + SLACK >= later);
    }
}
