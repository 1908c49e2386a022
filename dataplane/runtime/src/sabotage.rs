//! Mechanisms switched off on purpose, so that the lab can show that its scenarios notice.
//!
//! `QUICETHER_SABOTAGE=name,name` in the engine's environment; said loudly in the log.

/// What is broken.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sabotage {
    /// Sources and destinations of inner packets are not checked.
    pub no_policy: bool,
    /// Untagged handshakes are answered although the port should be silent.
    pub answer_strangers: bool,
    /// One short first-in first-out queue for all peers.
    pub no_fair_queue: bool,
    /// Incomplete trains are dropped whole.
    pub no_partial_trains: bool,
    /// Lost connections are not made again.
    pub no_reconnect: bool,
    /// A peer that changes its address is not followed.
    pub no_migration: bool,
    /// New flows pass also when the daemon has been away for long.
    pub no_lease: bool,
    /// Holes are not waited for.
    pub no_reorder: bool,
}

impl Sabotage {
    /// As the environment says.
    pub fn from_environment() -> Self {
        let Ok(names) = std::env::var("QUICETHER_SABOTAGE") else { return Self::default() };
        let has = |name: &str| names.split(',').any(|n| n.trim() == name);
        tracing::warn!(%names, "mechanisms are switched off on purpose: this is for tests only");
        Self {
            no_policy: has("no-policy"),
            answer_strangers: has("answer-strangers"),
            no_fair_queue: has("no-fair-queue"),
            no_partial_trains: has("no-partial-trains"),
            no_reconnect: has("no-reconnect"),
            no_migration: has("no-migration"),
            no_lease: has("no-lease"),
            no_reorder: has("no-reorder"),
        }
    }
}
