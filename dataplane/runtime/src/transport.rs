//! How QUIC is set up: endpoint, paths, connection ids, and the tag that opens a silent port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use noq_proto as quic;
use quic::{ConnectionId, ConnectionIdGenerator, InvalidCid, VarInt};
use quicether_core::NodeId;
use quicether_core::admission::{NONCE_LEN, OWN_CID_LEN, TAG_LEN, Tagger, knock};

use crate::key::NodeKey;
use crate::pacing::{Algorithm, Factory, Shared};
use crate::tls::{Tls, WrongKey};

/// UDP payload of a 1500-byte IPv4 packet.
const MAX_UDP_PAYLOAD_V4: u16 = 1472;
/// The same for IPv6.
const MAX_UDP_PAYLOAD_V6: u16 = 1452;
/// NATs forget a silent UDP mapping after 30 s, some after 15.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Before the first measurement; a lost first datagram is sent again after three of it.
const INITIAL_RTT: Duration = Duration::from_millis(100);
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// Datagrams taken in before they are read; one turn of the loop brings at most 4 MB.
const RECEIVE_BUFFER_LEN: usize = 8 << 20;
/// Upper bound of what waits inside the transport; the real bound follows the path's rate.
pub const SEND_BUFFER_LEN: usize = 256 << 10;
/// Greetings are short; this is all that a peer may send on its stream before it is read.
const STREAM_WINDOW_LEN: u32 = 4096;
const CID_LEN: usize = OWN_CID_LEN;
const CID_NONCE_LEN: usize = 4;

/// Everything needed to begin a connection.
pub struct Transport {
    tls: Tls,
    server: Arc<quic::ServerConfig>,
    cid_key: hmac::Key,
}

impl Transport {
    /// Set up for the box with `key`; `follow_moves` lets peers change their address.
    pub fn new(key: &NodeKey, follow_moves: bool) -> Self {
        let tls = Tls::new(key);
        let mut server = quic::ServerConfig::with_crypto(tls.server());
        server.migration(follow_moves).max_incoming(256);
        server.incoming_buffer_size(16 << 10).incoming_buffer_size_total(1 << 20);
        server.validation_token_config({
            let mut tokens = quic::ValidationTokenConfig::default();
            tokens.sent(0);
            tokens
        });
        let cid_key = hmac::Key::new(hmac::HMAC_SHA256, &key.derive("connection ids"));
        Self { tls, server: Arc::new(server), cid_key }
    }

    /// A new endpoint. Its connection ids and reset tokens are the same after a restart, so that
    /// peers of the engine before it learn at once that it is gone.
    pub fn endpoint(&self, key: &NodeKey, allow_path_mtu_discovery: bool) -> quic::Endpoint {
        let reset = hmac::Key::new(hmac::HMAC_SHA256, &key.derive("stateless reset"));
        let mut config = quic::EndpointConfig::new(Arc::new(reset));
        let cid_key = self.cid_key.clone();
        config.cid_generator(Arc::new(move || Box::new(KeyedCids { key: cid_key.clone() })));
        config.supported_versions(vec![1]).grease_quic_bit(false);
        quic::Endpoint::new(Arc::new(config), Some(self.server.clone()), allow_path_mtu_discovery)
    }

    /// What `remote` is dialled with; the first datagram carries the tag of `expected`.
    pub fn client(
        &self,
        remote: SocketAddr,
        expected: Option<NodeId>,
        shared: &Arc<Shared>,
    ) -> (quic::ClientConfig, WrongKey) {
        let (crypto, wrong_key) = self.tls.client(expected);
        let mut config = quic::ClientConfig::new(crypto);
        config.transport_config(path_config(remote.is_ipv6(), shared));
        if let Some(expected) = expected {
            config.initial_dst_cid_provider(Arc::new(move || tagged_id(expected)));
        }
        (config, wrong_key)
    }

    /// What a connection from `remote` is accepted with.
    pub fn server(&self, remote: SocketAddr, shared: &Arc<Shared>) -> Arc<quic::ServerConfig> {
        let mut config = (*self.server).clone();
        config.transport_config(path_config(remote.is_ipv6(), shared));
        Arc::new(config)
    }

