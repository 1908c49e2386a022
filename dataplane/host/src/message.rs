//! rtnetlink messages (rtnetlink(7)): bytes in, values out, and back. Pure.
//!
//! Only what this crate asks and reads; unknown attributes are skipped, truncated ones end the
//! message.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use quicether_core::Prefix;

use crate::state::{Address, InterfaceAddress, Link, Route, RouteKind, Rule};

/// Routes and rules of ours carry this protocol number (free in iproute2's rt_protos).
pub const PROTOCOL: u8 = 177;
/// Routing table of our own.
pub const TABLE: u32 = 9000;
/// Our rules come after `local` (0) and before `main` (32766).
pub const RULE_PRIORITY: u32 = 9000;

const HEADER_LEN: usize = 16;
const TABLE_COMPAT: u8 = 252;
const TABLE_MAIN: u32 = 254;

const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
const IFA_F_NODAD: u32 = 0x02;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_MULTIPATH: u16 = 9;
const RTA_TABLE: u16 = 15;
const FRA_PRIORITY: u16 = 6;
const FRA_TABLE: u16 = 15;
const FRA_PROTOCOL: u16 = 21;
const FR_ACT_TO_TBL: u8 = 1;
const SCOPE_LINK: u8 = 253;

/// A message as the kernel sends it.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// `RTM_NEWROUTE` and so on.
    pub kind: u16,
    /// `NLM_F_DUMP_INTR` and so on.
    pub flags: u16,
    /// Of the request it answers.
    pub sequence: u32,
    /// What follows the header.
    pub body: &'a [u8],
}

/// The messages in one datagram; ends at the first that is cut off.
pub fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Received<'_>> {
    std::iter::from_fn(move || {
        let len = u32_at(bytes, 0)? as usize;
        let body = bytes.get(HEADER_LEN..len)?;
        let received =
            Received { kind: u16_at(bytes, 4)?, flags: u16_at(bytes, 6)?, sequence: u32_at(bytes, 8)?, body };
        bytes = bytes.get(align(len)..).unwrap_or_default();
        Some(received)
    })
}

fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let len = usize::from(u16_at(bytes, 0)?);
        let kind = u16_at(bytes, 2)? & 0x3fff;
        let value = bytes.get(4..len)?;
        bytes = bytes.get(align(len)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn align(len: usize) -> usize {
    len.div_ceil(4) * 4
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
        _ => None,
    }
}

/// A link, from the body of `RTM_NEWLINK`.
pub fn decode_link(body: &[u8]) -> Option<Link> {
    let (index, flags) = (u32_at(body, 4)?, u32_at(body, 8)?);
    let is = |flag: libc::c_int| flags & flag as u32 != 0;
    let mut link = Link { index, name: String::new(), mtu: 0, up: is(libc::IFF_UP), carries: is(libc::IFF_RUNNING) };
    for (kind, value) in attributes(body.get(16..)?) {
        match kind {
            IFLA_IFNAME => link.name = String::from_utf8_lossy(value.strip_suffix(b"\0").unwrap_or(value)).into_owned(),
            IFLA_MTU => link.mtu = u32_at(value, 0)?,
            _ => {}
        }
    }
    Some(link)
}

/// An interface address, from the body of `RTM_NEWADDR`.
pub fn decode_address(body: &[u8]) -> Option<Address> {
    let (length, index) = (*body.get(1)?, u32_at(body, 4)?);
    let (mut local, mut network) = (None, None);
    for (kind, value) in attributes(body.get(8..)?) {
        match kind {
            IFA_LOCAL => local = address(value),
            IFA_ADDRESS => network = address(value),
            _ => {}
        }
    }
    // On a point-to-point link IFA_ADDRESS is the other end, and what is connected lies there.
    let address = local.or(network)?;
    let connected = Prefix::containing(network.unwrap_or(address), length).ok()?;
    Some(Address { index, own: InterfaceAddress { address, length }, connected })
}

