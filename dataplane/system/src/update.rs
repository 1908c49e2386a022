//! Installs a release into the slot that does not run. Whatever goes wrong, and wherever the power is
//! cut: the running release stays what boots.

use quicether_bundle::{Manifest, Version};
use serde::Serialize;

use crate::appliance::{self, Appliance};
use crate::boot::{Boot, Entry, Slot, decide_boot, trial_name};
use crate::esp::Esp;
use crate::failure::{Failure, Outcome};
use crate::keys::ReleaseKeys;
use crate::place::Place;
use crate::slot::SlotDevice;
use crate::source::Source;
use crate::staging;

/// How far an update is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What is done now.
    pub step: Step,
    /// Of all of it.
    pub percent: u8,
    /// Release that is installed.
    pub version: String,
}

/// The parts of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Reading all of the bundle.
    Checking,
    /// Into the slot, and back.
    Writing,
    /// All is there; the next boot tries it.
    Ready,
}

/// What was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Installed {
    /// Release that the next boot tries.
    pub version: String,
    /// Where it is.
    pub slot: Slot,
    /// Release key that signed it.
    pub key_id: String,
}

/// What the decision is made on.
#[derive(Debug)]
pub struct Facts<'a> {
    /// This box.
    pub appliance: &'a Appliance,
    /// Whether the running release is proven.
    pub boot: Boot,
    /// Bytes of the slot to be written.
    pub slot_len: u64,
    /// Bytes for the UKI.
    pub esp_room: u64,
}

/// Whether a bundle that is rightly signed may be installed here and now.
pub fn decide_install(manifest: &Manifest, facts: &Facts<'_>) -> Outcome<()> {
    let Appliance { version: running, board, .. } = facts.appliance;
    if manifest.board != *board {
        let message = format!("the bundle is for the board {}, this box is {board}", manifest.board);
        return Err(Failure::new("system.wrong-board", message).remedy("take the bundle for this board"));
    }
    decide_newer(&manifest.version, running)?;
    if !facts.boot.is_blessed() {
        let message = format!("the running release {running} has not shown yet that it works");
        return Err(Failure::new("system.not-blessed", message)
            .remedy("wait until its health check has passed; it is at most 5 minutes after a start"));
    }
    for (what, needed, room) in
        [("the slot", manifest.root.len, facts.slot_len), ("the EFI partition", manifest.uki.len, facts.esp_room)]
    {
        if needed > room {
            let message = format!("{what} has room for {room} bytes, the release needs {needed}");
            return Err(Failure::new("system.no-space", message).remedy("write the image of the release to the disk"));
        }
    }
    Ok(())
}

fn decide_newer(offered: &Version, running: &Version) -> Outcome<()> {
    if offered > running {
        return Ok(());
    }
    let how = if offered == running { "the same as" } else { "older than" };
    let message = format!("the bundle is release {offered}, {how} the running release {running}");
    Err(Failure::new("system.not-newer", message)
        .remedy("going back is possible only by writing the image of that release to the disk"))
}

/// Verifies the staged bundle and installs it.
///
/// Order: signature, decision, every byte checked; only then is the other slot's UKI removed, the slot
/// written and read back, and the new UKI renamed in. `report` is called with each percent.
pub fn install(place: &Place, report: &mut dyn FnMut(Progress)) -> Outcome<Installed> {
    let appliance = appliance::observe(place)?;
    let keys = ReleaseKeys::read(place)?;
    let (file, len) = staging::open(place)?;
    let source = Source::open(file, len, &keys)?;
    let esp = Esp::open(place, &appliance)?;
    let entries = esp.entries()?;
    let stale: Vec<&Entry> = entries.iter().filter(|entry| entry.version != appliance.version).collect();
    let slot = appliance.slot.other();
    let mut device = SlotDevice::open(place, &appliance, slot)?;
    let boot = decide_boot(appliance::observe_counted_path(place).as_deref(), &entries);
    let facts = Facts { appliance: &appliance, boot, slot_len: device.len(), esp_room: esp.room(&stale)? };
    decide_install(&source.manifest, &facts)?;

    let mut meter = Meter::new(&source.manifest, report);
    // From here on the caller knows that it was accepted.
    meter.tell(Step::Checking, 0..0, 0);
    source.check(&mut |done| meter.tell(Step::Checking, 0..20, done))?;
    esp.remove(&stale)?;
    write_slot(&source, &mut device, &mut meter)?;
    let name = trial_name(&source.manifest.version);
    esp.install(&name, &source.manifest.uki, &mut |out| {
        source.copy_uki(&mut |bytes| {
            std::io::Write::write_all(out, bytes).map_err(|error| Failure::io(std::path::Path::new(&name), &error))
        })
    })?;
    meter.tell(Step::Ready, 100..100, 0);
    Ok(Installed { version: source.manifest.version.to_string(), slot, key_id: source.key_id })
}

fn write_slot(source: &Source, device: &mut SlotDevice, meter: &mut Meter<'_>) -> Outcome<()> {
    let mut done = 0;
    source.copy_root(&mut |bytes| {
        device.write(bytes)?;
        done += bytes.len() as u64;
        meter.tell(Step::Writing, 20..80, done);
        Ok(())
    })?;
    device.sync()?;
    device.read_back(&source.manifest.root, &mut |done| meter.tell(Step::Writing, 80..98, done))
}

/// Turns bytes into percent, each told once.
struct Meter<'a> {
    version: String,
    whole: u64,
    last: Option<(Step, u8)>,
    report: &'a mut dyn FnMut(Progress),
}

impl<'a> Meter<'a> {
    fn new(manifest: &Manifest, report: &'a mut dyn FnMut(Progress)) -> Self {
        let whole = manifest.uki.len + manifest.root.len;
        Self { version: manifest.version.to_string(), whole, last: None, report }
    }

    fn tell(&mut self, step: Step, range: std::ops::Range<u8>, done: u64) {
        let share = done.min(self.whole) * u64::from(range.end - range.start) / self.whole;
        let percent = range.start + share as u8;
        if self.last != Some((step, percent)) {
            self.last = Some((step, percent));
            (self.report)(Progress { step, percent, version: self.version.clone() });
        }
    }
}
