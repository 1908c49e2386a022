//! What the packet thread is told, and what it tells.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use quicether_core::{NodeId, Prefix};

/// Everything the packet thread should be doing, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Shown to peers while they are pending.
    pub name: String,
    /// The interface.
    pub tun: TunState,
    /// Local addresses of the UDP sockets.
    pub listen: Vec<SocketAddr>,
    /// Whether an untagged handshake is answered.
    pub answer_strangers: bool,
    /// Accepted peers.
    pub peers: Vec<PeerState>,
    /// Addresses to connect to without knowing who is there.
    pub dial: Vec<SocketAddr>,
    /// What peers may reach here: own overlay addresses and prefixes behind this box.
    pub local: Vec<Prefix>,
    /// Overlay addresses of this box, told to peers.
    pub claimed: Vec<IpAddr>,
    /// Connections beyond this are refused.
    pub max_connections: u32,
    /// Processors to keep the thread on; empty: anywhere.
    pub cpu_affinity: Vec<u32>,
}

/// The interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunState {
    /// Name wanted.
    pub name: String,
    /// Inner MTU, bytes.
    pub mtu: u16,
}

/// An accepted peer.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerState {
    /// Who.
    pub node: NodeId,
    /// Where to dial it.
    pub addresses: Vec<SocketAddr>,
    /// What lies at or behind it.
    pub prefixes: Vec<Prefix>,
}

/// What came of applying a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Kernel index of the interface.
    pub tun_index: u32,
    /// Its name.
    pub tun_name: String,
}

/// Why a state was not applied; nothing has changed.
#[derive(Debug)]
pub enum ApplyError {
    /// No right to make the interface.
    Permission,
    /// The name belongs to another interface or program.
    TunTaken(String),
    /// A socket could not be bound.
    AddressInUse(SocketAddr),
    /// Anything else the system refused.
    System(String),
}

impl ApplyError {
    /// Stable code, as in the engine's messages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Permission => "permission",
            Self::TunTaken(_) => "tun_taken",
            Self::AddressInUse(_) => "address_in_use",
            Self::System(_) => "internal",
        }
    }
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permission => f.write_str(
                "making the interface needs CAP_NET_ADMIN: run as root, or give it to quicether-engine with setcap cap_net_admin+ep",
            ),
            Self::TunTaken(name) => write!(
                f,
                "network.tun_name: \"{name}\" is taken by another interface or program: choose another name, or stop what uses it"
            ),
            Self::AddressInUse(address) => write!(
                f,
                "UDP {address} is in use by another program: stop it, or choose another port with discovery.dht_port or --listen"
            ),
            Self::System(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for ApplyError {}

/// How far a peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PeerPhase {
    /// No connection.
    #[default]
    Down,
    /// Connected, accepted here but not there.
    WaitingForPeer,
    /// Carries traffic.
    Up,
}

/// One pair of lines in use.
#[derive(Debug, Clone, PartialEq)]
pub struct PathView {
    /// Local address, when the socket knows it.
    pub local: SocketAddr,
    /// Remote address.
    pub remote: SocketAddr,
    /// Smoothed round trip.
    pub rtt: Duration,
    /// Lowest round trip seen.
    pub min_rtt: Duration,
    /// Outer packets sent.
    pub sent_packets: u64,
    /// Outer packets found lost.
    pub lost_packets: u64,
    /// Bytes allowed in flight.
    pub window_bytes: u64,
    /// Outer datagram size known to fit, UDP payload bytes.
    pub mtu: u16,
    /// Since something was heard.
    pub silent: Duration,
}

/// How things stand with an accepted peer.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerView {
    /// Who.
    pub node: NodeId,
    /// What it calls itself; text from a peer.
    pub name: String,
    /// How far it is.
    pub phase: PeerPhase,
    /// Why it is not connected.
    pub problem: Option<String>,
    /// Overlay addresses it says it has.
    pub claimed: Vec<IpAddr>,
    /// Since it carries traffic.
    pub connected: Duration,
    /// Sums of inside traffic.
    pub traffic: Traffic,
    /// Waiting in its fair queue.
    pub queue_bytes: u64,
    /// Pairs of lines in use.
    pub paths: Vec<PathView>,
}

/// Sums of inside traffic with one peer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes to it.
    pub sent_bytes: u64,
    /// Bytes from it.
    pub received_bytes: u64,
    /// Packets (segments) to it.
    pub sent_packets: u64,
    /// Packets from it.
    pub received_packets: u64,
    /// Packets its fair queue dropped.
    pub queue_drops: u64,
    /// Packets its fair queue marked.
    pub queue_marks: u64,
}

/// Somebody who proved a key that is in no state.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingView {
    /// Who.
    pub node: NodeId,
    /// What it calls itself; text from a stranger.
    pub name: String,
    /// Its address.
    pub address: SocketAddr,
    /// Overlay addresses it says it has.
    pub claimed: Vec<IpAddr>,
    /// Whether it accepted this box.
    pub accepted_there: bool,
    /// Connected for this long.
    pub since: Duration,
}

/// Sums since the thread started; names as in the engine's messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, at engine::messages::Counters")]
pub struct RuntimeCounters {
    pub handshakes: u64,
    pub failed_handshakes: u64,
    pub wrong_key: u64,
    pub silenced: u64,
    pub replayed: u64,
    pub wrong_version: u64,
    pub refused: u64,
    pub no_route: u64,
    pub peer_down: u64,
    pub denied: u64,
    pub malformed: u64,
    pub bad_cells: u64,
    pub tun_write_errors: u64,
    pub holes: u64,
    pub icmp_sent: u64,
    pub dropped_events: u64,
}

/// What is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuntimeSnapshot {
    /// Interface name, empty when there is none.
    pub tun_name: String,
    /// Sockets as bound.
    pub listen: Vec<SocketAddr>,
    /// Accepted peers in the order of the state.
    pub peers: Vec<PeerView>,
    /// Connected but not accepted here.
    pub pending: Vec<PendingView>,
    /// Sums.
    pub counters: RuntimeCounters,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum RuntimeEvent {
    /// An accepted peer carries traffic from now on.
    PeerUp {
        /// Who.
        node: NodeId,
        /// Where.
        address: SocketAddr,
    },
    /// It no longer does.
    PeerDown {
        /// Who.
        node: NodeId,
        /// One sentence.
        reason: String,
        /// Sums while it did.
        traffic: Traffic,
        /// How long it did.
        duration: Duration,
    },
    /// Somebody proved a key that is in no state.
    PeerPending {
        /// Who.
        node: NodeId,
        /// From where.
        address: SocketAddr,
    },
    /// A peer's address changed and the association went on.
    PeerMoved {
        /// Who.
        node: NodeId,
        /// Where to.
        address: SocketAddr,
    },
    /// Dialling failed.
    DialFailed {
        /// Where.
        address: SocketAddr,
        /// Who was wanted there.
        node: Option<NodeId>,
        /// One sentence.
        reason: String,
    },
}
