//! The EFI partition: which releases can boot, and the one step that adds another.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use aws_lc_rs::digest::{Context, SHA256};
use quicether_bundle::FileEntry;

use crate::appliance::Appliance;
use crate::boot::{Entry, parse_entry};
use crate::failure::{Failure, Outcome};
use crate::place::Place;

const MOUNT_POINT: &str = "/run/quicether-system/esp";
const MAX_ENTRIES: usize = 64;
/// Not `.efi` at its end, so that no boot loader takes half of it for a release.
const DRAFT: &str = "gw.new";
/// Left free on the partition.
const RESERVE_LEN: u64 = 1 << 20;

/// The folder of the UKIs on a mounted EFI partition.
#[derive(Debug)]
pub struct Esp {
    folder: PathBuf,
}

impl Esp {
    /// Mounts the EFI partition for this process alone (the unit has a mount namespace of its own),
    /// once; in tests it is a folder.
    pub fn open(place: &Place, appliance: &Appliance) -> Outcome<Self> {
        if !place.is_box() {
            return Ok(Self { folder: place.at("/efi/EFI/Linux") });
        }
        static MOUNTED: Mutex<bool> = Mutex::new(false);
        let mut mounted = MOUNTED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !*mounted {
            mount(&appliance.esp).map_err(|error| {
                Failure::new("system.esp", format!("{}: cannot be mounted: {error}", appliance.esp))
                    .remedy("the EFI partition may be damaged: write the image anew")
            })?;
            *mounted = true;
        }
        Ok(Self { folder: Path::new(MOUNT_POINT).join("EFI/Linux") })
    }

    /// Releases that can boot.
    pub fn entries(&self) -> Outcome<Vec<Entry>> {
        let listed = fs::read_dir(&self.folder).map_err(|error| Failure::io(&self.folder, &error))?;
        Ok(listed.take(MAX_ENTRIES).flatten().filter_map(|entry| parse_entry(entry.file_name().to_str()?)).collect())
    }

    /// Bytes for a new UKI, once `stale` is gone.
    pub fn room(&self, stale: &[&Entry]) -> Outcome<u64> {
        let path = CString::new(self.folder.as_os_str().as_bytes()).unwrap_or_default();
        // SAFETY: an all-zero statvfs is a valid value to be overwritten.
        let mut said: libc::statvfs = unsafe { std::mem::zeroed() };
        // SAFETY: the path ends with a zero, and `said` outlives the call.
        if unsafe { libc::statvfs(path.as_ptr(), &mut said) } != 0 {
            return Err(Failure::io(&self.folder, &io::Error::last_os_error()));
        }
        let freed: u64 =
            stale.iter().filter_map(|entry| fs::metadata(self.folder.join(&entry.file)).ok()).map(|m| m.len()).sum();
        let draft = fs::metadata(self.folder.join(DRAFT)).map_or(0, |m| m.len());
        Ok((said.f_bavail * said.f_frsize + freed + draft).saturating_sub(RESERVE_LEN))
    }

    /// Takes releases away, so that none of them boots a slot that is written over.
    pub fn remove(&self, stale: &[&Entry]) -> Outcome<()> {
        for name in stale.iter().map(|entry| entry.file.as_str()).chain([DRAFT]) {
            match fs::remove_file(self.folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Failure::io(&self.folder.join(name), &error));
                }
                _ => {}
            }
        }
        self.sync()
    }

    /// Writes a UKI under a name that nothing boots, reads it back, then renames it in: one step.
    pub fn install(
        &self,
        name: &str,
        file: &FileEntry,
        write: &mut dyn FnMut(&mut File) -> Outcome<()>,
    ) -> Outcome<()> {
        let draft = self.folder.join(DRAFT);
        let io = |error: io::Error| Failure::io(&draft, &error);
        let mut out =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).map_err(io)?;
        write(&mut out)?;
        out.flush().and_then(|()| out.sync_all()).map_err(io)?;
        // What is not in the cache any more is read from the disk.
        // SAFETY: plain numbers, and a descriptor that is open.
        unsafe { libc::posix_fadvise(out.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
        drop(out);
        if hash_of(&draft).map_err(io)? != file.sha256 {
            let _ = fs::remove_file(&draft);
            return Err(Failure::new("system.esp", "the EFI partition gives back other bytes than were written")
                .remedy("the disk is failing: replace it"));
        }
        fs::rename(&draft, self.folder.join(name)).map_err(io)?;
        self.sync()
    }

    fn sync(&self) -> Outcome<()> {
        let folder = File::open(&self.folder).map_err(|error| Failure::io(&self.folder, &error))?;
        // SAFETY: a descriptor that is open.
        if unsafe { libc::syncfs(folder.as_raw_fd()) } != 0 {
            return Err(Failure::io(&self.folder, &io::Error::last_os_error()));
        }
        Ok(())
    }
}

fn hash_of(path: &Path) -> io::Result<Vec<u8>> {
    let (mut file, mut hash, mut buffer) = (File::open(path)?, Context::new(&SHA256), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finish().as_ref().to_vec()),
            got => hash.update(&buffer[..got]),
        }
    }
}

fn mount(device: &str) -> io::Result<()> {
    fs::create_dir_all(MOUNT_POINT)?;
    let [source, target, kind, options] = [device, MOUNT_POINT, "vfat", "umask=0077"].map(CString::new);
    let (source, target, kind, options) = (source?, target?, kind?, options?);
    let flags = libc::MS_NODEV | libc::MS_NOSUID | libc::MS_NOEXEC;
    // SAFETY: four strings that end with a zero and outlive the call.
    let result =
        unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
