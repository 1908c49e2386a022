//! Carries out calls: one at a time changes something.

use std::sync::{Mutex, MutexGuard, TryLockError};

use crate::appliance::{self, observe_counted_path};
use crate::boot::{decide_boot, decide_slots};
use crate::command::Command;
use crate::esp::Esp;
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::protocol::{Answer, Call, State};
use crate::update::{self, Progress};
use crate::{addresses, reset, ssh};

/// Everything that calls work on.
#[derive(Debug)]
pub struct Service {
    place: Place,
    changing: Mutex<()>,
}

impl Service {
    /// For the box at `place`.
    pub fn new(place: Place) -> Self {
        Self { place, changing: Mutex::new(()) }
    }

    /// Does what is asked for; `is_root` says that root asks, `report` is told how far an update is.
    pub fn carry_out(&self, call: &Call, is_root: bool, report: &mut dyn FnMut(Progress)) -> Outcome<Answer> {
        let place = &self.place;
        if *call == Call::State {
            return self.observe().map(Answer::State);
        }
        // Before anything else: on another machine these would change what is not ours.
        appliance::observe(place)?;
        let _changing = self.begin_change()?;
        match call {
            Call::State => {}
            Call::Update => return update::install(place, report).map(Answer::Installed),
            Call::Reboot => Command::Reboot.run(place)?,
            Call::Reset(params) => {
                // Where a folder stands for the box, root stands for the daemon.
                let is_at_box = is_root && place.is_box();
                reset::check_presence(place, params.code.as_deref(), is_at_box, now_s())?;
                reset::mark(place)?;
                Command::Reboot.run(place)?;
            }
            Call::Ssh(params) => ssh::apply(place, params.on, params.authorized_keys.as_deref())?,
            Call::Addresses(wanted) => addresses::apply(place, wanted)?,
        }
        Ok(Answer::Done)
    }

    fn begin_change(&self) -> Outcome<MutexGuard<'_, ()>> {
        match self.changing.try_lock() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                Err(Failure::new("system.busy", "an update or another change is under way")
                    .remedy("wait until it is done"))
            }
        }
    }

    fn observe(&self) -> Outcome<State> {
        let place = &self.place;
        let appliance = appliance::observe(place)?;
        let entries = Esp::open(place, &appliance)?.entries()?;
        let boot = decide_boot(observe_counted_path(place).as_deref(), &entries);
        let slots = decide_slots(appliance.slot, &appliance.version, &entries);
        let (ssh, ssh_keys) = ssh::observe(place);
        let updating = matches!(self.changing.try_lock(), Err(TryLockError::WouldBlock));
        let addresses = addresses::observe(place);
        Ok(State { updating, ssh, ssh_keys, addresses, ..State::new(&appliance, slots, boot) })
    }
}

/// Seconds since the start of the box, sleep included: nobody can set this clock.
fn now_s() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut now) };
    now.tv_sec.unsigned_abs()
}
