//! Node keys that follow from a seed, and TLS that proves them.
//!
//! Written without the product's code on purpose: what the product promises of keys and NodeIds
//! is checked by somebody else's reading of it.

use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use bech32::{Bech32m, Hrp};
use noq_proto::crypto::rustls::QuicClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

use crate::rng::Rng;

/// DER before the 32 bytes of a secret (RFC 8410 section 7).
const PKCS8_PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// DER before the 32 bytes of a public key (RFC 8410 section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// A box that does not exist.
pub struct Identity {
    secret: [u8; 32],
    public: [u8; 32],
}

impl Identity {
    /// The `number`th of a seed.
    pub fn of(seed: u64, number: u64) -> Self {
        let mut secret = [0; 32];
        Rng::new(seed ^ number.wrapping_mul(0x1_0000_0001)).fill(&mut secret);
        let pair = Ed25519KeyPair::from_seed_unchecked(&secret).expect("any 32 bytes are a secret");
        let public = pair.public_key().as_ref().try_into().expect("a public key has 32 bytes");
        Self { secret, public }
    }

    /// First 160 bits of SHA-256 of the public key, as people see it.
    pub fn node_id(&self) -> String {
        let hash = digest::digest(&digest::SHA256, &self.public);
        bech32::encode::<Bech32m>(Hrp::parse_unchecked("qe"), &hash.as_ref()[..20]).expect("20 bytes fit")
    }

    /// TLS that proves the key and takes whoever answers.
    pub fn tls(&self, provider: &Arc<CryptoProvider>, alpn: &[u8]) -> Arc<QuicClientConfig> {
        let der = PrivatePkcs8KeyDer::from([&PKCS8_PREFIX[..], &self.secret].concat());
        let signer = provider::sign::any_eddsa_type(&der).expect("the key signs");
        let spki = CertificateDer::from([&SPKI_PREFIX[..], &self.public].concat());
        let certified = Arc::new(CertifiedKey::new(vec![spki], signer));
        let mut config = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("the provider has TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider.clone())))
            .with_client_cert_resolver(Arc::new(rustls::client::AlwaysResolvesClientRawPublicKeys::new(certified)));
        config.alpn_protocols = vec![alpn.to_vec()];
        config.enable_sni = false;
        Arc::new(QuicClientConfig::try_from(config).expect("the provider has the first cipher of QUIC"))
    }
}

#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        spki: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let spki = SubjectPublicKeyInfoDer::from(spki.as_ref());
        verify_tls13_signature_with_raw_key(message, &spki, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_follow_from_the_seed_and_differ() {
        let id = |seed, number| Identity::of(seed, number).node_id();
        assert_eq!(id(1, 7), id(1, 7));
        assert_ne!(id(1, 7), id(1, 8));
        assert_ne!(id(1, 7), id(2, 7));
        assert!(id(1, 7).starts_with("qe1"));
    }
}