/// What the body of `RTM_NEWROUTE` says that matters here.
#[derive(Debug, PartialEq, Eq)]
pub enum DecodedRoute {
    /// One of ours.
    Ours(Route),
    /// Somebody else's, with the routers it leads to.
    Other(Vec<IpAddr>),
}

/// A route, from the body of `RTM_NEWROUTE` or `RTM_DELROUTE`.
pub fn decode_route(body: &[u8]) -> Option<DecodedRoute> {
    let (family, length, protocol, kind) = (*body.first()?, *body.get(1)?, *body.get(5)?, *body.get(7)?);
    let (mut table, mut metric) = (u32::from(*body.get(4)?), 0);
    let (mut destination, mut device, mut source) = (None, None, None);
    let mut gateways = Vec::new();
    for (attribute, value) in attributes(body.get(12..)?) {
        match attribute {
            RTA_DST => destination = address(value),
            RTA_OIF => device = u32_at(value, 0),
            RTA_GATEWAY => gateways.extend(address(value)),
            RTA_PRIORITY => metric = u32_at(value, 0)?,
            RTA_PREFSRC => source = address(value),
            RTA_TABLE => table = u32_at(value, 0)?,
            RTA_MULTIPATH => gateways.extend(decode_next_hops(value)),
            _ => {}
        }
    }
    if table != TABLE || protocol != PROTOCOL {
        return Some(DecodedRoute::Other(gateways));
    }
    let unspecified = if i32::from(family) == libc::AF_INET {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    } else {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    };
    let prefix = Prefix::containing(destination.unwrap_or(unspecified), length).ok()?;
    let kind = match kind {
        libc::RTN_UNREACHABLE => RouteKind::Unreachable,
        _ => RouteKind::Device { index: device.unwrap_or(0), source },
    };
    Some(DecodedRoute::Ours(Route { prefix, kind, metric }))
}

/// Routers of a multipath route: `struct rtnexthop` and its attributes, again and again.
fn decode_next_hops(mut bytes: &[u8]) -> Vec<IpAddr> {
    let mut gateways = Vec::new();
    while let Some(len) = u16_at(bytes, 0).map(usize::from) {
        let Some(own) = bytes.get(8..len) else { break };
        gateways
            .extend(attributes(own).filter(|(kind, _)| *kind == RTA_GATEWAY).filter_map(|(_, value)| address(value)));
        bytes = bytes.get(align(len)..).unwrap_or_default();
    }
    gateways
}

/// A rule of ours, from the body of `RTM_NEWRULE`; `None` for everybody else's.
pub fn decode_rule(body: &[u8]) -> Option<Rule> {
    let ipv4 = i32::from(*body.first()?) == libc::AF_INET;
    let (mut table, mut priority, mut protocol) = (u32::from(*body.get(4)?), 0, 0);
    for (kind, value) in attributes(body.get(12..)?) {
        match kind {
            FRA_PRIORITY => priority = u32_at(value, 0)?,
            FRA_TABLE => table = u32_at(value, 0)?,
            FRA_PROTOCOL => protocol = *value.first()?,
            _ => {}
        }
    }
    (table == TABLE && protocol == PROTOCOL).then_some(Rule { ipv4, priority })
}

/// A request being written.
#[derive(Debug)]
pub struct Request(Vec<u8>);

impl Request {
    fn new(kind: u16, flags: i32, body: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER_LEN];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        let flags = u16::try_from(flags | libc::NLM_F_REQUEST).expect("netlink flags have 16 bits");
        bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(body);
        Self(bytes)
    }

    fn put(mut self, kind: u16, value: &[u8]) -> Self {
        let len = u16::try_from(4 + value.len()).expect("attributes here are short");
        self.0.extend_from_slice(&len.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(align(self.0.len()), 0);
        self
    }

    fn put_u32(self, kind: u16, value: u32) -> Self {
        self.put(kind, &value.to_ne_bytes())
    }

    fn put_address(self, kind: u16, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => self.put(kind, &address.octets()),
            IpAddr::V6(address) => self.put(kind, &address.octets()),
        }
    }

    /// The bytes to send.
    pub fn finish(mut self, sequence: u32) -> Vec<u8> {
        let len = u32::try_from(self.0.len()).expect("requests here are short");
        self.0[..4].copy_from_slice(&len.to_ne_bytes());
        self.0[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.0
    }
}

