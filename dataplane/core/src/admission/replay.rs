//! Memory of nonces that were used.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::NONCE_LEN;

/// Nonces of one generation; two are kept.
const GENERATION_LEN: usize = 32_768;

/// A first flight that is not answered is sent again with the same id, for about this long.
const RETRANSMISSION: Duration = Duration::from_secs(10);

/// What is known of a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Never seen, as far as memory reaches.
    New,
    /// Seen a moment ago, from the same address.
    Retransmitted,
    /// Anything else.
    Replayed,
}

/// The last 32,768 to 65,536 nonces, whatever their age.
///
/// Only who knows the key can add to it, and so only friends could make it forget. Trees, not
/// hash tables: they need no seed and grow without a pause.
#[derive(Debug, Default)]
pub struct ReplayCache {
    current: BTreeMap<[u8; NONCE_LEN], (Instant, SocketAddr)>,
    previous: BTreeMap<[u8; NONCE_LEN], (Instant, SocketAddr)>,
}

impl ReplayCache {
    /// Takes note of `nonce` and says whether it is new.
    pub fn observe(&mut self, now: Instant, remote: SocketAddr, nonce: [u8; NONCE_LEN]) -> Freshness {
        if let Some((first_seen, from)) = self.current.get(&nonce).or_else(|| self.previous.get(&nonce)) {
            let soon = now.saturating_duration_since(*first_seen) <= RETRANSMISSION;
            return if soon && *from == remote { Freshness::Retransmitted } else { Freshness::Replayed };
        }
        if self.current.len() >= GENERATION_LEN {
            self.previous = std::mem::take(&mut self.current);
        }
        self.current.insert(nonce, (now, remote));
        Freshness::New
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.current.len() + self.previous.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_keeps_the_latest() {
        let (mut cache, now) = (ReplayCache::default(), Instant::now());
        let remote: SocketAddr = "192.0.2.1:9000".parse().unwrap();
        let nonce = |i: u32| {
            let mut nonce = [0; NONCE_LEN];
            nonce[..4].copy_from_slice(&i.to_be_bytes());
            nonce
        };
        let late = now + RETRANSMISSION * 2;
        for i in 0..100_000u32 {
            assert_eq!(cache.observe(now, remote, nonce(i)), Freshness::New);
            assert!(cache.len() <= 2 * GENERATION_LEN);
            if i >= GENERATION_LEN as u32 && i % 1000 == 0 {
                let oldest_kept = i - GENERATION_LEN as u32 + 1;
                assert_eq!(cache.observe(late, remote, nonce(oldest_kept)), Freshness::Replayed);
            }
        }
    }
}
