//! Inner IP packets as they come from a TUN or a peer: bytes to be distrusted.

mod checksum;
mod vnet;

#[cfg(test)]
pub(crate) mod testing;

use std::net::IpAddr;

pub use checksum::{checksum, finish_checksum, fold, replace_word, sum_bytes};
pub use vnet::{GsoKind, TrainInfo, VNET_HEADER_LEN, VnetHeader, describe, rebuild_vnet};

/// IP protocol number of TCP.
pub const TCP: u8 = 6;
/// IP protocol number of UDP.
pub const UDP: u8 = 17;
/// IP protocol number of ICMP.
pub const ICMP: u8 = 1;
/// IP protocol number of ICMPv6.
pub const ICMPV6: u8 = 58;

/// Longest IP plus layer 4 headers a train may have: IPv4 and TCP with all options take 120,
/// the rest is room for IPv6 extension headers.
pub const MAX_HEADER_LEN: usize = 192;

/// Extension headers walked before a packet is given up; Linux's own limit for options is 8.
const MAX_EXTENSIONS: usize = 8;

/// Why bytes are not a packet that we forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// Neither IPv4 nor IPv6.
    Version,
    /// An IP header that is cut short or contradicts itself.
    Header,
    /// The length in the IP header is not the length of the packet.
    Length,
    /// IPv6 extension headers: too many, cut short, or in an order that RFC 8200 forbids.
    Extension,
    /// TCP or UDP header cut short, in a first fragment too (RFC 3128).
    Layer4,
    /// Offload fields that do not fit the packet.
    Offload,
}

impl Malformed {
    /// Stable name for counters.
    pub fn code(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Header => "header",
            Self::Length => "length",
            Self::Extension => "extension",
            Self::Layer4 => "layer4",
            Self::Offload => "offload",
        }
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for Malformed {}

/// Which part of a datagram a packet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fragment {
    /// All of it (an IPv6 atomic fragment too, RFC 6946).
    Whole,
    /// The beginning, with the layer 4 header.
    First,
    /// A later part, without ports.
    Later,
}

/// What the engine needs to know of an IP packet, read once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Layer 4 protocol, behind all extension headers.
    pub protocol: u8,
    /// Differentiated services code point, 0 to 63.
    pub dscp: u8,
    /// The two ECN bits.
    pub ecn: u8,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Where layer 4 begins.
    pub l4_offset: u16,
    /// Length of the whole packet, from the IP header on.
    pub total_len: u16,
    /// Source and destination port of TCP and UDP; none in a later fragment.
    pub ports: Option<(u16, u16)>,
    /// Which part of a datagram this is.
    pub fragment: Fragment,
}

impl Packet {
    /// What `bytes` say, which must be one whole IP packet and nothing else.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        Self::parse_headers(bytes, bytes.len())
    }

    /// What the first bytes of a packet of `total_len` bytes say; they must hold the headers.
    pub fn parse_headers(headers: &[u8], total_len: usize) -> Result<Self, Malformed> {
        if headers.len() > total_len {
            return Err(Malformed::Length);
        }
        let packet = match headers.first().map(|b| b >> 4) {
            Some(4) => parse_v4(headers, total_len)?,
            Some(6) => parse_v6(headers, total_len)?,
            _ => return Err(Malformed::Version),
        };
        packet.with_ports(headers)
    }

    /// Number that spreads flows over queues; `seed` keeps outsiders from choosing the queue.
    ///
    /// Fragments are hashed without ports, which later ones lack, so that all stay in one queue.
    pub fn flow_hash(&self, seed: u64) -> u64 {
        let (a, b) = self.ports.filter(|_| self.fragment == Fragment::Whole).unwrap_or((0, 0));
        let rest = u64::from(a) << 24 | u64::from(b) << 8 | u64::from(self.protocol);
        let mut hash = seed ^ 0x9e37_79b9_7f4a_7c15;
        match (self.src, self.dst) {
            (IpAddr::V4(s), IpAddr::V4(d)) => {
                hash = mix(hash, u64::from(u32::from(s)) << 32 | u64::from(u32::from(d)));
            }
            (IpAddr::V6(s), IpAddr::V6(d)) => {
                for part in [u128::from(s), u128::from(d)] {
                    hash = mix(mix(hash, (part >> 64) as u64), part as u64);
                }
            }
            _ => {}
        }
        mix(mix(hash, rest), seed)
    }

    /// The same for a flow and its answers: by which end comes first as a number.
    pub fn both_ways_hash(&self, seed: u64) -> u64 {
        let turned = (self.dst, self.ports.map(|(_, to)| to)) < (self.src, self.ports.map(|(from, _)| from));
        if !turned {
            return self.flow_hash(seed);
        }
        let ports = self.ports.map(|(from, to)| (to, from));
        Self { src: self.dst, dst: self.src, ports, ..*self }.flow_hash(seed)
    }

    /// Whether this is a TCP acknowledgement with neither data nor SYN, FIN, RST, PSH or URG.
    ///
    /// It may carry options such as SACK: fine to hurry, not to be dropped for a later one unseen.
    pub fn is_pure_ack(&self, bytes: &[u8]) -> bool {
        let tcp = usize::from(self.l4_offset);
        if self.protocol != TCP || self.fragment != Fragment::Whole || bytes.len() < tcp + 20 {
            return false;
        }
        let header_len = usize::from(bytes[tcp + 12] >> 4) * 4;
        usize::from(self.total_len) == tcp + header_len && bytes[tcp + 13] & 0x3f == 0x10
    }

    /// Length of IP and layer 4 header together; only TCP and UDP have one that counts.
    pub fn header_len(&self, bytes: &[u8]) -> Result<usize, Malformed> {
        let l4 = usize::from(self.l4_offset);
        if self.ports.is_none() {
            return Ok(l4);
        }
        if self.protocol == UDP {
            return Ok(l4 + 8);
        }
        let tcp_len = bytes.get(l4 + 12).map(|b| usize::from(b >> 4) * 4).ok_or(Malformed::Layer4)?;
        if tcp_len < 20 || l4 + tcp_len > usize::from(self.total_len) {
            return Err(Malformed::Layer4);
        }
        Ok(l4 + tcp_len)
    }

    fn with_ports(mut self, headers: &[u8]) -> Result<Self, Malformed> {
        let min_len = match self.protocol {
            TCP => 20,
            UDP => 8,
            _ => return Ok(self),
        };
        if self.fragment == Fragment::Later {
            return Ok(self);
        }
        let l4 = &headers[usize::from(self.l4_offset)..];
        if l4.len() < min_len {
            return Err(Malformed::Layer4);
        }
        self.ports = Some((word(l4, 0), word(l4, 2)));
        Ok(self)
    }
}