fn family(ipv4: bool) -> u8 {
    if ipv4 { libc::AF_INET as u8 } else { libc::AF_INET6 as u8 }
}

/// Asks for all links.
pub fn dump_links() -> Request {
    Request::new(libc::RTM_GETLINK, libc::NLM_F_DUMP, &[0; 16])
}

/// Asks for all addresses.
pub fn dump_addresses() -> Request {
    Request::new(libc::RTM_GETADDR, libc::NLM_F_DUMP, &[0; 8])
}

/// Asks for the routes of our table, or of `main`.
pub fn dump_routes(ipv4: bool, ours: bool) -> Request {
    let mut body = [0; 12];
    body[0] = family(ipv4);
    let table = if ours { TABLE } else { TABLE_MAIN };
    Request::new(libc::RTM_GETROUTE, libc::NLM_F_DUMP, &body).put_u32(RTA_TABLE, table)
}

/// Asks for all rules of a family.
pub fn dump_rules(ipv4: bool) -> Request {
    let mut body = [0; 12];
    body[0] = family(ipv4);
    Request::new(libc::RTM_GETRULE, libc::NLM_F_DUMP, &body)
}

/// Sets an interface up, with this MTU.
pub fn set_link(index: u32, mtu: u16) -> Request {
    let up = libc::IFF_UP as u32;
    let mut body = [0; 16];
    body[4..8].copy_from_slice(&index.to_ne_bytes());
    body[8..12].copy_from_slice(&up.to_ne_bytes());
    body[12..16].copy_from_slice(&up.to_ne_bytes());
    Request::new(libc::RTM_NEWLINK, libc::NLM_F_ACK, &body).put_u32(IFLA_MTU, mtu.into())
}

/// Adds or removes an address of an interface.
pub fn change_address(add: bool, index: u32, own: InterfaceAddress) -> Request {
    let mut body = [0; 8];
    body[0] = family(own.address.is_ipv4());
    body[1] = own.length;
    body[4..8].copy_from_slice(&index.to_ne_bytes());
    let (kind, flags) = if add {
        (libc::RTM_NEWADDR, libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_REPLACE)
    } else {
        (libc::RTM_DELADDR, libc::NLM_F_ACK)
    };
    let request =
        Request::new(kind, flags, &body).put_address(IFA_LOCAL, own.address).put_address(IFA_ADDRESS, own.address);
    // Nobody else can have the address: it comes from the network state or the NodeId.
    if add && own.address.is_ipv6() { request.put_u32(IFA_FLAGS, IFA_F_NODAD) } else { request }
}

/// Adds (or replaces) or removes a route of ours.
pub fn change_route(add: bool, route: &Route) -> Request {
    let ipv4 = route.prefix.network().is_ipv4();
    let mut body = [0; 12];
    body[0] = family(ipv4);
    body[1] = route.prefix.length();
    body[4] = TABLE_COMPAT;
    body[5] = PROTOCOL;
    body[7] = match route.kind {
        RouteKind::Device { .. } => libc::RTN_UNICAST,
        RouteKind::Unreachable => libc::RTN_UNREACHABLE,
    };
    if ipv4 && matches!(route.kind, RouteKind::Device { .. }) {
        body[6] = SCOPE_LINK;
    }
    let (kind, flags) = if add {
        (libc::RTM_NEWROUTE, libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_REPLACE)
    } else {
        (libc::RTM_DELROUTE, libc::NLM_F_ACK)
    };
    let request = Request::new(kind, flags, &body)
        .put_u32(RTA_TABLE, TABLE)
        .put_address(RTA_DST, route.prefix.network())
        .put_u32(RTA_PRIORITY, route.metric);
    match route.kind {
        RouteKind::Device { index, source } => {
            let request = request.put_u32(RTA_OIF, index);
            match source {
                Some(source) if add => request.put_address(RTA_PREFSRC, source),
                _ => request,
            }
        }
        RouteKind::Unreachable => request,
    }
}

