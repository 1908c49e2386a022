//! The keys that releases are signed with, as the running release has them built in.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

use crate::failure::{Failure, Outcome};
use crate::place::Place;

const FOLDER: &str = "/usr/share/quicether/release-keys";
const MAX_KEYS: usize = 8;
const KEY_ID_LEN: usize = 16;

/// Release keys that this box trusts.
#[derive(Debug, Clone)]
pub struct ReleaseKeys(Vec<[u8; 32]>);

impl ReleaseKeys {
    /// The keys of the running release. One that is not called by its own id is an error: somebody
    /// has mixed them up.
    pub fn read(place: &Place) -> Outcome<Self> {
        let broken = |why: String| Failure::new("system.broken-release", format!("{FOLDER}: {why}"));
        let listed = std::fs::read_dir(place.at(FOLDER)).map_err(|error| broken(error.to_string()))?;
        let mut keys = Vec::new();
        for name in listed.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
            let Some(id) = name.strip_suffix(".pub") else { continue };
            let text = place.read(&format!("{FOLDER}/{name}"), 256).unwrap_or_default();
            let key = parse_hex(text.trim()).ok_or_else(|| broken(format!("{name} is not 64 hexadecimal digits")))?;
            if key_id(&key) != id {
                return Err(broken(format!("{name} holds the key {}", key_id(&key))));
            }
            keys.push(key);
        }
        if keys.is_empty() || keys.len() > MAX_KEYS {
            return Err(broken(format!("{} keys", keys.len())));
        }
        Ok(Self(keys))
    }

    /// The id of the key that made `signature` over `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Option<String> {
        self.0
            .iter()
            .find(|key| UnparsedPublicKey::new(&ED25519, *key).verify(message, signature).is_ok())
            .map(|key| key_id(key))
    }
}

/// First digits of SHA-256 of a raw public key.
pub fn key_id(key: &[u8]) -> String {
    let mut text: String = digest(&SHA256, key).as_ref().iter().map(|b| format!("{b:02x}")).collect();
    text.truncate(KEY_ID_LEN);
    text
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; 32];
    for (byte, at) in key.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(key)
}
