//! How long the engine goes on accepting without hearing from the daemon.

use std::time::{Duration, Instant};

/// Without a word from the daemon for this long, nothing new is accepted.
pub const LEASE: Duration = Duration::from_secs(15 * 60);

/// [`LEASE`], or fewer seconds when `QUICETHER_LEASE_SECONDS` says so, for tests.
pub fn length_from_environment() -> Duration {
    let asked = std::env::var("QUICETHER_LEASE_SECONDS").ok().and_then(|text| text.parse().ok());
    asked.map_or(LEASE, |seconds| LEASE.min(Duration::from_secs(seconds)))
}

/// Whether the daemon is there, by the monotonic clock that the caller passes in: a wall clock
/// that jumps an hour changes nothing.
#[derive(Debug)]
pub struct Lease {
    length: Duration,
    until: Instant,
    told: bool,
}

impl Lease {
    /// A lease that begins now.
    pub fn new(now: Instant, length: Duration) -> Self {
        Self { length, until: now + length, told: false }
    }

    /// The daemon is alive. True when the lease had run out and accepting begins again.
    pub fn renew(&mut self, now: Instant) -> bool {
        let was_out = self.told;
        *self = Self { until: now + self.length, told: false, ..*self };
        was_out
    }

    /// True once, when the lease has run out.
    pub fn expire(&mut self, now: Instant) -> bool {
        let out = now >= self.until && !self.told;
        self.told |= out;
        out
    }

    /// What is left; zero when it ran out.
    pub fn remaining(&self, now: Instant) -> Duration {
        self.until.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_out_once_and_comes_back() {
        let start = Instant::now();
        let mut lease = Lease::new(start, LEASE);
        assert!(!lease.expire(start + LEASE - Duration::from_millis(1)));
        assert!(lease.expire(start + LEASE));
        assert!(!lease.expire(start + LEASE * 2), "told only once");
        assert_eq!(lease.remaining(start + LEASE * 2), Duration::ZERO);
        assert!(lease.renew(start + LEASE * 2), "accepting begins again");
        assert!(!lease.expire(start + LEASE * 3 - Duration::from_millis(1)));
        assert!(lease.expire(start + LEASE * 3));
    }

    #[test]
    fn a_renewal_in_time_changes_nothing_but_the_end() {
        let start = Instant::now();
        let mut lease = Lease::new(start, LEASE);
        assert!(!lease.renew(start + LEASE / 2));
        assert!(!lease.expire(start + LEASE));
        assert_eq!(lease.remaining(start + LEASE), LEASE / 2);
    }
}
