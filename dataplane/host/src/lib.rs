//! What the kernel should have for the tunnel, what it has, and the repair of the difference.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Instant;

use quicether_core::Prefix;

/// An address of the interface with its prefix length, host bits kept.
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
    /// Addresses peers are dialled at.
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

/// stub
#[derive(Debug)]
pub struct HostError;
impl HostError {
    /// code
    pub fn code(&self) -> &'static str {
        "internal"
    }
}
impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("x")
    }
}

/// stub
pub struct Host;

impl Host {
    /// open
    pub fn open(_memory: PathBuf) -> io::Result<Self> {
        Ok(Self)
    }
    /// apply
    pub fn apply(&mut self, _desired: Desired) -> Result<(), HostError> {
        Ok(())
    }
    /// repair
    pub fn repair(&mut self, _now: Instant) -> Vec<String> {
        Vec::new()
    }
    /// remove
    pub fn remove(&mut self) {}
    /// routes
    pub fn routes(&self) -> &[RouteOutcome] {
        &[]
    }
    /// interface
    pub fn interface_of(&self, _address: IpAddr) -> Option<&str> {
        None
    }
}
