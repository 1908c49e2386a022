//! What one direction of a line does to packets, and how that is changed while it runs.

use serde::{Deserialize, Serialize};

/// One direction. Rates count Ethernet bytes: frame plus 24 for preamble, checksum and gap.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Settings {
    /// Mbit/s; 0 means no limit.
    pub rate_mbps: f64,
    /// One way, milliseconds.
    pub delay_ms: f64,
    /// Added to the delay, evenly from 0 up to this; by itself it never reorders.
    pub jitter_ms: f64,
    /// Share of frames lost at random, percent.
    pub loss_percent: f64,
    /// Share of frames that others may overtake, percent.
    pub reorder_percent: f64,
    /// How much later an overtaken frame comes, milliseconds.
    pub reorder_ms: f64,
    /// Frames that would wait longer than this for the line are dropped, milliseconds.
    pub queue_ms: f64,
    /// At most this many frames wait.
    pub queue_packets: usize,
    /// Frames that wait longer than this are marked CE (RFC 3168); 0 means never.
    pub ecn_ms: f64,
    /// Everything disappears, the link stays up.
    pub blackhole: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rate_mbps: 0.0,
            delay_ms: 0.0,
            jitter_ms: 0.0,
            loss_percent: 0.0,
            reorder_percent: 0.0,
            reorder_ms: 5.0,
            queue_ms: 100.0,
            queue_packets: 1000,
            ecn_ms: 0.0,
            blackhole: false,
        }
    }
}

/// Some of the settings, the others stay.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Change {
    /// See [`Settings::rate_mbps`].
    pub rate_mbps: Option<f64>,
    /// See [`Settings::delay_ms`].
    pub delay_ms: Option<f64>,
    /// See [`Settings::jitter_ms`].
    pub jitter_ms: Option<f64>,
    /// See [`Settings::loss_percent`].
    pub loss_percent: Option<f64>,
    /// See [`Settings::reorder_percent`].
    pub reorder_percent: Option<f64>,
    /// See [`Settings::reorder_ms`].
    pub reorder_ms: Option<f64>,
    /// See [`Settings::queue_ms`].
    pub queue_ms: Option<f64>,
    /// See [`Settings::queue_packets`].
    pub queue_packets: Option<usize>,
    /// See [`Settings::ecn_ms`].
    pub ecn_ms: Option<f64>,
    /// See [`Settings::blackhole`].
    pub blackhole: Option<bool>,
}

/// Most frames one direction holds, waiting and in flight.
pub const MAX_HELD: usize = 65_536;

impl Settings {
    /// The settings after a change, or what is wrong with it.
    pub fn with(&self, change: &Change) -> Result<Self, String> {
        Ok(Self {
            rate_mbps: within("rate_mbps", change.rate_mbps, self.rate_mbps, 100_000.0)?,
            delay_ms: within("delay_ms", change.delay_ms, self.delay_ms, 60_000.0)?,
            jitter_ms: within("jitter_ms", change.jitter_ms, self.jitter_ms, 60_000.0)?,
            loss_percent: within("loss_percent", change.loss_percent, self.loss_percent, 100.0)?,
            reorder_percent: within("reorder_percent", change.reorder_percent, self.reorder_percent, 100.0)?,
            reorder_ms: within("reorder_ms", change.reorder_ms, self.reorder_ms, 60_000.0)?,
            queue_ms: within("queue_ms", change.queue_ms, self.queue_ms, 60_000.0)?,
            queue_packets: match change.queue_packets.unwrap_or(self.queue_packets) {
                packets @ 1..=MAX_HELD => packets,
                other => return Err(format!("queue_packets: {other} is not from 1 to {MAX_HELD}")),
            },
            ecn_ms: within("ecn_ms", change.ecn_ms, self.ecn_ms, 60_000.0)?,
            blackhole: change.blackhole.unwrap_or(self.blackhole),
        })
    }
}

fn within(name: &str, wanted: Option<f64>, current: f64, high: f64) -> Result<f64, String> {
    let value = wanted.unwrap_or(current);
    if value.is_finite() && (0.0..=high).contains(&value) {
        Ok(value)
    } else {
        Err(format!("{name}: {value} is not from 0 to {high}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_touches_only_what_it_names() {
        let before = Settings { rate_mbps: 80.0, delay_ms: 30.0, ..Settings::default() };
        let after = before.with(&Change { rate_mbps: Some(10.0), ..Change::default() }).unwrap();
        assert_eq!(after, Settings { rate_mbps: 10.0, ..before });
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let current = Settings::default();
        let refused = current.with(&Change { loss_percent: Some(101.0), ..Change::default() });
        assert!(refused.unwrap_err().contains("loss_percent"));
        assert!(current.with(&Change { delay_ms: Some(f64::NAN), ..Change::default() }).is_err());
        assert!(current.with(&Change { queue_packets: Some(0), ..Change::default() }).is_err());
        assert!(serde_json::from_str::<Change>(r#"{"rate":8}"#).is_err());
    }
}
