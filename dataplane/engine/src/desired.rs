//! From the daemon's text to typed values, all of it before anything is touched.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use quicether_core::{NodeId, Prefix};
use quicether_host::InterfaceAddress;
use quicether_runtime::{PeerState, State, TunState};

use crate::messages::DesiredState;

const MAX_NAME_LEN: usize = 255;
const MAX_TUN_ADDRESSES: usize = 16;
const MAX_LISTEN: usize = 64;
const MAX_PEERS: usize = 20_000;
const MAX_ADDRESSES_PER_PEER: usize = 64;
const MAX_DIAL: usize = 1024;
const MAX_PREFIXES: usize = 100_000;
const MAX_CONNECTIONS: u32 = 100_000;
/// Largest number JSON carries exactly.
const MAX_GENERATION: u64 = (1 << 53) - 1;
const MTU_MIN_V4: u16 = 576;
/// RFC 8200, section 5: below this the kernel takes IPv6 off an interface.
const MTU_MIN_V6: u16 = 1280;
const MTU_MAX: u16 = 9216;

/// A desired state whose every value was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// Its number.
    pub generation: u64,
    /// For the packet thread.
    pub runtime: State,
    /// Addresses of the interface.
    pub addresses: Vec<InterfaceAddress>,
    /// Prefixes and the peers they lead to, in the order of the state.
    pub routes: Vec<(Prefix, NodeId)>,
    /// Prefixes behind this box.
    pub local_prefixes: Vec<Prefix>,
    /// Addresses peers are dialled at: no route may lead those into the tunnel.
    pub outer: Vec<IpAddr>,
    /// Whether the box forwards.
    pub forward: bool,
}

/// The first value that is wrong: where, what, and what would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadState {
    path: String,
    value: String,
    remedy: String,
}

impl BadState {
    fn new(path: impl Into<String>, value: impl fmt::Display, remedy: impl Into<String>) -> Self {
        Self { path: path.into(), value: value.to_string().chars().take(80).collect(), remedy: remedy.into() }
    }
}

impl fmt::Display for BadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} {}", self.path, self.value, self.remedy)
    }
}

/// What the box is, to check the state against.
#[derive(Debug, Clone, Copy)]
pub struct OwnBox {
    /// Its own NodeId.
    pub node: NodeId,
    /// Generation in force.
    pub generation: u64,
    /// Processors it has.
    pub processors: u32,
}

/// The state as typed values, or the first thing that is wrong with it.
pub fn parse(state: &DesiredState, own: OwnBox) -> Result<Parsed, BadState> {
    if state.generation <= own.generation || state.generation > MAX_GENERATION {
        return Err(BadState::new(
            "generation",
            state.generation,
            format!("must be above {}, the one in force, and at most {MAX_GENERATION}", own.generation),
        ));
    }
    if state.name.len() > MAX_NAME_LEN || state.name.chars().any(char::is_control) {
        return Err(BadState::new(
            "name",
            &state.name,
            format!("must be at most {MAX_NAME_LEN} bytes without control characters"),
        ));
    }
    let addresses = parse_tun(state)?;
    let listen = parse_listen(&state.listen)?;
    let peers = parse_peers(state, own.node)?;
    let dial = parse_each("dial", &state.dial, MAX_DIAL, parse_remote)?;
    let local_prefixes = parse_each("local_prefixes", &state.local_prefixes, MAX_PREFIXES, parse_prefix)?;
    if !(1..=MAX_CONNECTIONS).contains(&state.max_connections) {
        return Err(BadState::new(
            "max_connections",
            state.max_connections,
            format!("must be from 1 to {MAX_CONNECTIONS}"),
        ));
    }
    if let Some((i, cpu)) = state.cpu_affinity.iter().enumerate().find(|(_, cpu)| **cpu >= own.processors) {
        let remedy = format!("is no processor of this box: it has 0 to {}", own.processors.saturating_sub(1));
        return Err(BadState::new(format!("cpu_affinity[{i}]"), cpu, remedy));
    }
    let local = addresses.iter().map(|a| Prefix::host(a.address)).chain(local_prefixes.iter().copied()).collect();
    let routes = peers.iter().flat_map(|peer| peer.prefixes.iter().map(|prefix| (*prefix, peer.node))).collect();
    let outer = peers.iter().flat_map(|peer| &peer.addresses).chain(&dial).map(SocketAddr::ip).collect();
    Ok(Parsed {
        generation: state.generation,
        runtime: State {
            name: state.name.clone(),
            tun: TunState { name: state.tun.name.clone(), mtu: state.tun.mtu },
            listen,
            answer_strangers: state.answer_strangers,
            peers,
            dial,
            local,
            claimed: addresses.iter().map(|a| a.address).collect(),
            max_connections: state.max_connections,
            cpu_affinity: state.cpu_affinity.clone(),
        },
        addresses,
        local_prefixes,
        routes,
        outer,
        forward: state.forward,
    })
}

