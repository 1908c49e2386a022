//! SIGTERM and SIGINT as a message instead of a sudden end.

use std::io;

/// Signals that ask the engine to end in order. To be made before the first thread is started:
/// threads inherit what is blocked.
pub struct Signals(libc::sigset_t);

impl Signals {
    /// From now on SIGTERM and SIGINT wait for [`Self::wait`]; SIGHUP (a closed terminal) and
    /// SIGPIPE (a reader that went away) do nothing.
    pub fn block() -> io::Result<Self> {
        // SAFETY: sigemptyset makes the zeroed set valid; SIG_IGN is a valid disposition.
        unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut set);
            libc::sigaddset(&mut set, libc::SIGTERM);
            libc::sigaddset(&mut set, libc::SIGINT);
            let error = libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
            if error != 0 {
                return Err(io::Error::from_raw_os_error(error));
            }
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            libc::signal(libc::SIGPIPE, libc::SIG_IGN);
            Ok(Self(set))
        }
    }

    /// Returns when one of the signals came.
    pub fn wait(&self) -> i32 {
        let mut signal = 0;
        // SAFETY: the set is valid and `signal` outlives the call.
        unsafe { libc::sigwait(&self.0, &mut signal) };
        signal
    }
}
