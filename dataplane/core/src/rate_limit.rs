//! A token bucket whose clock is passed in.

use std::time::{Duration, Instant};

/// Lets events through at a steady rate, after a burst that was saved up.
///
/// Kept as the one moment at which the bucket would be full (GCRA), so it needs neither a timer
/// nor rounding of fractions of tokens.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    per_token: Duration,
    burst: Duration,
    full_at: Option<Instant>,
}

impl TokenBucket {
    /// Bucket of `burst` tokens, full, that gains `per_second`; zero of either lets nothing through.
    pub fn new(per_second: u32, burst: u32) -> Self {
        // Beyond a billion a second a token costs nothing: no limit, which is what was asked for.
        let per_token = Duration::from_secs(1).checked_div(per_second).unwrap_or(Duration::MAX);
        let burst = if per_second == 0 { Duration::ZERO } else { per_token * burst };
        Self { per_token, burst, full_at: None }
    }

    /// Takes one token if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        self.take_many(now, 1)
    }

    /// Takes `count` tokens, or none when there are fewer. A clock that steps back is taken as one
    /// that stands still.
    pub fn take_many(&mut self, now: Instant, count: u32) -> bool {
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        let Some(cost) = self.per_token.checked_mul(count) else { return false };
        let missing = full_at.duration_since(now).saturating_add(cost);
        if missing > self.burst {
            return false;
        }
        self.full_at = Some(full_at + cost);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(10, 5);
        assert_eq!((0..20).filter(|_| bucket.take(start)).count(), 5);
        let over_ten_seconds = (0..10_000u64).filter(|ms| bucket.take(start + Duration::from_millis(*ms))).count();
        assert!((99..=101).contains(&over_ten_seconds), "{over_ten_seconds}");
        let after_a_day = start + Duration::from_secs(86_400);
        assert_eq!((0..20).filter(|_| bucket.take(after_a_day)).count(), 5, "saves no more than a burst");
    }

    #[test]
    fn many_are_taken_together_or_not_at_all() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(1000, 100);
        assert!(!bucket.take_many(start, 101));
        assert!(bucket.take_many(start, 60));
        assert!(!bucket.take_many(start, 41));
        assert!(bucket.take_many(start, 40));
        assert!(!bucket.take(start));
        assert!(!bucket.take_many(start, u32::MAX));
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing_away() {
        let late = Instant::now() + Duration::from_secs(100);
        let mut bucket = TokenBucket::new(1, 2);
        assert!(bucket.take(late) && bucket.take(late));
        assert!(!bucket.take(late - Duration::from_secs(50)));
        assert!(!bucket.take(late));
        assert!(bucket.take(late + Duration::from_secs(1)));
    }

    #[test]
    fn zero_lets_nothing_through() {
        let now = Instant::now();
        assert!(!TokenBucket::new(0, 5).take(now));
        assert!(!TokenBucket::new(5, 0).take(now));
    }
}
