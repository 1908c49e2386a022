//! Reads of a bundle in the order in which it is trusted.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use aws_lc_rs::digest::{Context, SHA256};
use quicether_bundle::{
    BLOCK_LEN, Broken, FileEntry, HEAD_MAX_LEN, Layout, Manifest, Span, parse_manifest, plan_layout, split_head,
};

use crate::failure::{Failure, Outcome};
use crate::keys::ReleaseKeys;

const CHUNK_LEN: u64 = 1 << 20;

/// A bundle whose manifest a release key has signed.
#[derive(Debug)]
pub struct Source {
    file: File,
    layout: Layout,
    /// What was signed.
    pub manifest: Manifest,
    /// Who signed it.
    pub key_id: String,
}

impl Source {
    /// Checks the signature first, then reads what was signed, then whether the file can hold it.
    pub fn open(file: File, len: u64, keys: &ReleaseKeys) -> Outcome<Self> {
        let mut head = vec![0; HEAD_MAX_LEN.min(usize::try_from(len).unwrap_or(HEAD_MAX_LEN))];
        file.read_exact_at(&mut head, 0).map_err(unreadable)?;
        let parts = split_head(&head).map_err(refuse)?;
        let key_id = keys.verify(parts.manifest, parts.signature).ok_or_else(|| {
            Failure::new("system.bad-signature", "the bundle is signed with none of this box's release keys")
                .remedy("take it from where the release was announced, and compare its checksum")
        })?;
        let manifest = parse_manifest(parts.manifest).map_err(refuse)?;
        let layout = plan_layout(&manifest, parts.len, len).map_err(refuse)?;
        Ok(Self { file, layout, manifest, key_id })
    }

    /// Reads every byte and compares with what was signed; `progress` is told how many are done.
    pub fn check(&self, progress: &mut dyn FnMut(u64)) -> Outcome<()> {
        self.copy_uki(&mut |_| Ok(()))?;
        progress(self.manifest.uki.len);
        let mut done = self.manifest.uki.len;
        self.copy_root(&mut |bytes| {
            done += bytes.len() as u64;
            progress(done);
            Ok(())
        })?;
        self.check_zero(self.layout.end.start, self.layout.end.end - self.layout.end.start, || Broken::Trailing)
    }

    /// The UKI, piece by piece. What was handed out counts only when this succeeds.
    pub fn copy_uki(&self, take: &mut dyn FnMut(&[u8]) -> Outcome<()>) -> Outcome<()> {
        self.copy(&self.layout.uki, &self.manifest.uki, take)
    }

    /// The root image, piece by piece. What was handed out counts only when this succeeds.
    pub fn copy_root(&self, take: &mut dyn FnMut(&[u8]) -> Outcome<()>) -> Outcome<()> {
        self.copy(&self.layout.root, &self.manifest.root, take)
    }

    fn copy(&self, span: &Span, entry: &FileEntry, take: &mut dyn FnMut(&[u8]) -> Outcome<()>) -> Outcome<()> {
        let mut header = [0; BLOCK_LEN];
        self.file.read_exact_at(&mut header, span.header).map_err(unreadable)?;
        span.check_header(&header).map_err(refuse)?;
        let (mut hash, mut at) = (Context::new(&SHA256), span.data.start);
        let mut buffer = vec![0; CHUNK_LEN as usize];
        while at < span.data.end {
            let bytes = &mut buffer[..(span.data.end - at).min(CHUNK_LEN) as usize];
            self.file.read_exact_at(bytes, at).map_err(unreadable)?;
            hash.update(bytes);
            take(bytes)?;
            at += bytes.len() as u64;
        }
        let name = &span.member.name;
        self.check_zero(at, span.padding, || Broken::Archive(format!("something stands behind {name}")))?;
        if hash.finish().as_ref() == entry.sha256 {
            return Ok(());
        }
        Err(Failure::new("system.damaged", format!("{name} in the bundle is not what was signed"))
            .remedy("copy the bundle again"))
    }

    fn check_zero(&self, at: u64, len: u64, otherwise: impl Fn() -> Broken) -> Outcome<()> {
        let mut bytes = vec![0; len as usize];
        self.file.read_exact_at(&mut bytes, at).map_err(unreadable)?;
        if bytes.iter().all(|b| *b == 0) { Ok(()) } else { Err(refuse(otherwise())) }
    }
}

fn refuse(broken: Broken) -> Failure {
    let code = match broken {
        Broken::Truncated { .. } => "system.truncated",
        Broken::Trailing => "system.trailing",
        Broken::Archive(_) => "system.no-update",
        Broken::Manifest(_) => "system.bad-manifest",
    };
    let remedy = match broken {
        Broken::Manifest(_) => "install the release between the running one and this one first",
        Broken::Archive(_) => "give the .gwu file of a release",
        _ => "copy the bundle again, and compare its checksum",
    };
    Failure::new(code, broken.to_string()).remedy(remedy)
}

fn unreadable(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return refuse(Broken::Truncated { what: "its last file" });
    }
    Failure::new("system.io", format!("the bundle cannot be read: {error}"))
}
