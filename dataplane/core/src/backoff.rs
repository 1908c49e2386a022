//! How long to wait before a connection is tried again.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);
/// A connection that held this long was a success; a shorter one is a failure that took longer.
const STABLE: Duration = Duration::from_secs(10);

/// Waits that double from 100 ms to 30 s, a quarter more or less by chance so that boxes that
/// lost each other at one moment do not come back at one moment.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
    connected_at: Option<Instant>,
}

impl Backoff {
    /// Backoff that has seen no failure.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note that the connection stands.
    pub fn on_connected(&mut self, now: Instant) {
        self.connected_at = Some(now);
    }

    /// The wait until the next attempt, after an attempt failed or a connection was lost.
    ///
    /// `random` is any number from a good source; all of its bits count.
    pub fn on_failed(&mut self, now: Instant, random: u64) -> Duration {
        if self.connected_at.take().is_some_and(|at| now.saturating_duration_since(at) >= STABLE) {
            self.failures = 0;
        }
        // 2^9 times the first wait is beyond the longest.
        let wait = LONGEST.min(FIRST * (1 << self.failures.min(9)));
        self.failures = self.failures.saturating_add(1);
        let share = (random >> 32) as f64 / f64::from(u32::MAX);
        wait.mul_f64(0.75 + share / 2.0)
    }

    /// Forgets the failures, as when something gives new hope: a line came up, an address changed.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: u64 = 1 << 63;

    fn near(wait: Duration, expected_ms: u64) {
        let wanted = Duration::from_millis(expected_ms);
        assert!(wait.abs_diff(wanted) < Duration::from_millis(1), "{wait:?} is not {wanted:?}");
    }

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let (mut backoff, now) = (Backoff::new(), Instant::now());
        for expected_ms in [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000] {
            near(backoff.on_failed(now, MIDDLE), expected_ms);
        }
        for _ in 0..100 {
            near(backoff.on_failed(now, MIDDLE), 30_000);
        }
    }

    #[test]
    fn chance_moves_a_wait_by_a_quarter_at_most() {
        let now = Instant::now();
        near(Backoff::new().on_failed(now, 0), 75);
        near(Backoff::new().on_failed(now, u64::MAX), 125);
        near(Backoff::new().on_failed(now, 1 << 62), 88);
    }

    #[test]
    fn only_a_connection_that_held_makes_it_start_over() {
        let (mut backoff, now) = (Backoff::new(), Instant::now());
        for _ in 0..4 {
            backoff.on_failed(now, MIDDLE);
        }
        backoff.on_connected(now);
        near(backoff.on_failed(now + Duration::from_millis(9_999), MIDDLE), 1600);
        backoff.on_connected(now);
        near(backoff.on_failed(now + STABLE, MIDDLE), 100);
        // The old success does not count twice.
        near(backoff.on_failed(now + STABLE * 2, MIDDLE), 200);
        backoff.reset();
        near(backoff.on_failed(now, MIDDLE), 100);
    }
}
