//! Where things are: on the box, or below a folder that stands for it in tests.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// The root of the box.
#[derive(Debug, Clone)]
pub struct Place {
    root: PathBuf,
}

impl Place {
    /// The box itself (`/`), or a folder with plain files in place of its devices.
    pub fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// Whether partitions are partitions and commands are run.
    pub fn is_box(&self) -> bool {
        self.root == Path::new("/")
    }

    /// The root itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `path` (absolute) on this box.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// A small text file, at most `max_len` bytes of it; `None` when there is none.
    pub fn read(&self, path: &str, max_len: u64) -> Option<String> {
        let mut text = String::new();
        File::open(self.at(path)).ok()?.take(max_len).read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Puts `bytes` in place of a file in one step: after a power cut it is the old or the new one.
    pub fn replace(&self, path: &str, bytes: &[u8], mode: u32) -> Outcome<()> {
        let path = self.at(path);
        replace(&path, bytes, mode).map_err(|error| Failure::io(&path, &error))
    }

    /// Removes a file that may not be there.
    pub fn remove(&self, path: &str) -> Outcome<()> {
        let path = self.at(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::io(&path, &error)),
            _ => Ok(()),
        }
    }
}

fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let draft = path.with_extension("new");
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()
}