    /// Whether a connection id was made here, before or after a restart.
    pub fn is_own_cid(&self, cid: &[u8]) -> bool {
        cid.len() == CID_LEN && KeyedCids { key: self.cid_key.clone() }.validate(ConnectionId::new(cid)).is_ok()
    }
}

/// Tags for one callee, with its NodeId as the key: whoever was given the id can knock, whoever
/// scans addresses cannot.
pub struct CalleeTag {
    key: hmac::Key,
    callee: NodeId,
}

impl CalleeTag {
    /// Tags that `callee` lets in.
    pub fn new(callee: NodeId) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &callee.0), callee }
    }
}

impl Tagger for CalleeTag {
    fn tag(&self, nonce: &[u8; NONCE_LEN]) -> [u8; TAG_LEN] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"quicether first datagram 1");
        context.update(nonce);
        context.update(&self.callee.0);
        let mut tag = [0; TAG_LEN];
        tag.copy_from_slice(&context.sign().as_ref()[..TAG_LEN]);
        tag
    }
}

fn tagged_id(callee: NodeId) -> ConnectionId {
    let mut nonce = [0; NONCE_LEN];
    aws_lc_rs::rand::fill(&mut nonce).expect("the system has randomness");
    ConnectionId::new(&knock(&CalleeTag::new(callee), nonce))
}

fn path_config(ipv6: bool, shared: &Arc<Shared>) -> Arc<quic::TransportConfig> {
    let mut config = quic::TransportConfig::default();
    let mut mtu = quic::MtuDiscoveryConfig::default();
    mtu.upper_bound(if ipv6 { MAX_UDP_PAYLOAD_V6 } else { MAX_UDP_PAYLOAD_V4 }).minimum_change(4);
    // A path that cannot carry the size any more is seen by its losses; it is tried again soon.
    mtu.black_hole_cooldown(Duration::from_secs(10)).interval(Duration::from_secs(120));
    config
        .initial_rtt(INITIAL_RTT)
        .max_idle_timeout(Some(IDLE_TIMEOUT.try_into().expect("20 s fit")))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .mtu_discovery_config(Some(mtu))
        .datagram_receive_buffer_size(Some(RECEIVE_BUFFER_LEN))
        .datagram_send_buffer_size(SEND_BUFFER_LEN)
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(1))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_LEN))
        .receive_window(VarInt::from_u32(STREAM_WINDOW_LEN))
        .allow_spin(false)
        .congestion_controller_factory(Arc::new(Factory {
            algorithm: Algorithm::from_environment(),
            shared: shared.clone(),
        }));
    Arc::new(config)
}

/// Connection ids that their maker recognises: 4 random bytes and 4 of their HMAC.
struct KeyedCids {
    key: hmac::Key,
}

impl KeyedCids {
    fn seal(&self, nonce: &[u8]) -> [u8; CID_LEN - CID_NONCE_LEN] {
        let full = hmac::sign(&self.key, nonce);
        let mut seal = [0; CID_LEN - CID_NONCE_LEN];
        seal.copy_from_slice(&full.as_ref()[..CID_LEN - CID_NONCE_LEN]);
        seal
    }
}

impl ConnectionIdGenerator for KeyedCids {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [0; CID_LEN];
        aws_lc_rs::rand::fill(&mut id[..CID_NONCE_LEN]).expect("the system has randomness");
        let seal = self.seal(&id[..CID_NONCE_LEN]);
        id[CID_NONCE_LEN..].copy_from_slice(&seal);
        ConnectionId::new(&id)
    }

    fn validate(&self, cid: ConnectionId) -> Result<(), InvalidCid> {
        match cid.split_at_checked(CID_NONCE_LEN) {
            Some((nonce, seal)) if self.seal(nonce) == *seal => Ok(()),
            _ => Err(InvalidCid),
        }
    }

    fn cid_len(&self) -> usize {
        CID_LEN
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}
