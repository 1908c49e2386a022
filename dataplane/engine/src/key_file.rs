//! The file that makes this box who it is.

use std::ffi::CString;
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use quicether_runtime::NodeKey;

use crate::pem;

/// A key file is a few hundred bytes; what is longer is none.
const MAX_KEY_FILE_LEN: u64 = 16 * 1024;

/// Why there is no key; each sentence says what to do.
#[derive(Debug)]
pub enum KeyFileError {
    /// The system refused: what was tried, where, and its answer.
    Io(&'static str, PathBuf, io::Error),
    /// There is none.
    Missing(PathBuf),
    /// There is one already.
    Exists(PathBuf),
    /// Others can read it; its mode.
    Readable(PathBuf, u32),
    /// Others can replace it; the mode of the directory.
    Directory(PathBuf, u32),
    /// It belongs to another user; uid of the owner.
    Owner(PathBuf, u32),
    /// What it holds is no key.
    Content(PathBuf),
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(what, path, error) => write!(f, "cannot {what} {}: {error}", path.display()),
            Self::Missing(path) => {
                write!(
                    f,
                    "there is no key file {0}: make one with quicether keygen, or restore it from a backup",
                    path.display()
                )
            }
            Self::Exists(path) => write!(
                f,
                "{} exists: a new key makes this box another one, so move the old file away yourself if that is wanted",
                path.display()
            ),
            Self::Readable(path, mode) => write!(
                f,
                "{0}: mode {mode:04o} lets others read the node key: chmod 600 {0} (and make a new key if somebody may have read it)",
                path.display()
            ),
            Self::Directory(path, mode) => {
                write!(
                    f,
                    "{0}: mode {mode:04o} lets others replace the node key in it: keep the key in a directory of its own; if this one is for the key alone, chmod 700 {0}",
                    path.display()
                )
            }
            Self::Owner(path, uid) => {
                write!(
                    f,
                    "{0}: belongs to user {uid}, who could replace the node key: chown it to the user that runs the engine",
                    path.display()
                )
            }
            Self::Content(path) => write!(
                f,
                "{}: is not an Ed25519 private key (PEM, PKCS#8): restore it from a backup, or move it away so that a new one is made",
                path.display()
            ),
        }
    }
}

impl std::error::Error for KeyFileError {}

impl KeyFileError {
    /// Exit status of the command: 4 when it is a matter of permission, else 1.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Io(_, _, error) if error.kind() == io::ErrorKind::PermissionDenied => 4,
            Self::Readable(..) | Self::Directory(..) | Self::Owner(..) => 4,
            _ => 1,
        }
    }
}

/// The key of this box, made now when there is none.
pub fn read_or_make(path: &Path) -> Result<NodeKey, KeyFileError> {
    match read(path) {
        Err(KeyFileError::Missing(_)) => match make(path) {
            // Somebody else was first: theirs is the one that counts.
            Err(KeyFileError::Exists(_)) => read(path),
            made => made,
        },
        found => found,
    }
}

/// The key in the file, refused when anybody else could have read or replaced it.
pub fn read(path: &Path) -> Result<NodeKey, KeyFileError> {
    let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path).map_err(
        |error| match error.kind() {
            io::ErrorKind::NotFound => KeyFileError::Missing(path.into()),
            _ => KeyFileError::Io("read", path.into(), error),
        },
    )?;
    check_directory(path)?;
    let meta = file.metadata().map_err(|error| KeyFileError::Io("read", path.into(), error))?;
    if !meta.is_file() {
        return Err(KeyFileError::Content(path.into()));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(KeyFileError::Readable(path.into(), meta.mode() & 0o7777));
    }
    check_owner(path, meta.uid())?;
    let mut text = String::new();
    let read = Read::by_ref(&mut file).take(MAX_KEY_FILE_LEN).read_to_string(&mut text);
    match read {
        Err(error) if error.kind() != io::ErrorKind::InvalidData => {
            return Err(KeyFileError::Io("read", path.into(), error));
        }
        _ => {}
    }
    pem::decode(&text).and_then(|der| NodeKey::from_pkcs8(&der).ok()).ok_or_else(|| KeyFileError::Content(path.into()))
}

