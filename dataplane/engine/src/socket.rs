//! The control socket: who may listen on it and who may call.

use std::ffi::OsString;
use std::fmt;
use std::fs::Permissions;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// First descriptor systemd passes, sd_listen_fds(3).
const FIRST_PASSED_FD: RawFd = 3;

/// Where the engine listens.
pub struct ControlSocket {
    /// Gives connections.
    pub listener: UnixListener,
    /// Only root and the engine's own user are let in; false when systemd made the socket and its
    /// mode says who may.
    pub check_user: bool,
    /// The file to remove in the end: its place, device and inode.
    file: Option<(PathBuf, u64, u64)>,
}

/// Why there is no control socket.
#[derive(Debug)]
pub enum SocketError {
    /// Another engine answers there.
    Taken(PathBuf),
    /// Something that is no socket has the name.
    NotASocket(PathBuf),
    /// The system refused.
    Io(PathBuf, io::Error),
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(path) => {
                write!(f, "{}: another engine answers there: stop it, or choose another --socket", path.display())
            }
            Self::NotASocket(path) => {
                write!(f, "{}: is no socket: move it away, or choose another --socket", path.display())
            }
            Self::Io(path, error) => write!(f, "{}: cannot listen there: {error}", path.display()),
        }
    }
}

impl std::error::Error for SocketError {}

/// The socket systemd passed, or one made at `path`, mode 0600. A file nobody answers at is
/// replaced.
pub fn listen(path: &Path) -> Result<ControlSocket, SocketError> {
    let env = |name| std::env::var_os(name);
    if passed(env("LISTEN_PID"), env("LISTEN_FDS"), std::process::id()) {
        // SAFETY: systemd passes the descriptor to this process alone, and nobody else takes it.
        let listener = unsafe { UnixListener::from_raw_fd(FIRST_PASSED_FD) };
        set_cloexec(FIRST_PASSED_FD);
        return Ok(ControlSocket { listener, check_user: false, file: None });
    }
    let io_error = |error| SocketError::Io(path.into(), error);
    match std::fs::symlink_metadata(path) {
        Ok(meta) if !meta.file_type().is_socket() => return Err(SocketError::NotASocket(path.into())),
        Ok(_) => match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path).map_err(io_error)?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => return Err(SocketError::Taken(path.into())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error(error)),
    }
    // Never open to others, not for a moment: the mode comes from the mask.
    // SAFETY: umask has no preconditions; no other thread runs yet.
    let mask = unsafe { libc::umask(0o177) };
    let bound = UnixListener::bind(path);
    // SAFETY: as above.
    unsafe { libc::umask(mask) };
    let listener = bound.map_err(io_error)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(io_error)?;
    let meta = std::fs::symlink_metadata(path).map_err(io_error)?;
    Ok(ControlSocket { listener, check_user: true, file: Some((path.into(), meta.dev(), meta.ino())) })
}

impl ControlSocket {
    /// What removes the file in the end, unless somebody else has put his there meanwhile.
    pub fn remover(&self) -> impl FnOnce() + use<> {
        let file = self.file.clone();
        move || {
            if let Some((path, device, inode)) = file
                && std::fs::symlink_metadata(&path).is_ok_and(|meta| (meta.dev(), meta.ino()) == (device, inode))
            {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

fn passed(pid: Option<OsString>, count: Option<OsString>, own_pid: u32) -> bool {
    let number = |text: Option<OsString>| text?.to_str()?.parse::<u32>().ok();
    number(pid) == Some(own_pid) && number(count).is_some_and(|count| count >= 1)
}

fn set_cloexec(fd: RawFd) {
    // SAFETY: fcntl on a descriptor number has no memory effects.
    unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
}

/// Process, user and group at the other end of a Unix socket.
pub fn observe_peer(fd: RawFd) -> io::Result<libc::ucred> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `credentials` has room for `len` bytes and both outlive the call.
    let result =
        unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut credentials).cast(), &mut len) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(credentials)
}

/// Whether the user at the other end may steer the engine.
pub fn is_allowed(stream: &UnixStream) -> bool {
    // SAFETY: geteuid has no preconditions.
    let own = unsafe { libc::geteuid() };
    observe_peer(stream.as_raw_fd()).is_ok_and(|peer| peer.uid == 0 || peer.uid == own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_file_is_replaced_and_a_live_one_is_not() {
        let path = std::env::temp_dir().join(format!("qe-sock-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        drop(UnixListener::bind(&path).unwrap());
        let first = listen(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(matches!(listen(&path), Err(SocketError::Taken(_))));
        first.remover()();
        assert!(!path.exists());
        std::fs::write(&path, "mine").unwrap();
        assert!(matches!(listen(&path), Err(SocketError::NotASocket(_))));
        first.remover()();
        assert_eq!(std::fs::read(&path).unwrap(), b"mine", "what is not ours stays");
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn only_sockets_passed_to_this_process_count() {
        let text = |s: &str| Some(OsString::from(s));
        assert!(passed(text("77"), text("1"), 77));
        assert!(!passed(text("76"), text("1"), 77));
        assert!(!passed(text("77"), text("0"), 77));
        assert!(!passed(None, text("1"), 77));
    }

    #[test]
    fn the_other_end_is_known() {
        let (a, _b) = UnixStream::pair().unwrap();
        assert_eq!(observe_peer(a.as_raw_fd()).unwrap().pid, std::process::id() as i32);
        assert!(is_allowed(&a));
    }
}