fn parse_tun(state: &DesiredState) -> Result<Vec<InterfaceAddress>, BadState> {
    let name = &state.tun.name;
    let valid = (1..=15).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_graphic() && !b"/:%".contains(&b))
        && !matches!(name.as_str(), "." | ".." | "all" | "default" | "lo");
    if !valid {
        return Err(BadState::new(
            "tun.name",
            name,
            "is no interface name: 1 to 15 letters, digits, \"-\", \"_\" or \".\"",
        ));
    }
    let addresses = parse_each("tun.addresses", &state.tun.addresses, MAX_TUN_ADDRESSES, parse_interface_address)?;
    let min = if addresses.iter().any(|a| a.address.is_ipv6()) { MTU_MIN_V6 } else { MTU_MIN_V4 };
    if !(min..=MTU_MAX).contains(&state.tun.mtu) {
        return Err(BadState::new("tun.mtu", state.tun.mtu, format!("must be from {min} to {MTU_MAX} bytes")));
    }
    let mut seen = HashSet::new();
    for (i, address) in addresses.iter().enumerate() {
        if !seen.insert(address.address) {
            return Err(BadState::new(format!("tun.addresses[{i}]"), address.address, "is there twice: leave one out"));
        }
    }
    Ok(addresses)
}

fn parse_listen(texts: &[String]) -> Result<Vec<SocketAddr>, BadState> {
    let listen = parse_each("listen", texts, MAX_LISTEN, |text| {
        let address: SocketAddr = text.parse().map_err(|_| "is not address:port, as in 0.0.0.0:9000 or [::]:9000")?;
        if address.ip().is_multicast() {
            return Err("is a multicast address: give one of this box, or 0.0.0.0");
        }
        Ok(address)
    })?;
    if listen.is_empty() {
        return Err(BadState::new("listen", "[]", "names no socket: give at least one address and port"));
    }
    let mut seen = HashSet::new();
    for (i, address) in listen.iter().enumerate() {
        if address.port() != 0 && !seen.insert(*address) {
            return Err(BadState::new(format!("listen[{i}]"), address, "is there twice: leave one out"));
        }
    }
    Ok(listen)
}

fn parse_peers(state: &DesiredState, own: NodeId) -> Result<Vec<PeerState>, BadState> {
    check_count("peers", state.peers.len(), MAX_PEERS)?;
    let mut peers = Vec::with_capacity(state.peers.len());
    let mut nodes: HashMap<NodeId, usize> = HashMap::new();
    let mut owners: HashMap<Prefix, usize> = HashMap::new();
    for (i, peer) in state.peers.iter().enumerate() {
        let path = format!("peers[{i}]");
        let node: NodeId = peer
            .node_id
            .parse()
            .map_err(|error| BadState::new(format!("{path}.node_id"), &peer.node_id, format!("{error}")))?;
        if node == own {
            return Err(BadState::new(format!("{path}.node_id"), node, "is this box itself: leave it out"));
        }
        if let Some(first) = nodes.insert(node, i) {
            return Err(BadState::new(
                format!("{path}.node_id"),
                node,
                format!("is peers[{first}] already: make one of the two"),
            ));
        }
        let addresses =
            parse_each(&format!("{path}.addresses"), &peer.addresses, MAX_ADDRESSES_PER_PEER, parse_remote)?;
        let prefixes = parse_each(&format!("{path}.prefixes"), &peer.prefixes, MAX_PREFIXES, parse_prefix)?;
        for (k, prefix) in prefixes.iter().enumerate() {
            if let Some(first) = owners.insert(*prefix, i) {
                let remedy = format!("belongs to peers[{first}] already: one prefix leads to one peer");
                return Err(BadState::new(format!("{path}.prefixes[{k}]"), prefix, remedy));
            }
        }
        check_count("peers[].prefixes", owners.len(), MAX_PREFIXES)?;
        peers.push(PeerState { node, addresses, prefixes });
    }
    Ok(peers)
}

