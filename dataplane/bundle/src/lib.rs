//! What an update bundle is: its archive, its manifest, its versions (docs/appliance.md, "Bundle").
//!
//! Pure: bytes in, values or a reason out. Who reads files, checks signatures and writes
//! partitions is `quicether-system`; a fuzzer runs this alone.

mod layout;
mod manifest;
mod tar;
mod version;

pub use layout::{END_MAX_LEN, END_MIN_LEN, HEAD_MAX_LEN, Head, Layout, Span, plan_layout, split_head};
pub use manifest::{FORMAT, FileEntry, MAX_ROOT_LEN, MAX_UKI_LEN, Manifest, ROOT_NAME, UKI_NAME, parse_manifest};
pub use tar::{BLOCK_LEN, Member, parse_header};
pub use version::Version;

use std::fmt;

/// Longest bundle that is looked at: both files at their largest, and the archive around them.
pub const MAX_BUNDLE_LEN: u64 = MAX_UKI_LEN + MAX_ROOT_LEN + (1 << 20);

/// Why bytes are no bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// It ends too early.
    Truncated {
        /// What is missing.
        what: &'static str,
    },
    /// Something stands behind its end.
    Trailing,
    /// The archive is not of the one form that is read.
    Archive(String),
    /// The manifest does not say what it has to.
    Manifest(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { what } => write!(f, "the bundle ends before {what} does: it was not copied whole"),
            Self::Trailing => write!(f, "something stands behind the end of the bundle"),
            Self::Archive(why) => write!(f, "the bundle is not an update archive: {why}"),
            Self::Manifest(why) => write!(f, "manifest.json: {why}"),
        }
    }
}

impl std::error::Error for Broken {}
