//! The node key: who this box is.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use quicether_core::NodeId;
use quicether_core::node_id::NODE_ID_LEN;

/// Ed25519 key pair of this box. Its secret half is in no log and no `Debug`.
#[derive(Clone)]
pub struct NodeKey {
    pair: Arc<Ed25519KeyPair>,
    pkcs8: Arc<[u8]>,
    node_id: NodeId,
}

/// The bytes are no Ed25519 key in PKCS#8 form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyError;

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is not an Ed25519 private key in PKCS#8 form")
    }
}

impl std::error::Error for KeyError {}

impl NodeKey {
    /// A new key from the system's randomness.
    pub fn generate() -> Self {
        let pair = Ed25519KeyPair::generate().expect("the system has randomness");
        let der: Pkcs8V1Der<'_> = pair.as_der().expect("a fresh key has a PKCS#8 form");
        Self::from_pkcs8(der.as_ref()).expect("its own form is read back")
    }

    /// Reads PKCS#8 DER, version 1 or 2.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| KeyError)?;
        let public: [u8; 32] = pair.public_key().as_ref().try_into().map_err(|_| KeyError)?;
        Ok(Self { pair: Arc::new(pair), pkcs8: der.into(), node_id: node_id_of(&public) })
    }

    /// PKCS#8 DER, to be kept in a file that nobody else can read.
    pub fn to_pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// Who this key makes the box.
    pub fn node_id(&self) -> NodeId {
        self.node_id
    }

    /// The public half, 32 bytes.
    pub fn public(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().expect("an Ed25519 public key has 32 bytes")
    }

    /// A secret for one purpose, derived from the key: the same after a restart, of no use for
    /// anything else.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &self.pkcs8);
        aws_lc_rs::hmac::sign(&key, purpose.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey({})", self.node_id)
    }
}

/// The NodeId of a public key: first 160 bits of its SHA-256.
pub fn node_id_of(public: &[u8; 32]) -> NodeId {
    let hash = digest::digest(&digest::SHA256, public);
    let mut id = [0; NODE_ID_LEN];
    id.copy_from_slice(&hash.as_ref()[..NODE_ID_LEN]);
    NodeId(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_file_and_shows_no_secret() {
        let key = NodeKey::generate();
        let again = NodeKey::from_pkcs8(key.to_pkcs8()).unwrap();
        assert_eq!(again.node_id(), key.node_id());
        assert_eq!(again.derive("a"), key.derive("a"));
        assert_ne!(key.derive("a"), key.derive("b"));
        assert_ne!(NodeKey::generate().node_id(), key.node_id());
        assert_eq!(format!("{key:?}"), format!("NodeKey({})", key.node_id()));
        assert!(NodeKey::from_pkcs8(&key.to_pkcs8()[1..]).is_err());
    }
}