fn check_count(path: &str, count: usize, max: usize) -> Result<(), BadState> {
    if count > max { Err(BadState::new(path, count, format!("are more than the {max} allowed"))) } else { Ok(()) }
}

fn parse_each<T>(
    path: &str,
    texts: &[String],
    max: usize,
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Vec<T>, BadState> {
    check_count(path, texts.len(), max)?;
    texts
        .iter()
        .enumerate()
        .map(|(i, text)| parse(text).map_err(|remedy| BadState::new(format!("{path}[{i}]"), text, remedy)))
        .collect()
}

fn parse_remote(text: &str) -> Result<SocketAddr, &'static str> {
    let address: SocketAddr =
        text.parse().map_err(|_| "is not address:port, as in 192.0.2.1:9000 or [2001:db8::1]:9000")?;
    if address.port() == 0 {
        return Err("has port 0: give the port the peer listens on");
    }
    if address.ip().is_unspecified() || address.ip().is_multicast() || address.ip() == std::net::Ipv4Addr::BROADCAST {
        return Err("is not the address of one box");
    }
    Ok(address)
}

fn parse_prefix(text: &str) -> Result<Prefix, &'static str> {
    use quicether_core::prefix::PrefixError;
    let prefix: Prefix = text.parse().map_err(|error| match error {
        PrefixError::Syntax => "is not address/length, as in 192.168.1.0/24",
        PrefixError::Length => "has a length beyond its address family (32 for IPv4, 128 for IPv6)",
        PrefixError::HostBits => "has bits set behind its length: write the network's own address",
    })?;
    if prefix.length() > 0 && !is_routable(prefix.network()) {
        return Err("never leaves a link or a box (loopback, link-local, multicast): it cannot lie behind a peer");
    }
    Ok(prefix)
}

fn parse_interface_address(text: &str) -> Result<InterfaceAddress, &'static str> {
    const SYNTAX: &str = "is not address/length, as in 100.64.1.2/32";
    let (address, length) = text.split_once('/').ok_or(SYNTAX)?;
    let address: IpAddr = address.parse().map_err(|_| SYNTAX)?;
    let strict = length.bytes().all(|b| b.is_ascii_digit()) && (1..=3).contains(&length.len());
    let length: u8 = length.parse().ok().filter(|_| strict).ok_or(SYNTAX)?;
    let prefix = Prefix::containing(address, length)
        .map_err(|_| "has a length beyond its address family (32 for IPv4, 128 for IPv6)")?;
    if length == 0 {
        return Err("has length 0, which would be the whole internet: 32 (IPv4) or 128 (IPv6) is usual");
    }
    if address.is_unspecified() || !is_routable(address) {
        return Err("cannot be the address of this box in the overlay (loopback, link-local, multicast)");
    }
    if length < 31 && address.is_ipv4() && address == prefix.network() {
        return Err("is the address of the network itself: choose one behind it");
    }
    Ok(InterfaceAddress { address, length })
}

fn is_routable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => !(a.is_loopback() || a.is_link_local() || a.octets()[0] >= 224 || a.octets()[0] == 0),
        IpAddr::V6(a) => {
            let first = a.segments()[0];
            !(a.is_loopback()
                || a.is_unspecified()
                || a.to_ipv4_mapped().is_some()
                || first & 0xffc0 == 0xfe80
                || first >= 0xff00)
        }
    }
}

#[cfg(test)]
#[path = "desired_tests.rs"]
mod tests;
