//! What there should be and what there is.

use std::net::IpAddr;

use quicether_core::Prefix;

/// An address of an interface with its prefix length, host bits kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// Leading bits that are the network's.
    pub length: u8,
}

/// Everything the kernel should have, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Kernel index of the interface.
    pub tun_index: u32,
    /// Its name.
    pub tun_name: String,
    /// Inner MTU, bytes.
    pub mtu: u16,
    /// Addresses of the interface.
    pub addresses: Vec<InterfaceAddress>,
    /// Prefixes that lead to peers.
    pub routes: Vec<Prefix>,
    /// Prefixes behind this box: no route to a peer may cover one.
    pub local: Vec<Prefix>,
    /// Addresses peers are dialled at: no route may lead those into the tunnel.
    pub outer: Vec<IpAddr>,
    /// Whether the box forwards.
    pub forward: bool,
}

/// What became of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteOutcome {
    /// Where it leads.
    pub prefix: Prefix,
    /// Whether the kernel has it.
    pub installed: bool,
    /// Why not.
    pub problem: Option<String>,
}

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Kernel index.
    pub index: u32,
    /// Name.
    pub name: String,
    /// Bytes.
    pub mtu: u32,
    /// Switched on.
    pub up: bool,
    /// Whether its cable is plugged in, as far as the kernel knows.
    pub carries: bool,
}

/// An address somebody gave an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// Kernel index of the interface.
    pub index: u32,
    /// The address.
    pub own: InterfaceAddress,
    /// What is connected through it.
    pub connected: Prefix,
}

/// A route in our table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Route {
    /// Where it leads.
    pub prefix: Prefix,
    /// How.
    pub kind: RouteKind,
    /// Lower wins.
    pub metric: u32,
}

/// How a route leads on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteKind {
    /// Into an interface; programs that do not choose use `source`.
    Device {
        /// Kernel index.
        index: u32,
        /// Own address.
        source: Option<IpAddr>,
    },
    /// Nowhere, and the sender is told.
    Unreachable,
}

/// A rule that sends packets to our table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Family.
    pub ipv4: bool,
    /// Lower comes first.
    pub priority: u32,
}

/// What the kernel has, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// All interfaces.
    pub links: Vec<Link>,
    /// All addresses.
    pub addresses: Vec<Address>,
    /// Our routes.
    pub routes: Vec<Route>,
    /// Our rules.
    pub rules: Vec<Rule>,
    /// Routers that other routes lead to.
    pub gateways: Vec<IpAddr>,
    /// Whether the kernel does IPv6 at all.
    pub ipv6: bool,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Interface up, with this MTU.
    SetLink(u32, u16),
    /// Address on an interface.
    AddAddress(u32, InterfaceAddress),
    /// Address off an interface.
    RemoveAddress(u32, InterfaceAddress),
    /// Route of ours.
    AddRoute(Route),
    /// Route of ours that should not be.
    RemoveRoute(Route),
    /// Rule of ours.
    AddRule(Rule),
    /// Rule of ours that should not be.
    RemoveRule(Rule),
}
