//! Which releases can boot, as the names of their UKIs say; boot counting is systemd-boot's.

use quicether_bundle::Version;
use serde::Serialize;

/// How often a new release may try to come up.
pub const TRIES: u32 = 3;

/// A UKI on the EFI partition: `gw_1.4.0.efi`, `gw_1.4.0+2-1.efi`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As it is called.
    pub file: String,
    /// Release that it boots.
    pub version: Version,
    /// Tries that are left, while they are counted.
    pub tries_left: Option<u32>,
}

/// The release that a file name boots; `None` for what is none of ours.
pub fn parse_entry(file: &str) -> Option<Entry> {
    let name = file.strip_prefix("gw_")?.strip_suffix(".efi")?;
    let (version, tries_left) = match name.split_once('+') {
        None => (name, None),
        Some((version, tries)) => {
            let (left, done) = tries.split_once('-').unwrap_or((tries, "0"));
            let is_number = |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            if !is_number(left) || !is_number(done) {
                return None;
            }
            (version, Some(left.parse().ok()?))
        }
    };
    Some(Entry { file: file.into(), version: Version::parse(version)?, tries_left })
}

/// What a new release is called until it has shown that it works.
pub fn trial_name(version: &Version) -> String {
    format!("gw_{version}+{TRIES}.efi")
}

/// Whether the running release has shown that it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Boot {
    /// Its boots are not counted.
    Clean,
    /// It was counted and came through.
    Good,
    /// It has to show it yet.
    Trial,
}

impl Boot {
    /// Whether the other slot is not needed to fall back to.
    pub fn is_blessed(self) -> bool {
        self != Self::Trial
    }
}

/// Judges the boot by `counted`, the path that systemd-boot counted (`LoaderBootCountPath`), and by
/// what the files are called now. A counted entry that is nowhere is on trial: nothing vouches for it.
pub fn decide_boot(counted: Option<&str>, entries: &[Entry]) -> Boot {
    let Some(path) = counted else { return Boot::Clean };
    let Some(own) = parse_entry(path.rsplit(['\\', '/']).next().unwrap_or(path)) else { return Boot::Trial };
    let mut same = entries.iter().filter(|entry| entry.version == own.version).peekable();
    if same.peek().is_some() && same.all(|entry| entry.tries_left.is_none()) { Boot::Good } else { Boot::Trial }
}

/// The two halves of the disk that hold releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// `gw-root-a`.
    A,
    /// `gw-root-b`.
    B,
}

impl Slot {
    /// The one that is not running.
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Name of its partition.
    pub fn partition(self) -> &'static str {
        match self {
            Self::A => "gw-root-a",
            Self::B => "gw-root-b",
        }
    }
}

/// What a slot holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlotView {
    /// Which.
    pub slot: Slot,
    /// Release in it, as far as a UKI boots one.
    pub version: Option<String>,
    /// What it is good for.
    pub state: SlotState,
}

/// What a slot is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotState {
    /// This release runs.
    Running,
    /// Nothing, or the release before.
    Idle,
    /// It will be tried at the next boot.
    Trial,
    /// It was tried and did not come up.
    Failed,
}

/// Both slots, from what runs and what can boot.
pub fn decide_slots(running: Slot, version: &Version, entries: &[Entry]) -> [SlotView; 2] {
    let other = entries.iter().filter(|entry| entry.version != *version).max_by(|a, b| a.version.cmp(&b.version));
    let state = match other.and_then(|entry| entry.tries_left) {
        None => SlotState::Idle,
        Some(0) => SlotState::Failed,
        Some(_) => SlotState::Trial,
    };
    let own = SlotView { slot: running, version: Some(version.to_string()), state: SlotState::Running };
    let idle = SlotView { slot: running.other(), version: other.map(|entry| entry.version.to_string()), state };
    if running == Slot::A { [own, idle] } else { [idle, own] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(files: &[&str]) -> Vec<Entry> {
        files.iter().map(|file| parse_entry(file).unwrap()).collect()
    }

    #[test]
    fn names_are_read_as_boot_counting_writes_them() {
        let tries = |file| parse_entry(file).map(|entry| (entry.version.to_string(), entry.tries_left));
        assert_eq!(tries("gw_1.4.0.efi"), Some(("1.4.0".into(), None)));
        assert_eq!(tries("gw_1.4.0+3.efi"), Some(("1.4.0".into(), Some(3))));
        assert_eq!(tries("gw_1.4.0-rc.1+0-3.efi"), Some(("1.4.0-rc.1".into(), Some(0))));
        for file in ["gw_1.4.efi", "gw_1.4.0+.efi", "gw_1.4.0+3-.efi", "gw_1.4.0+x.efi", ".new", "gw_1.4.0.EFI"] {
            assert_eq!(tries(file), None, "{file}");
        }
        let name = trial_name(&Version::parse("1.4.0").unwrap());
        assert_eq!(tries(&name), Some(("1.4.0".into(), Some(TRIES))));
    }

    #[test]
    fn a_release_is_blessed_when_its_counter_is_gone() {
        let path = Some("\\EFI\\Linux\\gw_2.0.0+2-1.efi");
        assert_eq!(decide_boot(None, &entries(&["gw_1.0.0.efi"])), Boot::Clean);
        assert_eq!(decide_boot(path, &entries(&["gw_1.0.0.efi", "gw_2.0.0+2-1.efi"])), Boot::Trial);
        assert_eq!(decide_boot(path, &entries(&["gw_1.0.0.efi", "gw_2.0.0.efi"])), Boot::Good);
        assert_eq!(decide_boot(path, &entries(&["gw_1.0.0.efi", "gw_2.0.0+0-3.efi"])), Boot::Trial);
        assert_eq!(decide_boot(path, &entries(&["gw_2.0.0.efi", "gw_2.0.0+2-1.efi"])), Boot::Trial);
        assert_eq!(decide_boot(path, &[]), Boot::Trial);
        assert_eq!(decide_boot(Some("nonsense"), &entries(&["gw_2.0.0.efi"])), Boot::Trial);
    }

    #[test]
    fn the_other_slot_is_what_its_uki_says() {
        let version = Version::parse("2.0.0").unwrap();
        for (file, state) in [
            ("gw_1.0.0.efi", SlotState::Idle),
            ("gw_3.0.0+3.efi", SlotState::Trial),
            ("gw_3.0.0+0-3.efi", SlotState::Failed),
        ] {
            let slots = decide_slots(Slot::B, &version, &entries(&["gw_2.0.0.efi", file]));
            assert_eq!((slots[0].slot, slots[0].state), (Slot::A, state), "{file}");
            assert_eq!((slots[1].version.as_deref(), slots[1].state), (Some("2.0.0"), SlotState::Running));
        }
        let [_, idle] = decide_slots(Slot::A, &version, &entries(&["gw_2.0.0+1-2.efi"]));
        assert_eq!((idle.version, idle.state), (None, SlotState::Idle));
    }
}
