//! Update bundles: what an uploader may send, before and behind the signature.

use quicether_bundle::{
    BLOCK_LEN, END_MAX_LEN, END_MIN_LEN, HEAD_MAX_LEN, Version, parse_header, parse_manifest, plan_layout, split_head,
};

use super::outcome;
use crate::run::Target;
use crate::testing::Rng;

pub fn targets() -> Vec<Target> {
    vec![
        Target { name: "bundle-head", corpus: heads, check: check_head },
        Target { name: "manifest", corpus: |_| manifests(), check: check_manifest },
    ]
}

fn header(name: &str, len: usize) -> [u8; BLOCK_LEN] {
    let mut block = [0; BLOCK_LEN];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..136].copy_from_slice(format!("0000644\x000000000\x000000000\0{len:011o}\0").as_bytes());
    block[136..157].copy_from_slice(b"00000000000\0        0");
    block[257..265].copy_from_slice(b"ustar\x0000");
    sum(&mut block);
    block
}

fn sum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn heads(rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut corpus = Vec::new();
    for manifest in manifests() {
        for signature_len in [64, 63, 65] {
            let mut out = header("manifest.json", manifest.len()).to_vec();
            out.extend(&manifest);
            out.resize(out.len().next_multiple_of(BLOCK_LEN), 0);
            out.extend(header("manifest.sig", signature_len));
            out.extend(rng.bytes(signature_len));
            out.resize(out.len().next_multiple_of(BLOCK_LEN), 0);
            corpus.push(out);
        }
    }
    corpus
}

fn manifests() -> Vec<Vec<u8>> {
    let digest = "0123456789abcdef".repeat(4);
    let manifest = |version: &str, uki: u64, root: u64| {
        format!(
            r#"{{"format":"quicether-update-1","board":"amd64-uefi","version":"{version}","files":[{{"name":"uki.efi","size_bytes":{uki},"sha256":"{digest}"}},{{"name":"root.img","size_bytes":{root},"sha256":"{digest}"}}]}}"#
        )
        .into_bytes()
    };
    vec![
        manifest("1.4.0", 17_000_000, 159_997_952),
        manifest("1.4.0-rc.1", 512, 4096),
        manifest("0.0.1", 1 << 26, 1 << 30),
    ]
}

/// The first two headers are summed anew when they are whole, so that more than a sum is tried.
fn check_head(bytes: &[u8]) -> u64 {
    let mut bytes = bytes.to_vec();
    if bytes.len() >= BLOCK_LEN && bytes[0] == b'm' {
        sum(&mut bytes[..BLOCK_LEN]);
    }
    if let Some(Ok(member)) = bytes.first_chunk().map(parse_header) {
        assert!(!member.name.is_empty() && !member.name.contains(['/', '\\', '\0', '\n']), "{:?}", member.name);
    }
    let Ok(head) = split_head(&bytes) else { return outcome(&[0, bytes.len()]) };
    assert_eq!(head.signature.len(), 64);
    assert!((head.len as usize) <= bytes.len() && head.len as usize <= HEAD_MAX_LEN + BLOCK_LEN);
    assert!(head.len.is_multiple_of(BLOCK_LEN as u64));
    check_manifest(head.manifest)
}

fn check_manifest(bytes: &[u8]) -> u64 {
    let manifest = match parse_manifest(bytes) {
        Ok(manifest) => manifest,
        Err(why) => {
            let said = why.to_string();
            assert!(said.len() < 400, "{said}");
            return outcome(&[1, said.len()]);
        }
    };
    assert_eq!(Version::parse(&manifest.version.to_string()).as_ref(), Some(&manifest.version));
    assert!(manifest.board.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
    let needed = manifest.uki.len + manifest.root.len;
    for file_len in [0, needed, needed + 3 * 1024, needed + 20_000, u64::MAX / 2] {
        let Ok(layout) = plan_layout(&manifest, 2048, file_len) else { continue };
        assert!(layout.uki.data.end <= layout.root.header && layout.root.data.end <= layout.end.start);
        assert_eq!(layout.end.end, file_len);
        assert!((END_MIN_LEN..=END_MAX_LEN).contains(&(layout.end.end - layout.end.start)));
        assert_eq!(layout.root.data.end - layout.root.data.start, manifest.root.len);
    }
    outcome(&[2, manifest.uki.len as usize, manifest.root.len as usize])
}
