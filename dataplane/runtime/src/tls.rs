//! TLS 1.3 with node keys as raw public keys (RFC 7250), both sides.
//!
//! No certificate, no session resumption, no early data: a connection is a fresh proof of a key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use noq_proto::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quicether_core::NodeId;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use crate::key::{NodeKey, node_id_of};

/// DER of an Ed25519 SubjectPublicKeyInfo before its 32 bytes of key (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Makes TLS sessions that prove this box's key.
pub struct Tls {
    provider: Arc<CryptoProvider>,
    certified: Arc<CertifiedKey>,
}

/// Set when the box that answered had another key than the one that was dialled.
pub type WrongKey = Arc<AtomicBool>;

impl Tls {
    /// Sessions of the box with `key`.
    pub fn new(key: &NodeKey) -> Self {
        let mut provider = aws_lc_rs::default_provider();
        // AES-128 where the processor helps with it, else ChaCha20; 256 bits of AES cost speed
        // and add nothing to a 128-bit handshake.
        provider.cipher_suites.retain(|suite| suite.suite() != rustls::CipherSuite::TLS13_AES_256_GCM_SHA384);
        let aes_first = has_fast_aes();
        provider
            .cipher_suites
            .sort_by_key(|suite| (suite.suite() == rustls::CipherSuite::TLS13_AES_128_GCM_SHA256) != aes_first);
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_pkcs8().to_vec()));
        let signer = aws_lc_rs::sign::any_eddsa_type(match &der {
            PrivateKeyDer::Pkcs8(der) => der,
            _ => unreachable!("made as PKCS#8 above"),
        })
        .expect("a node key signs");
        let mut spki = SPKI_PREFIX.to_vec();
        spki.extend_from_slice(&key.public());
        let certified = Arc::new(CertifiedKey::new(vec![CertificateDer::from(spki)], signer));
        Self { provider: Arc::new(provider), certified }
    }

    /// Answers whoever proves an Ed25519 key.
    pub fn server(&self) -> Arc<QuicServerConfig> {
        let verifier = Arc::new(Verifier::new(&self.provider, None));
        let resolver = Arc::new(rustls::server::AlwaysResolvesServerRawPublicKeys::new(self.certified.clone()));
        let mut config = rustls::ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("the provider has TLS 1.3")
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![quicether_wire::ALPN.to_vec()];
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Arc::new(QuicServerConfig::try_from(config).expect("the provider has QUIC's initial cipher"))
    }

    /// Connects to `expected`, or to whoever proves a key when it is not known.
    pub fn client(&self, expected: Option<NodeId>) -> (Arc<QuicClientConfig>, WrongKey) {
        let wrong_key = WrongKey::default();
        let verifier = Verifier { wrong_key: wrong_key.clone(), ..Verifier::new(&self.provider, expected) };
        let resolver = Arc::new(rustls::client::AlwaysResolvesClientRawPublicKeys::new(self.certified.clone()));
        let mut config = rustls::ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("the provider has TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(resolver);
        config.alpn_protocols = vec![quicether_wire::ALPN.to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        config.enable_early_data = false;
        config.enable_sni = false;
        let config = QuicClientConfig::try_from(config).expect("the provider has QUIC's initial cipher");
        (Arc::new(config), wrong_key)
    }
}

/// Who proved a key in this session; none before the handshake is done.
pub fn proven_node(connection: &noq_proto::Connection) -> Option<NodeId> {
    let identity = connection.crypto_session().peer_identity()?;
    let keys = identity.downcast_ref::<Vec<CertificateDer<'static>>>()?;
    public_key(keys.first()?).map(|key| node_id_of(&key))
}

fn public_key(spki: &[u8]) -> Option<[u8; 32]> {
    spki.strip_prefix(&SPKI_PREFIX)?.try_into().ok()
}

fn has_fast_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    false
}

#[derive(Debug)]
struct Verifier {
    expected: Option<NodeId>,
    wrong_key: WrongKey,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn new(provider: &CryptoProvider, expected: Option<NodeId>) -> Self {
        let algorithms = provider.signature_verification_algorithms;
        Self { expected, wrong_key: WrongKey::default(), algorithms }
    }

    /// Whether the key is one, and the right one.
    fn check(&self, spki: &[u8]) -> Result<(), Error> {
        let key = public_key(spki).ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
        if self.expected.is_some_and(|expected| expected != node_id_of(&key)) {
            self.wrong_key.store(true, Ordering::Relaxed);
            return Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure));
        }
        Ok(())
    }

    fn signature(
        &self,
        message: &[u8],
        spki: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let spki = SubjectPublicKeyInfoDer::from(spki.as_ref());
        verify_tls13_signature_with_raw_key(message, &spki, signature, &self.algorithms)
    }
}

fn no_tls12() -> Error {
    Error::PeerIncompatible(rustls::PeerIncompatible::Tls13RequiredForQuic)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
