//! The few programs that are run, each with fixed arguments; there is no shell and no environment.

use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome};
use crate::place::Place;

const TIMEOUT: Duration = Duration::from_secs(20);

/// Something that systemd is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Restarts the box in order.
    Reboot,
    /// Lets the administrator in.
    StartSsh,
    /// Keeps him out; who is in stays in.
    StopSsh,
    /// Has networkd read its files again.
    ReloadNetwork,
    /// Has the LAN side made anew.
    RestartPorts,
}

impl Command {
    fn argv(self) -> &'static [&'static str] {
        match self {
            Self::Reboot => &["/usr/bin/systemctl", "--no-block", "reboot"],
            Self::StartSsh => &["/usr/bin/systemctl", "start", "ssh.service"],
            Self::StopSsh => &["/usr/bin/systemctl", "stop", "ssh.service"],
            Self::ReloadNetwork => &["/usr/bin/networkctl", "reload"],
            Self::RestartPorts => &["/usr/bin/systemctl", "restart", "quicether-ports.service"],
        }
    }

    /// Runs it and waits for its end. Where a folder stands for the box, it is only written down.
    pub fn run(self, place: &Place) -> Outcome<()> {
        let argv = self.argv();
        let failed = |why: String| Failure::new("system.command", format!("{}: {why}", argv.join(" ")));
        if !place.is_box() {
            let log = OpenOptions::new().create(true).append(true).open(place.at("/commands.log"));
            return log
                .and_then(|mut log| writeln!(log, "{}", argv.join(" ")))
                .map_err(|error| failed(error.to_string()));
        }
        let mut child = Process::new(argv[0])
            .args(&argv[1..])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match child.try_wait().map_err(|error| failed(error.to_string()))? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(failed(format!("ended with {status}"))),
                None if Instant::now() > deadline => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(failed(format!("not done within {} s", TIMEOUT.as_secs())));
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}
