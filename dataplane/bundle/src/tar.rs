//! One header of a ustar archive (POSIX.1-1988), in the one form that is accepted.

use crate::Broken;

/// Archives are made of blocks of this many bytes.
pub const BLOCK_LEN: usize = 512;

const NAME: std::ops::Range<usize> = 0..100;
const SIZE: std::ops::Range<usize> = 124..136;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const TYPE: usize = 156;
const LINK: std::ops::Range<usize> = 157..257;
const MAGIC: std::ops::Range<usize> = 257..265;
const PREFIX: std::ops::Range<usize> = 345..500;

/// A regular file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Without a folder: letters, digits, dot, hyphen.
    pub name: String,
    /// Bytes that follow the header, before they are filled up to a whole block.
    pub len: u64,
}

/// The member that `block` announces; links, folders, paths and extensions are refused.
pub fn parse_header(block: &[u8; BLOCK_LEN]) -> Result<Member, Broken> {
    let broken = |why: &str| Err(Broken::Archive(why.into()));
    if &block[MAGIC] != b"ustar\x0000" {
        return broken("a header is not ustar");
    }
    if parse_octal(&block[CHECKSUM]) != Some(checksum(block)) {
        return broken("the checksum of a header is wrong");
    }
    if !matches!(block[TYPE], b'0' | 0) || block[LINK].iter().chain(&block[PREFIX]).any(|b| *b != 0) {
        return broken("it has something else than plain files");
    }
    let name = &block[NAME];
    let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    if end == 0 || name[0] == b'.' || !name[..end].iter().all(is_plain) || name[end..].iter().any(|b| *b != 0) {
        return broken("a file in it has an unusable name");
    }
    let Some(len) = parse_octal(&block[SIZE]) else { return broken("the size of a file in it is no number") };
    Ok(Member { name: String::from_utf8_lossy(&name[..end]).into_owned(), len })
}

/// Bytes that fill `len` up to whole blocks.
pub fn padding(len: u64) -> u64 {
    len.next_multiple_of(BLOCK_LEN as u64) - len
}

fn parse_octal(field: &[u8]) -> Option<u64> {
    let end = field.iter().position(|b| matches!(b, 0 | b' ')).unwrap_or(field.len());
    let (digits, rest) = field.split_at(end);
    if digits.is_empty() || digits.len() > 12 || rest.iter().any(|b| !matches!(b, 0 | b' ')) {
        return None;
    }
    digits.iter().try_fold(0u64, |all, b| matches!(b, b'0'..=b'7').then(|| all * 8 + u64::from(b - b'0')))
}

fn checksum(block: &[u8; BLOCK_LEN]) -> u64 {
    block.iter().enumerate().map(|(at, b)| u64::from(if CHECKSUM.contains(&at) { b' ' } else { *b })).sum()
}

/// A header as `tar --format=ustar` writes it, for tests.
#[cfg(test)]
pub fn encode_header(name: &str, len: u64, kind: u8) -> [u8; BLOCK_LEN] {
    let mut block = [0; BLOCK_LEN];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..124].copy_from_slice(b"0000000\x000000000\0");
    block[SIZE].copy_from_slice(format!("{len:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"15110000000\0");
    block[TYPE] = kind;
    block[MAGIC].copy_from_slice(b"ustar\x0000");
    let sum = checksum(&block);
    block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resum(mut block: [u8; BLOCK_LEN]) -> [u8; BLOCK_LEN] {
        let sum = checksum(&block);
        block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }

    #[test]
    fn a_plain_file_is_read() {
        let block = encode_header("root.img", 0o7654321, b'0');
        assert_eq!(parse_header(&block), Ok(Member { name: "root.img".into(), len: 0o7654321 }));
    }

    #[test]
    fn anything_else_is_refused() {
        for kind in [b'1', b'2', b'5', b'x', b'g', b'L', b'S'] {
            assert!(parse_header(&encode_header("root.img", 1, kind)).is_err(), "{}", char::from(kind));
        }
        for name in ["", "../etc/passwd", "/root.img", "a/b", ".hidden", "a b", "a\nb", "\u{e4}"] {
            assert!(parse_header(&encode_header(name, 1, b'0')).is_err(), "{name:?}");
        }
        let mut block = encode_header("root.img", 1, b'0');
        block[20] = b'x';
        assert!(parse_header(&resum(block)).is_err(), "a second name behind the first");
        let mut block = encode_header("root.img", 1, b'0');
        block[PREFIX.start] = b'x';
        assert!(parse_header(&resum(block)).is_err(), "a folder in the prefix");
        for size in [*b"-00000000001", *b"            ", *b"0000000000 1", *b"\x80\0\0\0\0\0\0\0\0\0\0\x01"] {
            let mut block = encode_header("root.img", 1, b'0');
            block[SIZE].copy_from_slice(&size);
            assert!(parse_header(&resum(block)).is_err(), "{size:?}");
        }
        assert!(parse_header(&[0; BLOCK_LEN]).is_err());
    }

    #[test]
    fn every_flipped_bit_of_what_counts_is_noticed() {
        let block = encode_header("uki.efi", 17_000_000, b'0');
        for bit in 0..BLOCK_LEN * 8 {
            let mut flipped = block;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let same = parse_header(&flipped) == parse_header(&block);
            assert!(!same || CHECKSUM.contains(&(bit / 8)), "bit {bit}");
        }
    }
}
