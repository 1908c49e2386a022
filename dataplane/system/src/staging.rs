//! The one file that a bundle is taken from. The daemon writes it, and the daemon may be broken into:
//! whatever stands there is opened as a plain file or not at all.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use quicether_bundle::MAX_BUNDLE_LEN;

use crate::failure::{Failure, Outcome};
use crate::place::Place;

/// Where it is, below the root.
pub const STAGING: &str = "var/lib/quicether/update/bundle.gwu";

/// `RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH` of openat2(2).
const RESOLVE: u64 = 0x04 | 0x08;

#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// The staged bundle and its length. Neither a link on the way nor a pipe or device in its place is
/// followed, and nothing blocks.
pub fn open(place: &Place) -> Outcome<(File, u64)> {
    let missing = |error: &io::Error| {
        let why = match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => "there is no bundle".to_owned(),
            Some(libc::ELOOP) => "it is a link".to_owned(),
            _ => error.to_string(),
        };
        Failure::new("system.no-bundle", format!("/{STAGING}: {why}")).remedy("upload the bundle again")
    };
    let root = File::open(place.root()).map_err(|error| missing(&error))?;
    let path = CString::new(STAGING).unwrap_or_default();
    let flags = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY;
    let how = OpenHow { flags: flags as u64, mode: 0, resolve: RESOLVE };
    // SAFETY: path and `how` are valid for the call, which is told the size of `how`.
    let fd = unsafe {
        libc::syscall(libc::SYS_openat2, root.as_raw_fd(), path.as_ptr(), &raw const how, size_of::<OpenHow>())
    };
    if fd < 0 {
        return Err(missing(&io::Error::last_os_error()));
    }
    // SAFETY: the descriptor was made right above, for us alone.
    let file = File::from(unsafe { OwnedFd::from_raw_fd(fd as i32) });
    let meta = file.metadata().map_err(|error| missing(&error))?;
    if !meta.is_file() {
        return Err(Failure::new("system.no-bundle", format!("/{STAGING}: it is not a plain file"))
            .remedy("upload the bundle again"));
    }
    if meta.len() > MAX_BUNDLE_LEN {
        let message = format!("/{STAGING}: it has {} bytes; a bundle has at most {MAX_BUNDLE_LEN}", meta.len());
        return Err(Failure::new("system.too-large", message).remedy("it is no update bundle"));
    }
    Ok((file, meta.len()))
}
