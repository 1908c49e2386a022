//! The signed word on what a bundle holds.

use serde::Deserialize;

use crate::{BLOCK_LEN, Broken, Version};

/// What the manifest calls itself.
pub const FORMAT: &str = "quicether-update-1";
/// Kernel, initrd and command line.
pub const UKI_NAME: &str = "uki.efi";
/// The root file system with its hash tree.
pub const ROOT_NAME: &str = "root.img";
/// Two of these have to fit on the EFI partition of 256 MB.
pub const MAX_UKI_LEN: u64 = 120 << 20;
/// As large as a slot.
pub const MAX_ROOT_LEN: u64 = 1 << 30;
const VERITY_BLOCK_LEN: u64 = 4096;
const MAX_BOARD_LEN: usize = 32;

/// What a bundle is, checked in itself; only a manifest whose signature is right is worth parsing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Kind of box that it is for.
    pub board: String,
    /// Release that it installs.
    pub version: Version,
    /// Kernel, initrd and command line.
    pub uki: FileEntry,
    /// Root file system.
    pub root: FileEntry,
}

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// In bytes.
    pub len: u64,
    /// Of its bytes.
    pub sha256: [u8; 32],
}

#[derive(Deserialize)]
struct Written {
    format: String,
    board: String,
    version: String,
    files: Vec<WrittenFile>,
}

#[derive(Deserialize)]
struct WrittenFile {
    name: String,
    size_bytes: u64,
    sha256: String,
}

/// The manifest in `bytes`. Members that this release does not know are left alone: a later one
/// may have added them.
pub fn parse_manifest(bytes: &[u8]) -> Result<Manifest, Broken> {
    let written: Written = serde_json::from_slice(bytes).map_err(|error| Broken::Manifest(error.to_string()))?;
    if written.format != FORMAT {
        return broken(format!("format {:?} is not {FORMAT:?}: it is for another release", brief(&written.format)));
    }
    let is_board = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !(1..=MAX_BOARD_LEN).contains(&written.board.len()) || !written.board.bytes().all(is_board) {
        return broken(format!("board {:?} is no name of a board", brief(&written.board)));
    }
    let Some(version) = Version::parse(&written.version) else {
        return broken(format!("version {:?} is not MAJOR.MINOR.PATCH", brief(&written.version)));
    };
    let [uki, root] = &written.files[..] else { return broken("files are not two".into()) };
    let manifest = Manifest {
        board: written.board,
        version,
        uki: entry(uki, UKI_NAME, MAX_UKI_LEN)?,
        root: entry(root, ROOT_NAME, MAX_ROOT_LEN)?,
    };
    if !manifest.root.len.is_multiple_of(VERITY_BLOCK_LEN) {
        return broken(format!("{ROOT_NAME} has {} bytes, which are not whole blocks", manifest.root.len));
    }
    Ok(manifest)
}

fn entry(file: &WrittenFile, name: &str, max_len: u64) -> Result<FileEntry, Broken> {
    if file.name != name {
        return broken(format!("{:?} stands where {name} has to", brief(&file.name)));
    }
    if !(BLOCK_LEN as u64..=max_len).contains(&file.size_bytes) {
        return broken(format!("{name} has {} bytes; it may have at most {max_len}", file.size_bytes));
    }
    let Some(sha256) = parse_hex(&file.sha256) else { return broken(format!("sha256 of {name} is not 64 digits")) };
    Ok(FileEntry { len: file.size_bytes, sha256 })
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut out = [0; 32];
    if digits.len() != 2 * out.len() || !digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (byte, at) in out.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(out)
}

fn broken<T>(why: String) -> Result<T, Broken> {
    Err(Broken::Manifest(why))
}

/// Enough to recognise it; a message is no place for 64 KiB.
fn brief(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"format":"quicether-update-1","board":"amd64-uefi","version":"1.4.0","created_s":1,
        "key_id":"0123456789abcdef","trusted_key_ids":[],"files":[
        {"name":"uki.efi","size_bytes":17000,"sha256":"00000000000000000000000000000000000000000000000000000000000000ff"},
        {"name":"root.img","size_bytes":40960,"sha256":"aa000000000000000000000000000000000000000000000000000000000000ff"}]}"#;

    #[test]
    fn a_good_one_is_read_with_members_of_later_releases() {
        let manifest = parse_manifest(GOOD.replacen('{', r#"{"later":[1,{}],"#, 1).as_bytes()).unwrap();
        assert_eq!((manifest.board.as_str(), manifest.version.to_string()), ("amd64-uefi", "1.4.0".into()));
        assert_eq!((manifest.uki.len, manifest.root.len, manifest.root.sha256[0]), (17000, 40960, 0xaa));
    }

    #[test]
    fn each_wrong_word_is_named() {
        for (from, to, named) in [
            ("update-1", "update-2", "format"),
            ("amd64-uefi", "AMD64", "board"),
            ("amd64-uefi", "", "board"),
            ("1.4.0", "1.4", "version"),
            ("\"1.4.0\"", "\"../../x\"", "version"),
            ("\"uki.efi\"", "\"../uki.efi\"", "uki.efi"),
            ("17000", "0", "uki.efi"),
            ("17000", "-1", "invalid value"),
            ("17000", "1e3", "invalid type"),
            ("17000", "99999999999", "at most"),
            ("40960", "1073745920", "at most"),
            ("40960", "40961", "whole blocks"),
            ("00ff\"},", "00fg\"},", "sha256"),
            ("00ff\"},", "00FF\"},", "sha256"),
            ("\"board\"", "\"format\":\"x\",\"board\"", "duplicate"),
            ("]}", ",{\"name\":\"x\",\"size_bytes\":1,\"sha256\":\"\"}]}", "not two"),
            ("]}", "]} x", "trailing"),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD, "{from}");
            let said = parse_manifest(text.as_bytes()).expect_err(to).to_string();
            assert!(said.contains(named), "{said} does not name {named}");
            assert!(said.len() < 200, "{said}");
        }
        for end in 0..GOOD.len() {
            assert!(parse_manifest(&GOOD.as_bytes()[..end]).is_err(), "{end}");
        }
    }
}
