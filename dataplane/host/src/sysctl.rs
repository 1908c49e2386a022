//! Kernel settings: changed when needed, remembered in a file, put back in the end.
//!
//! The file outlives a killed engine, so that the next one still knows what was there before. It
//! names the boot it is about: after a reboot the settings are the system's own again.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// A setting that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Changed {
    name: String,
    before: String,
    ours: String,
}

/// What was changed and where it is remembered.
pub struct Sysctl {
    root: PathBuf,
    memory: PathBuf,
    boot: String,
    changed: Vec<Changed>,
}

/// A setting that could not be made.
#[derive(Debug)]
pub struct SysctlError {
    /// `net/ipv4/ip_forward`.
    pub name: String,
    /// What it should be.
    pub value: String,
    /// The system's answer.
    pub error: io::Error,
}

impl Sysctl {
    /// Settings below `root` (`/proc/sys`), with what an earlier engine left in `memory`.
    pub fn open(root: PathBuf, memory: PathBuf) -> Self {
        let boot = fs::read_to_string(root.join("kernel/random/boot_id")).unwrap_or_default().trim().to_owned();
        let changed = fs::read_to_string(&memory).map(|text| parse_memory(&text, &boot)).unwrap_or_default();
        if changed.is_empty() {
            let _ = fs::remove_file(&memory);
        }
        Self { root, memory, boot, changed }
    }

    /// What a setting is; `None` when the kernel does not have it.
    pub fn observe(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.root.join(name)).ok().map(|text| text.trim().to_owned())
    }

    /// Sets something that goes away by itself, with its interface.
    pub fn set_own(&self, name: &str, value: &str) -> io::Result<()> {
        match self.observe(name) {
            Some(found) if found != value => fs::write(self.root.join(name), value),
            _ => Ok(()),
        }
    }

    /// Forwards packets between interfaces, both families; true when something had to be changed.
    ///
    /// A box that forwards ignores router advertisements, and with them loses its own way out,
    /// unless `accept_ra` is 2 (kernel, networking/ip-sysctl): so it is raised where it was 1.
    pub fn forward(&mut self) -> Result<bool, SysctlError> {
        let mut any = self.set("net/ipv4/ip_forward", "1")?;
        let all = "net/ipv6/conf/all/forwarding";
        if self.observe(all).is_some_and(|value| value == "0") {
            for interface in self.interfaces() {
                let name = format!("net/ipv6/conf/{interface}/accept_ra");
                if self.observe(&name).as_deref() == Some("1") {
                    self.set(&name, "2")?;
                }
            }
            any |= self.set(all, "1")?;
        }
        Ok(any)
    }

    /// Puts everything back, but not what somebody else has changed meanwhile.
    pub fn restore(&mut self) -> Result<(), SysctlError> {
        let mut failed = None;
        // Last first: accept_ra follows forwarding.
        for changed in self.changed.drain(..).rev() {
            let path = self.root.join(&changed.name);
            let is_ours = fs::read_to_string(&path).is_ok_and(|text| text.trim() == changed.ours);
            if is_ours && let Err(error) = fs::write(&path, &changed.before) {
                failed = Some(SysctlError { name: changed.name, value: changed.before, error });
            }
        }
        let _ = fs::remove_file(&self.memory);
        failed.map_or(Ok(()), Err)
    }

    fn append(&self, changed: &Changed) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&self.memory)?;
        if file.metadata()?.len() == 0 {
            writeln!(file, "boot {}", self.boot)?;
        }
        writeln!(file, "{} {} {}", changed.name, changed.before, changed.ours)
    }

    fn interfaces(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join("net/ipv6/conf")) else { return Vec::new() };
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
    }

    fn set(&mut self, name: &str, value: &str) -> Result<bool, SysctlError> {
        let fail = |error| SysctlError { name: name.into(), value: value.into(), error };
        let Some(before) = self.observe(name) else { return Ok(false) };
        if before == value {
            return Ok(false);
        }
        // Remembered before it is changed: a kill in between must not lose what was there. A full
        // disk is no reason not to forward; then only an orderly end puts things back.
        if !self.changed.iter().any(|changed| changed.name == name) {
            let changed = Changed { name: name.into(), before, ours: value.into() };
            let _ = self.append(&changed);
            self.changed.push(changed);
        }
        fs::write(self.root.join(name), value).map_err(fail)?;
        Ok(true)
    }
}

