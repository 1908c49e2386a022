//! The socket: systemd's, or one of our own for tests.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

/// First descriptor that systemd passes, sd_listen_fds(3).
const FIRST_PASSED_FD: RawFd = 3;

/// The listener that systemd passes.
pub fn passed() -> Option<UnixListener> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    if number("LISTEN_PID") != Some(std::process::id()) || number("LISTEN_FDS") != Some(1) {
        return None;
    }
    // SAFETY: systemd passes the descriptor to this process alone, and nobody else takes it.
    let listener = unsafe { UnixListener::from_raw_fd(FIRST_PASSED_FD) };
    // SAFETY: fcntl on a descriptor number has no memory effects.
    unsafe { libc::fcntl(FIRST_PASSED_FD, libc::F_SETFD, libc::FD_CLOEXEC) };
    Some(listener)
}

/// A listener at `path`, for this user alone.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Whether somebody connects within `time`.
pub fn wait_for_caller(listener: &UnixListener, time: Duration) -> io::Result<bool> {
    let mut poll = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry, which outlives the call.
    let result = unsafe { libc::poll(&raw mut poll, 1, i32::try_from(time.as_millis()).unwrap_or(i32::MAX)) };
    match result {
        0 => Ok(false),
        1.. => Ok(true),
        _ => Err(io::Error::last_os_error()),
    }
}
