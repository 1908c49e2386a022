//! Where in a bundle each thing stands.

use std::ops::Range;

use crate::tar::padding;
use crate::{BLOCK_LEN, Broken, Manifest, Member, ROOT_NAME, UKI_NAME, parse_header};

const MANIFEST_NAME: &str = "manifest.json";
const SIGNATURE_NAME: &str = "manifest.sig";
const MAX_MANIFEST_LEN: u64 = 64 << 10;
const SIGNATURE_LEN: u64 = 64;
const BLOCK: u64 = BLOCK_LEN as u64;

/// The first bytes of a bundle, in which manifest and signature stand.
pub const HEAD_MAX_LEN: usize = MAX_MANIFEST_LEN as usize + 3 * BLOCK_LEN;
/// Two empty blocks end an archive.
pub const END_MIN_LEN: u64 = 2 * BLOCK;
/// And it may be filled up to a whole record of 20 blocks.
pub const END_MAX_LEN: u64 = END_MIN_LEN + 20 * BLOCK;

/// Manifest and signature, neither of them believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head<'a> {
    /// The bytes that were signed.
    pub manifest: &'a [u8],
    /// Over them.
    pub signature: &'a [u8],
    /// Where the next header is.
    pub len: u64,
}

/// A file within a bundle: its header, and its bytes behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Where the header is.
    pub header: u64,
    /// Where its bytes are.
    pub data: Range<u64>,
    /// Zeroes behind them.
    pub padding: u64,
    /// What the header has to say.
    pub member: Member,
}

/// Where everything is that the manifest announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Kernel, initrd and command line.
    pub uki: Span,
    /// Root file system.
    pub root: Span,
    /// Nothing but zeroes, up to the end of the file.
    pub end: Range<u64>,
}

/// Finds manifest and signature in the first bytes of a bundle (all of it, or at least
/// [`HEAD_MAX_LEN`] bytes). Nothing in them is looked at.
pub fn split_head(bytes: &[u8]) -> Result<Head<'_>, Broken> {
    let (manifest, rest) = take(bytes, MANIFEST_NAME, 1..=MAX_MANIFEST_LEN)?;
    let (signature, rest) = take(rest, SIGNATURE_NAME, SIGNATURE_LEN..=SIGNATURE_LEN)?;
    Ok(Head { manifest, signature, len: (bytes.len() - rest.len()) as u64 })
}

fn take<'a>(
    bytes: &'a [u8],
    name: &'static str,
    lens: std::ops::RangeInclusive<u64>,
) -> Result<(&'a [u8], &'a [u8]), Broken> {
    let (header, rest) = bytes.split_first_chunk::<BLOCK_LEN>().ok_or(Broken::Truncated { what: name })?;
    let member = parse_header(header)?;
    if member.name != name {
        return Err(Broken::Archive(format!("{:?} stands where {name} has to", member.name)));
    }
    if !lens.contains(&member.len) {
        return Err(Broken::Archive(format!("{name} has {} bytes", member.len)));
    }
    let (len, whole) = (member.len as usize, (member.len + padding(member.len)) as usize);
    if rest.len() < whole {
        return Err(Broken::Truncated { what: name });
    }
    if rest[len..whole].iter().any(|b| *b != 0) {
        return Err(Broken::Archive(format!("something stands behind {name}")));
    }
    Ok((&rest[..len], &rest[whole..]))
}

/// Where the files of `manifest` are in a bundle of `file_len` bytes whose head has `head_len`.
pub fn plan_layout(manifest: &Manifest, head_len: u64, file_len: u64) -> Result<Layout, Broken> {
    let uki = span(UKI_NAME, manifest.uki.len, head_len);
    let root = span(ROOT_NAME, manifest.root.len, uki.data.end + uki.padding);
    let end = root.data.end + root.padding..file_len;
    if uki.data.end > file_len {
        return Err(Broken::Truncated { what: UKI_NAME });
    }
    if root.data.end > file_len {
        return Err(Broken::Truncated { what: ROOT_NAME });
    }
    if end.start + END_MIN_LEN > file_len {
        return Err(Broken::Truncated { what: "the archive" });
    }
    if end.end - end.start > END_MAX_LEN {
        return Err(Broken::Trailing);
    }
    Ok(Layout { uki, root, end })
}

fn span(name: &str, len: u64, header: u64) -> Span {
    let start = header + BLOCK;
    Span { header, data: start..start + len, padding: padding(len), member: Member { name: name.into(), len } }
}

impl Span {
    /// Whether the header that stands in the archive says what the signed manifest says.
    pub fn check_header(&self, block: &[u8; BLOCK_LEN]) -> Result<(), Broken> {
        let found = parse_header(block)?;
        if found == self.member {
            return Ok(());
        }
        Err(Broken::Archive(format!("{:?} stands where {} has to", found.name, self.member.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tar::encode_header;
    use crate::{FileEntry, Version};

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, data) in members {
            out.extend(encode_header(name, data.len() as u64, b'0'));
            out.extend(*data);
            out.resize(out.len().next_multiple_of(BLOCK_LEN), 0);
        }
        out.resize(out.len() + 1024, 0);
        out
    }

    #[test]
    fn the_head_is_found_and_nothing_else_is_taken_for_it() {
        let good = archive(&[("manifest.json", b"{}"), ("manifest.sig", &[7; 64])]);
        let head = split_head(&good).unwrap();
        assert_eq!((head.manifest, head.signature, head.len), (&b"{}"[..], &[7; 64][..], 2048));
        for members in [
            vec![("manifest.sig", &[7; 64][..]), ("manifest.json", &b"{}"[..])],
            vec![("manifest.json", &b""[..]), ("manifest.sig", &[7; 64][..])],
            vec![("manifest.json", &b"{}"[..]), ("manifest.sig", &[7; 65][..])],
            vec![("manifest.json", &[b' '; 65537][..]), ("manifest.sig", &[7; 64][..])],
            vec![("manifest.json", &b"{}"[..]), ("root.img", &[7; 64][..])],
        ] {
            assert!(split_head(&archive(&members)).is_err());
        }
        for end in 0..2048 {
            assert!(split_head(&good[..end]).is_err(), "{end}");
        }
        let mut dirty = good.clone();
        dirty[600] = 1;
        assert!(split_head(&dirty).is_err(), "behind the manifest");
    }

    #[test]
    fn the_end_is_where_it_has_to_be() {
        let file = |len| FileEntry { len, sha256: [0; 32] };
        let version = Version::parse("1.0.0").unwrap();
        let manifest = Manifest { board: "x".into(), version, uki: file(1000), root: file(8192) };
        let whole = 2048 + 512 + 1024 + 512 + 8192 + 1024;
        let layout = plan_layout(&manifest, 2048, whole).unwrap();
        assert_eq!((layout.uki.data, layout.uki.padding), (2560..3560, 24));
        assert_eq!((layout.root.header, layout.end), (3584, whole - 1024..whole));
        assert!(plan_layout(&manifest, 2048, whole + 20 * 512).is_ok());
        assert_eq!(plan_layout(&manifest, 2048, whole + 20 * 512 + 1), Err(Broken::Trailing));
        assert_eq!(plan_layout(&manifest, 2048, whole - 1), Err(Broken::Truncated { what: "the archive" }));
        assert_eq!(plan_layout(&manifest, 2048, 4000), Err(Broken::Truncated { what: "root.img" }));
        assert_eq!(plan_layout(&manifest, 2048, 3000), Err(Broken::Truncated { what: "uki.efi" }));
    }
}
