//! The one root helper of the appliance: a fixed list of typed calls on a Unix socket.
//!
//! `protocol` makes typed calls of lines, `service` carries them out, `update` installs releases.
//! What decides is pure (`boot`, `update::decide_install`, `quicether-bundle`); what acts is small.

mod addresses;
mod appliance;
mod boot;
mod command;
mod connection;
mod esp;
mod failure;
mod keys;
mod place;
mod protocol;
mod reset;
mod service;
mod slot;
mod socket;
mod source;
mod ssh;
mod staging;
mod update;
#[cfg(test)]
mod update_tests;

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lexopt::prelude::*;

use connection::Access;
use place::Place;
use service::Service;

const HELP: &str = "\
quicether-system: what needs root on a QuicEther appliance. systemd starts it, the daemon calls it.

Usage:
  quicether-system serve [--user NAME|NUMBER]
      Serve root and one user (default: quicether) on the socket that systemd passes.
  quicether-system serve --root DIR --socket PATH [--user NAME|NUMBER]
      The same on a folder with plain files for partitions, to try it out. Runs no program.
  quicether-system --version | --help
";

/// Without a caller for this long it ends; systemd starts it again for the next one.
const IDLE: Duration = Duration::from_secs(60);
const DAEMON_USER: &str = "quicether";

struct Options {
    root: PathBuf,
    socket: Option<PathBuf>,
    user: String,
}

enum Wanted {
    Serve(Options),
    Help,
    Version,
}

fn main() -> ExitCode {
    match parse(lexopt::Parser::from_env()) {
        Ok(Wanted::Help) => print!("{HELP}"),
        Ok(Wanted::Version) => println!("quicether-system {}", env!("CARGO_PKG_VERSION")),
        Ok(Wanted::Serve(options)) => return serve(&options),
        Err(error) => {
            eprintln!("quicether-system: {error}\nTry quicether-system --help.");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn parse(mut arguments: lexopt::Parser) -> Result<Wanted, lexopt::Error> {
    let mut options = Options { root: "/".into(), socket: None, user: DAEMON_USER.into() };
    let mut verb = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Wanted::Help),
            Short('V') | Long("version") => return Ok(Wanted::Version),
            Long("root") => options.root = arguments.value()?.into(),
            Long("socket") => options.socket = Some(arguments.value()?.into()),
            Long("user") => options.user = arguments.value()?.string()?,
            Value(value) if verb.is_none() => verb = Some(value.string()?),
            other => return Err(other.unexpected()),
        }
    }
    match verb.as_deref() {
        Some("serve") => Ok(Wanted::Serve(options)),
        Some(other) => Err(format!("{other:?} is no command").into()),
        None => Err("what to do is missing: serve".into()),
    }
}

fn serve(options: &Options) -> ExitCode {
    let (listener, is_passed) = match (socket::passed(), &options.socket) {
        (Some(listener), _) => (listener, true),
        (None, Some(path)) => match socket::bind(path) {
            Ok(listener) => (listener, false),
            Err(error) => {
                eprintln!("quicether-system: {}: {error}", path.display());
                return ExitCode::FAILURE;
            }
        },
        (None, None) => {
            eprintln!("quicether-system: systemd passes no socket, and --socket names none");
            return ExitCode::from(2);
        }
    };
    let access = Access { daemon_uid: find_uid(&options.user) };
    let service = Arc::new(Service::new(Place::new(&options.root)));
    accept(&listener, is_passed, access, &service);
    ExitCode::SUCCESS
}

fn accept(listener: &UnixListener, ends_when_idle: bool, access: Access, service: &Arc<Service>) {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        match socket::wait_for_caller(listener, IDLE).and_then(|came| came.then(|| listener.accept()).transpose()) {
            Ok(Some((stream, _))) => connection::start(stream, access, Arc::clone(service), Arc::clone(&open)),
            Ok(None) if ends_when_idle && open.load(Ordering::SeqCst) == 0 => return,
            Ok(None) => {}
            Err(error) => {
                eprintln!("quicether-system: cannot accept a connection: {error}");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

/// The number of a user, by its name in the system's file or as it stands.
fn find_uid(user: &str) -> Option<u32> {
    user.parse().ok().or_else(|| {
        let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
        let row = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|row| row[0] == user)?;
        row.get(2)?.parse().ok()
    })
}