fn parse_v4(b: &[u8], total_len: usize) -> Result<Packet, Malformed> {
    let (fixed, _) = b.split_first_chunk::<20>().ok_or(Malformed::Header)?;
    let header_len = usize::from(fixed[0] & 15) * 4;
    if header_len < 20 || header_len > b.len() {
        return Err(Malformed::Header);
    }
    let said = word(fixed, 2);
    if usize::from(said) != total_len {
        return Err(Malformed::Length);
    }
    let (more, offset) = (fixed[6] & 0x20 != 0, word(fixed, 6) & 0x1fff);
    // A TCP fragment that begins in the middle of the header could rewrite its flags (RFC 3128).
    if offset == 1 && fixed[9] == TCP {
        return Err(Malformed::Layer4);
    }
    Ok(Packet {
        src: IpAddr::from([fixed[12], fixed[13], fixed[14], fixed[15]]),
        dst: IpAddr::from([fixed[16], fixed[17], fixed[18], fixed[19]]),
        protocol: fixed[9],
        dscp: fixed[1] >> 2,
        ecn: fixed[1] & 3,
        ttl: fixed[8],
        l4_offset: header_len as u16,
        total_len: said,
        ports: None,
        fragment: fragment(offset, more),
    })
}

fn parse_v6(b: &[u8], total_len: usize) -> Result<Packet, Malformed> {
    let (fixed, _) = b.split_first_chunk::<40>().ok_or(Malformed::Header)?;
    // Zero would be a jumbogram, which no TUN or train carries; `said` then differs.
    if usize::from(word(fixed, 4)) + 40 != total_len || total_len > usize::from(u16::MAX) {
        return Err(Malformed::Length);
    }
    let mut packet = Packet {
        src: IpAddr::from(address_v6(fixed, 8)),
        dst: IpAddr::from(address_v6(fixed, 24)),
        protocol: fixed[6],
        dscp: (fixed[0] & 15) << 2 | fixed[1] >> 6,
        ecn: fixed[1] >> 4 & 3,
        ttl: fixed[7],
        l4_offset: 40,
        total_len: total_len as u16,
        ports: None,
        fragment: Fragment::Whole,
    };
    if is_extension(packet.protocol) {
        walk_extensions(b, &mut packet)?;
    }
    Ok(packet)
}

fn is_extension(protocol: u8) -> bool {
    // Hop-by-hop, routing, fragment, authentication, destination, mobility, HIP, shim6.
    matches!(protocol, 0 | 43 | 44 | 51 | 60 | 135 | 139 | 140)
}

fn walk_extensions(b: &[u8], packet: &mut Packet) -> Result<(), Malformed> {
    let (mut next, mut at) = (packet.protocol, 40);
    let mut fragmented = false;
    for walked in 0..=MAX_EXTENSIONS {
        if !is_extension(next) {
            (packet.protocol, packet.l4_offset) = (next, at as u16);
            return Ok(());
        }
        let header = b.get(at..at + 8).ok_or(Malformed::Extension)?;
        let len = match next {
            44 => 8,
            51 => (usize::from(header[1]) + 2) * 4,
            _ => (usize::from(header[1]) + 1) * 8,
        };
        // Hop-by-hop options stand first or nowhere, and a fragment is not fragmented again.
        if (next == 0 && walked > 0) || (next == 44 && fragmented) || at + len > b.len() {
            return Err(Malformed::Extension);
        }
        if next == 44 {
            fragmented = true;
            let field = word(header, 2);
            packet.fragment = fragment(field >> 3, field & 1 != 0);
            if packet.fragment == Fragment::Later {
                if field >> 3 == 1 && header[0] == TCP {
                    return Err(Malformed::Layer4);
                }
                (packet.protocol, packet.l4_offset) = (header[0], (at + 8) as u16);
                return Ok(());
            }
        }
        (next, at) = (header[0], at + len);
    }
    Err(Malformed::Extension)
}

fn fragment(offset: u16, more: bool) -> Fragment {
    match (offset, more) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First,
        _ => Fragment::Later,
    }
}

/// Folded 128-bit product: every bit of both goes everywhere (as in wyhash).
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0xa076_1d64_78bd_642f) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    (product >> 64) as u64 ^ product as u64
}

pub(crate) fn word(b: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([b[at], b[at + 1]])
}

fn address_v6(b: &[u8; 40], at: usize) -> [u8; 16] {
    let mut address = [0; 16];
    address.copy_from_slice(&b[at..at + 16]);
    address
}

#[cfg(test)]
mod tests;
