//! The partition of a slot: written, synced, and read back past the page cache.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::PathBuf;

use aws_lc_rs::digest::{Context, SHA256};
use quicether_bundle::FileEntry;

use crate::appliance::Appliance;
use crate::boot::Slot;
use crate::failure::{Failure, Outcome};
use crate::place::Place;

const CHUNK_LEN: usize = 1 << 20;
/// What direct reads have to be aligned to; no disk has larger sectors.
const ALIGNMENT: usize = 4096;

/// A slot that does not run, open for writing.
#[derive(Debug)]
pub struct SlotDevice {
    path: PathBuf,
    file: File,
    len: u64,
}

impl SlotDevice {
    /// Finds the slot on the disk that runs (a stick with another image may be plugged in) and opens
    /// it alone: the kernel refuses when anything uses it.
    pub fn open(place: &Place, appliance: &Appliance, slot: Slot) -> Outcome<Self> {
        let path = find(place, &appliance.disk, slot.partition()).ok_or_else(|| {
            Failure::new("system.slot", format!("/dev/{} has no partition {}", appliance.disk, slot.partition()))
                .remedy("write the image anew")
        })?;
        let io =
            |error: io::Error| Failure::new("system.slot", format!("{}: cannot be written: {error}", path.display()));
        let is_device = fs::metadata(&path).map_err(io)?.file_type().is_block_device();
        let exclusive = if is_device { libc::O_EXCL } else { 0 };
        let mut file = OpenOptions::new().write(true).custom_flags(exclusive).open(&path).map_err(io)?;
        let len = file.seek(SeekFrom::End(0)).and_then(|len| file.rewind().map(|()| len)).map_err(io)?;
        Ok(Self { path, file, len })
    }

    /// Bytes that it holds.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Where it is.
    pub fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// Writes behind what was written.
    pub fn write(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.file.write_all(bytes).map_err(|error| Failure::io(&self.path, &error))
    }

    /// Waits until it is on the disk.
    pub fn sync(&mut self) -> Outcome<()> {
        self.file.sync_all().map_err(|error| Failure::io(&self.path, &error))
    }

    /// Reads from the disk itself and compares; `progress` is told how many bytes are done.
    pub fn read_back(&self, expected: &FileEntry, progress: &mut dyn FnMut(u64)) -> Outcome<()> {
        let io = |error: io::Error| Failure::io(&self.path, &error);
        let file = open_direct(&self.path).map_err(io)?;
        let (mut buffer, mut hash, mut at) = (Aligned::new(), Context::new(&SHA256), 0u64);
        while at < expected.len {
            let got = file.read_at(buffer.bytes(), at).map_err(io)?;
            if got == 0 {
                break;
            }
            let wanted = usize::try_from(expected.len - at).unwrap_or(usize::MAX).min(got);
            hash.update(&buffer.bytes()[..wanted]);
            at += wanted as u64;
            progress(at);
        }
        if hash.finish().as_ref() == expected.sha256 {
            return Ok(());
        }
        Err(Failure::new("system.slot", format!("{}: the disk gives back other bytes than were written", self.path()))
            .remedy("the disk is failing: replace it; the running release is not touched"))
    }
}

/// The partition called `name` on `disk`, as the kernel names it.
fn find(place: &Place, disk: &str, name: &str) -> Option<PathBuf> {
    let wanted = format!("PARTNAME={name}");
    fs::read_dir(place.at(&format!("/sys/class/block/{disk}"))).ok()?.flatten().find_map(|entry| {
        let text = fs::read_to_string(entry.path().join("uevent")).ok()?;
        text.lines()
            .any(|line| line == wanted)
            .then(|| text.lines().find_map(|line| line.strip_prefix("DEVNAME=")))?
            .map(|device| place.at(&format!("/dev/{device}")))
    })
}

/// Past the page cache where that is possible: plain files of some file systems, in tests, are not.
fn open_direct(path: &PathBuf) -> io::Result<File> {
    match OpenOptions::new().read(true).custom_flags(libc::O_DIRECT).open(path) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) && fs::metadata(path)?.is_file() => File::open(path),
        opened => opened,
    }
}

/// Memory that the kernel can read into directly.
struct Aligned(*mut u8);

impl Aligned {
    const LAYOUT: Layout = match Layout::from_size_align(CHUNK_LEN, ALIGNMENT) {
        Ok(layout) => layout,
        Err(_) => panic!("a power of two"),
    };

    fn new() -> Self {
        // SAFETY: the size is not zero.
        let memory = unsafe { alloc_zeroed(Self::LAYOUT) };
        assert!(!memory.is_null(), "there is a megabyte of memory");
        Self(memory)
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: as many bytes were allocated, are initialised, and are borrowed with self alone.
        unsafe { std::slice::from_raw_parts_mut(self.0, CHUNK_LEN) }
    }
}

impl Drop for Aligned {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout in `new`, freed once.
        unsafe { dealloc(self.0, Self::LAYOUT) };
    }
}
