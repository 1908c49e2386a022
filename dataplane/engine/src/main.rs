//! The privileged part of the tunnel: packets, the kernel's routes, the node key.
//!
//! `connection` reads lines, `request` and `desired` make typed values of them, `control` owns
//! everything and decides the order, `snapshot` says what is. The packets themselves are in
//! `quicether-runtime`, the kernel's state in `quicether-host`.

mod certificate;
mod command;
mod connection;
mod control;
mod desired;
mod key_file;
mod lease;
mod log;
mod messages;
mod outbox;
mod pem;
mod privileges;
mod request;
mod signals;
mod snapshot;
mod socket;
#[cfg(test)]
mod types_test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;

use command::Command;
use connection::Input;
use control::Control;
use signals::Signals;

/// Requests that wait for the control thread; who sends more waits.
const INPUT_QUEUE_LEN: usize = 16;

fn main() -> ExitCode {
    let command = match command::parse(lexopt::Parser::from_env()) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("quicether-engine: {error}\nTry quicether-engine --help.");
            return ExitCode::from(2);
        }
    };
    match command {
        Command::Help => print!("{}", command::HELP),
        Command::Version => println!("quicether-engine {}", env!("CARGO_PKG_VERSION")),
        Command::Keygen { key_file } => return with_key(key_file::make(&key_file)),
        Command::NodeId { key_file } => return with_key(key_file::read(&key_file)),
        Command::Certificate { out_dir, names } => match certificate::make(&out_dir, &names) {
            Ok(path) => println!("{}", path.display()),
            Err(error) => {
                eprintln!("quicether-engine: {error}");
                return ExitCode::FAILURE;
            }
        },
        Command::PeerCredentials => return peer_credentials(),
        Command::Run { socket, key_file, log_file, level } => {
            return run(&socket, &key_file, log_file.as_deref(), level);
        }
    }
    ExitCode::SUCCESS
}

fn with_key(key: Result<quicether_runtime::NodeKey, key_file::KeyFileError>) -> ExitCode {
    match key {
        Ok(key) => {
            println!("{}", key.node_id());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("quicether-engine: {error}");
            ExitCode::from(error.exit_status())
        }
    }
}

fn peer_credentials() -> ExitCode {
    match socket::observe_peer(3) {
        Ok(peer) => {
            println!(r#"{{"pid":{},"uid":{},"gid":{}}}"#, peer.pid, peer.uid, peer.gid);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("quicether-engine: descriptor 3 is no connected Unix socket: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The engine itself. The order matters: signals and rights before the first thread, files
/// before the rights that may be needed to reach them are given up.
fn run(socket: &Path, key_file: &Path, log_file: Option<&Path>, level: tracing::Level) -> ExitCode {
    let fail = |what: &str, error: &dyn std::fmt::Display, status: u8| {
        eprintln!("quicether-engine: {what}{error}");
        ExitCode::from(status)
    };
    if let Err(error) = log::start(log_file, level) {
        return fail("cannot open the log: ", &error, 1);
    }
    let signals = match Signals::block() {
        Ok(signals) => signals,
        Err(error) => return fail("cannot catch signals: ", &error, 1),
    };
    let key = match key_file::read_or_make(key_file) {
        Ok(key) => key,
        Err(error) => return fail("", &error, error.exit_status()),
    };
    let control_socket = match socket::listen(socket) {
        Ok(listening) => listening,
        Err(error) => return fail("", &error, 1),
    };
    let remove_socket = control_socket.remover();
    if let Err(error) = privileges::drop_all_but_net_admin() {
        return fail("cannot give up rights: ", &error, 1);
    }
    let node_id = key.node_id();
    let control = match Control::start(key, random_hex(), memory_file(key_file)) {
        Ok(control) => control,
        Err(error) => return fail("cannot start: ", &error, 1),
    };
    tracing::info!(%node_id, version = env!("CARGO_PKG_VERSION"), "engine started");
    let (sender, inputs) = sync_channel(INPUT_QUEUE_LEN);
    let to_signal = sender.clone();
    std::thread::spawn(move || {
        let _ = to_signal.send(Input::Signal(signals.wait()));
    });
    std::thread::spawn(move || connection::serve(&control_socket, &sender));
    control.run(&inputs);
    remove_socket();
    tracing::info!("engine ended");
    ExitCode::SUCCESS
}

/// Beside the key: the one directory that is surely the engine's own.
fn memory_file(key_file: &Path) -> PathBuf {
    key_file.with_file_name("kernel-before")
}

fn random_hex() -> String {
    let mut bytes = [0u8; 16];
    // SAFETY: the buffer has room for its length.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    assert_eq!(got, 16, "the system has randomness");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