/// A new key, on disk for good before anybody uses it; never overwrites one.
///
/// It is written under another name and linked into place, so that a crash or a full disk leaves
/// a whole key or none.
pub fn make(path: &Path) -> Result<NodeKey, KeyFileError> {
    let directory = directory_of(path);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .map_err(|error| KeyFileError::Io("make the directory", directory.clone(), error))?;
    check_directory(path)?;
    let key = NodeKey::generate();
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".new-{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = write_new(&draft, pem::encode(key.to_pkcs8()).as_bytes())
        .map_err(|error| KeyFileError::Io("write", draft.clone(), error))
        .and_then(|()| link(&draft, path));
    // The draft goes in any case; that it stays is no reason to fail.
    let _ = std::fs::remove_file(&draft);
    written?;
    File::open(&directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| KeyFileError::Io("write", directory.clone(), error))?;
    Ok(key)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Gives `draft` its final name unless that is taken. A hard link, not a rename, because only
/// that fails when the name exists; file systems without links get `renameat2(RENAME_NOREPLACE)`.
fn link(draft: &Path, path: &Path) -> Result<(), KeyFileError> {
    let error = match std::fs::hard_link(draft, path) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Err(KeyFileError::Exists(path.into()));
    }
    let c = |p: &Path| CString::new(p.as_os_str().as_bytes()).map_err(|_| KeyFileError::Content(p.into()));
    let (from, to) = (c(draft)?, c(path)?);
    // SAFETY: both are NUL-terminated strings that outlive the call.
    let renamed =
        unsafe { libc::renameat2(libc::AT_FDCWD, from.as_ptr(), libc::AT_FDCWD, to.as_ptr(), libc::RENAME_NOREPLACE) };
    match renamed {
        0 => Ok(()),
        _ => {
            let error = io::Error::last_os_error();
            Err(match error.kind() {
                io::ErrorKind::AlreadyExists => KeyFileError::Exists(path.into()),
                _ => KeyFileError::Io("write", path.into(), error),
            })
        }
    }
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.into(),
        _ => PathBuf::from("."),
    }
}

fn check_directory(path: &Path) -> Result<(), KeyFileError> {
    let directory = directory_of(path);
    let meta = std::fs::metadata(&directory).map_err(|error| KeyFileError::Io("read", directory.clone(), error))?;
    if meta.mode() & 0o022 != 0 {
        return Err(KeyFileError::Directory(directory, meta.mode() & 0o7777));
    }
    check_owner(&directory, meta.uid())
}

fn check_owner(path: &Path, uid: u32) -> Result<(), KeyFileError> {
    // SAFETY: geteuid has no preconditions.
    let own = unsafe { libc::geteuid() };
    if uid == own || uid == 0 || own == 0 { Ok(()) } else { Err(KeyFileError::Owner(path.into(), uid)) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("qe-key-{}-{name}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            DirBuilder::new().mode(0o700).create(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn is_made_once_and_read_again() {
        let scratch = Scratch::new("made");
        let path = scratch.0.join("deep/state/node.key");
        let key = read_or_make(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o7777, 0o700);
        assert_eq!(read_or_make(&path).unwrap().node_id(), key.node_id());
        assert!(matches!(make(&path), Err(KeyFileError::Exists(_))));
        assert_eq!(read(&path).unwrap().node_id(), key.node_id(), "keygen left the old one alone");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft stays");
    }

    #[test]
    fn is_refused_when_others_can_read_or_replace_it() {
        let scratch = Scratch::new("modes");
        let path = scratch.0.join("node.key");
        make(&path).unwrap();
        mode(&path, 0o640);
        let error = read_or_make(&path).unwrap_err();
        assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())), "{error}");
        assert_eq!(error.exit_status(), 4);
        mode(&path, 0o600);
        mode(&scratch.0, 0o770);
        let error = read_or_make(&path).unwrap_err();
        assert!(error.to_string().contains(&format!("chmod 700 {}", scratch.0.display())), "{error}");
        mode(&scratch.0, 0o755);
        read(&path).unwrap();
    }

    #[test]
    fn garbage_is_no_key_and_is_not_replaced() {
        let scratch = Scratch::new("garbage");
        let path = scratch.0.join("node.key");
        for bytes in
            [&b""[..], b"garbage", b"\xff\xfe", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
        {
            std::fs::write(&path, bytes).unwrap();
            mode(&path, 0o600);
            assert!(matches!(read_or_make(&path), Err(KeyFileError::Content(_))));
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }
}