/// Adds or removes a rule of ours.
pub fn change_rule(add: bool, rule: Rule) -> Request {
    let mut body = [0; 12];
    body[0] = family(rule.ipv4);
    body[4] = TABLE_COMPAT;
    body[7] = FR_ACT_TO_TBL;
    let (kind, flags) = if add {
        (libc::RTM_NEWRULE, libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL)
    } else {
        (libc::RTM_DELRULE, libc::NLM_F_ACK)
    };
    Request::new(kind, flags, &body)
        .put_u32(FRA_TABLE, TABLE)
        .put_u32(FRA_PRIORITY, rule.priority)
        .put(FRA_PROTOCOL, &[PROTOCOL])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body_of(request: Request) -> (u16, Vec<u8>) {
        let bytes = request.finish(7);
        let mut all = messages(&bytes);
        let received = all.next().unwrap();
        assert_eq!(received.sequence, 7);
        assert!(all.next().is_none());
        (received.kind, received.body.to_vec())
    }

    #[test]
    fn routes_and_rules_are_read_as_they_are_written() {
        for route in [
            Route { prefix: "10.1.0.0/16".parse().unwrap(), kind: RouteKind::Unreachable, metric: 9 },
            Route {
                prefix: "fd00::/8".parse().unwrap(),
                kind: RouteKind::Device { index: 300, source: Some("fd71::1".parse().unwrap()) },
                metric: 100,
            },
        ] {
            assert_eq!(decode_route(&body_of(change_route(true, &route)).1), Some(DecodedRoute::Ours(route)));
        }
        let rule = Rule { ipv4: false, priority: RULE_PRIORITY };
        assert_eq!(decode_rule(&body_of(change_rule(true, rule)).1), Some(rule));
    }

    #[test]
    fn addresses_and_links_are_read() {
        let own = InterfaceAddress { address: "100.64.1.2".parse().unwrap(), length: 16 };
        let address = decode_address(&body_of(change_address(true, 5, own)).1).unwrap();
        assert_eq!(address, Address { index: 5, own, connected: "100.64.0.0/16".parse().unwrap() });
        let link = decode_link(&body_of(set_link(5, 1400)).1).unwrap();
        assert_eq!(link, Link { index: 5, name: String::new(), mtu: 1400, up: true, carries: false });
    }

    #[test]
    fn a_foreign_route_gives_its_routers() {
        let mut hop = vec![0; 8];
        hop.extend([8, 0, 5, 0, 192, 0, 2, 1]);
        hop[0] = u8::try_from(hop.len()).unwrap();
        let (_, mut body) = body_of(dump_routes(true, false));
        body[5] = 2;
        body.extend([u8::try_from(4 + hop.len()).unwrap(), 0, 9, 0]);
        body.extend(&hop);
        assert_eq!(decode_route(&body), Some(DecodedRoute::Other(vec!["192.0.2.1".parse().unwrap()])));
    }

    /// The kernel is trusted, but a mistake here must not take the tunnel down.
    #[test]
    fn every_cut_and_every_flipped_byte_is_survived() {
        let route = Route {
            prefix: "10.1.0.0/16".parse().unwrap(),
            kind: RouteKind::Device { index: 3, source: None },
            metric: 9,
        };
        let bytes = change_route(true, &route).finish(1);
        let try_all = |bytes: &[u8]| {
            for received in messages(bytes) {
                let _ = decode_route(received.body);
                let _ = decode_rule(received.body);
                let _ = decode_link(received.body);
                let _ = decode_address(received.body);
                let _ = decode_next_hops(received.body);
            }
        };
        for end in 0..bytes.len() {
            try_all(&bytes[..end]);
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 3, 255] {
                let mut flipped = bytes.clone();
                flipped[at] = value;
                try_all(&flipped);
            }
        }
    }
}
