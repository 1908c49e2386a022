//! What this box says of itself: the slot that runs, the release, the board.

use quicether_bundle::Version;

use crate::boot::Slot;
use crate::failure::{Failure, Outcome};
use crate::place::Place;

const MAX_FILE_LEN: u64 = 16 << 10;
const SLOT_FILE: &str = "/run/gw-slot";
const OS_RELEASE: &str = "/usr/lib/os-release";
const BOARD_FILE: &str = "/usr/share/quicether/board";
const EFI: &str = "/sys/firmware/efi";
/// The boot loader always says who it is, and what it counted when it counted.
const LOADER_INFO: &str = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
const COUNTED_PATH: &str = "/sys/firmware/efi/efivars/LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

/// A box that was booted from our image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appliance {
    /// Slot that runs.
    pub slot: Slot,
    /// Name of the disk without a folder: `vda`.
    pub disk: String,
    /// Device of the EFI partition.
    pub esp: String,
    /// Release that runs.
    pub version: Version,
    /// Kind of box.
    pub board: String,
}

/// Reads who this box is, or says that it is no appliance.
pub fn observe(place: &Place) -> Outcome<Appliance> {
    let slots = place.read(SLOT_FILE, MAX_FILE_LEN).ok_or_else(|| {
        Failure::new("system.not-an-appliance", "this machine was not booted from the appliance image")
            .remedy("install a newer quicether package, with the means of this system")
    })?;
    let broken = |what: &str| Failure::new("system.broken-release", format!("{what} is missing or unusable"));
    let release = place.read(OS_RELEASE, MAX_FILE_LEN).unwrap_or_default();
    Ok(Appliance {
        slot: match find(&slots, "gwslot") {
            Some("a") => Slot::A,
            Some("b") => Slot::B,
            _ => return Err(broken("/run/gw-slot: gwslot")),
        },
        disk: device(&slots, "gwdisk").ok_or_else(|| broken("/run/gw-slot: gwdisk"))?.into(),
        esp: find(&slots, "gwesp").unwrap_or_default().into(),
        version: find(&release, "IMAGE_VERSION")
            .and_then(Version::parse)
            .ok_or_else(|| broken("/usr/lib/os-release: IMAGE_VERSION"))?,
        board: place.read(BOARD_FILE, MAX_FILE_LEN).ok_or_else(|| broken(BOARD_FILE))?.trim().into(),
    })
}

fn find<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.trim_matches('"'))
}

fn device<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let name = find(text, name)?.strip_prefix("/dev/")?;
    (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(name)
}

/// The path that systemd-boot counted down for this boot, if it counted. Where its word cannot be read
/// although there is firmware to ask, nothing vouches for this boot: it counts as counted.
pub fn observe_counted_path(place: &Place) -> Option<String> {
    let Ok(bytes) = std::fs::read(place.at(COUNTED_PATH)) else {
        let is_silent = place.at(EFI).exists() && !place.at(LOADER_INFO).exists();
        return is_silent.then(|| "unreadable".into());
    };
    // Four bytes of attributes, then UTF-16 with a zero at its end.
    let units: Vec<u16> = bytes.get(4..)?.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    Some(String::from_utf16_lossy(&units[..end]))
}