/// Lines as `append` writes them; the earliest of a setting counts, and nothing but forwarding
/// and router advertisements is believed.
fn parse_memory(text: &str, boot: &str) -> Vec<Changed> {
    let Some(text) = text.strip_prefix(&format!("boot {boot}\n")) else { return Vec::new() };
    let mut all: Vec<Changed> = Vec::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(name), Some(before), Some(ours), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let known = name == "net/ipv4/ip_forward"
            || name == "net/ipv6/conf/all/forwarding"
            || name
                .strip_prefix("net/ipv6/conf/")
                .and_then(|rest| rest.strip_suffix("/accept_ra"))
                .is_some_and(|i| !i.contains('/'));
        if known && before.len() == 1 && ours.len() == 1 && !all.iter().any(|changed| changed.name == name) {
            all.push(Changed { name: name.into(), before: before.into(), ours: ours.into() });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Kernel(PathBuf);

    impl Kernel {
        fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("qe-sysctl-{}-{name}", std::process::id()));
            let this = Self(root);
            for (name, value) in [
                ("net/ipv4/ip_forward", "0"),
                ("net/ipv6/conf/all/forwarding", "0"),
                ("net/ipv6/conf/eth0/accept_ra", "1"),
                ("net/ipv6/conf/eth1/accept_ra", "0"),
            ] {
                this.write(name, value);
            }
            this
        }
        fn write(&self, name: &str, value: &str) {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{value}\n")).unwrap();
        }
        fn all(&self) -> Vec<String> {
            [
                "net/ipv4/ip_forward",
                "net/ipv6/conf/all/forwarding",
                "net/ipv6/conf/eth0/accept_ra",
                "net/ipv6/conf/eth1/accept_ra",
            ]
            .map(|name| fs::read_to_string(self.0.join(name)).unwrap().trim().to_owned())
            .into()
        }
        fn open(&self) -> Sysctl {
            Sysctl::open(self.0.clone(), self.0.join("memory"))
        }
    }

    impl Drop for Kernel {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_was_there_comes_back() {
        let world = Kernel::new("back");
        let mut sysctl = world.open();
        assert!(sysctl.forward().unwrap());
        assert_eq!(world.all(), ["1", "1", "2", "0"]);
        assert!(!sysctl.forward().unwrap(), "nothing more to do");
        sysctl.restore().unwrap();
        assert_eq!(world.all(), ["0", "0", "1", "0"]);
        assert!(!world.0.join("memory").exists());
    }

    #[test]
    fn a_killed_engine_is_cleaned_up_after() {
        let world = Kernel::new("killed");
        world.open().forward().unwrap();
        let mut next = world.open();
        next.forward().unwrap();
        next.restore().unwrap();
        assert_eq!(world.all(), ["0", "0", "1", "0"]);
    }

    #[test]
    fn a_full_disk_is_no_reason_not_to_forward() {
        let world = Kernel::new("full");
        let mut sysctl = Sysctl::open(world.0.clone(), world.0.join("no/such/directory"));
        sysctl.forward().unwrap();
        sysctl.restore().unwrap();
        assert_eq!(world.all(), ["0", "0", "1", "0"]);
    }

    #[test]
    fn what_somebody_else_set_stays() {
        let world = Kernel::new("else");
        world.write("net/ipv4/ip_forward", "1");
        let mut sysctl = world.open();
        sysctl.forward().unwrap();
        world.write("net/ipv6/conf/eth0/accept_ra", "0");
        sysctl.restore().unwrap();
        assert_eq!(world.all(), ["1", "0", "0", "0"]);
    }

    #[test]
    fn a_memory_file_is_not_believed_blindly() {
        let text = "boot a1\nnet/ipv4/ip_forward 0 1\nnet/ipv4/ip_forward 1 0\nkernel/core_pattern x y\nnet/ipv6/conf/a/b/accept_ra 1 2\nbroken";
        assert_eq!(parse_memory(text, "a1").len(), 1);
        assert_eq!(parse_memory(text, "a1")[0].before, "0");
        assert_eq!(parse_memory(text, "b2"), [], "what was before a reboot is not what was before this");
    }
}
