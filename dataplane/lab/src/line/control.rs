//! What a line is told while it runs: one JSON object a line, one answer a line.
//!
//! `{"set":{"ab":{"rate_mbps":10},"both":{"loss_percent":1},"link":"down"}}`, `{"stats":true}`.

use serde::{Deserialize, Serialize};

use super::settings::{Change, Settings};
use super::shaper::Counters;

/// One request.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// What is to change; all of it or, with an error, nothing.
    pub set: Option<Set>,
    /// Whether counters are wanted in the answer.
    pub stats: bool,
}

/// A change of the line.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Set {
    /// From the first interface to the second.
    pub ab: Option<Change>,
    /// From the second interface to the first.
    pub ba: Option<Change>,
    /// Both directions; `ab` and `ba` are applied after it.
    pub both: Option<Change>,
    /// Up or down, as a plug that is pulled: both ends see the carrier go.
    pub link: Option<Link>,
}

/// State of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// Plugged in.
    Up,
    /// Pulled.
    Down,
}

/// One answer.
#[derive(Debug, Default, Serialize)]
pub struct Answer {
    /// Whether all of it was done.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How things stand, when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<Stats>,
}

/// How things stand.
#[derive(Debug, Serialize)]
pub struct Stats {
    /// State of the link.
    pub link: Link,
    /// First interface to second.
    pub ab: DirectionStats,
    /// Second interface to first.
    pub ba: DirectionStats,
}

/// How one direction stands.
#[derive(Debug, Serialize)]
pub struct DirectionStats {
    /// In force.
    pub settings: Settings,
    /// Frames waiting now.
    pub queued: usize,
    /// Sums since the start.
    pub counters: Counters,
}

/// The settings of both directions after a change, or what is wrong with it.
pub fn decide(set: &Set, current: [&Settings; 2]) -> Result<[Settings; 2], String> {
    let mut next = [current[0].clone(), current[1].clone()];
    for (settings, own) in next.iter_mut().zip([&set.ab, &set.ba]) {
        for change in [&set.both, own].into_iter().flatten() {
            *settings = settings.with(change)?;
        }
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Set {
        serde_json::from_str::<Request>(text).expect("parses").set.expect("has a change")
    }

    #[test]
    fn one_direction_overrides_both() {
        let current = Settings::default();
        let set = set(r#"{"set":{"both":{"rate_mbps":80,"delay_ms":30},"ba":{"rate_mbps":10}}}"#);
        let [ab, ba] = decide(&set, [&current, &current]).unwrap();
        assert_eq!((ab.rate_mbps, ab.delay_ms, ba.rate_mbps, ba.delay_ms), (80.0, 30.0, 10.0, 30.0));
    }

    #[test]
    fn a_bad_value_or_an_unknown_name_changes_nothing() {
        let current = Settings::default();
        let bad = set(r#"{"set":{"ab":{"rate_mbps":8},"ba":{"loss_percent":-1}}}"#);
        assert!(decide(&bad, [&current, &current]).is_err());
        assert!(serde_json::from_str::<Request>(r#"{"sett":{}}"#).is_err());
        assert!(serde_json::from_str::<Request>(r#"{"set":{"link":"sideways"}}"#).is_err());
    }
}
