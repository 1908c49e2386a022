//! The kernel's side of the tunnel, made so and kept so.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::decide::{Plan, decide, decide_removal};
use crate::message::{self, DecodedRoute, Request};
use crate::netlink::Netlink;
use crate::state::{Change, Desired, Observed, Route, RouteKind, RouteOutcome};
use crate::sysctl::{Sysctl, SysctlError};

/// Somebody who keeps undoing our work is answered at most this often.
const REPAIR_INTERVAL: Duration = Duration::from_millis(250);
/// Looked at without any news this often.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);
/// Repairs told one by one; the rest is a number.
const MAX_TOLD: usize = 8;

/// Why the kernel does not have what it should.
#[derive(Debug)]
pub enum HostError {
    /// The interface is gone.
    InterfaceGone(String),
    /// A change was refused: what, and the system's answer.
    Refused(String, io::Error),
    /// A setting was refused.
    Setting(SysctlError),
    /// The kernel could not be asked.
    Netlink(io::Error),
}

impl HostError {
    /// Stable code, as in the engine's messages.
    pub fn code(&self) -> &'static str {
        let error = match self {
            Self::InterfaceGone(_) => return "internal",
            Self::Refused(_, error) | Self::Netlink(error) => error,
            Self::Setting(setting) => &setting.error,
        };
        if error.kind() == io::ErrorKind::PermissionDenied { "permission" } else { "internal" }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InterfaceGone(name) => write!(f, "the interface {name} is gone: somebody removed it"),
            Self::Refused(what, error) => write!(f, "the kernel refused the {what}: {error}"),
            Self::Setting(SysctlError { name, value, error }) => write!(
                f,
                "forwarding needs {0} = {value}, which cannot be set ({error}): set it yourself with sysctl -w {0}={value}",
                name.replace('/', ".")
            ),
            Self::Netlink(error) => write!(f, "the kernel's routes cannot be read or changed: {error}"),
        }
    }
}

impl std::error::Error for HostError {}

impl From<io::Error> for HostError {
    fn from(error: io::Error) -> Self {
        Self::Netlink(error)
    }
}

/// Owner of everything the tunnel has in the kernel besides the interface itself.
pub struct Host {
    requests: Netlink,
    news: Netlink,
    sysctl: Sysctl,
    desired: Option<Desired>,
    routes: Vec<RouteOutcome>,
    names: HashMap<IpAddr, String>,
    /// Links that could carry packets when last looked at.
    carrying: BTreeSet<u32>,
    tun_name: String,
    moved: bool,
    changed: bool,
    checked: Instant,
}

impl Host {
    /// Opens the way to the kernel; changes nothing. What a killed engine left is cleaned up by
    /// the first [`Self::apply`] or [`Self::remove`], not before: until then it keeps packets for
    /// peers from leaving unencrypted. `memory` is a file that keeps settings as they were.
    pub fn open(memory: PathBuf) -> io::Result<Self> {
        let mut host = Self {
            requests: Netlink::requests()?,
            news: Netlink::news()?,
            sysctl: Sysctl::open("/proc/sys".into(), memory),
            desired: None,
            routes: Vec::new(),
            names: HashMap::new(),
            carrying: BTreeSet::new(),
            tun_name: String::new(),
            moved: false,
            changed: false,
            checked: Instant::now(),
        };
        let observed = host.observe()?;
        host.remember_names(&observed);
        host.moved = false;
        Ok(host)
    }

    /// Makes it so. A route that must not or cannot be installed is no failure but told in
    /// [`Self::routes`].
    pub fn apply(&mut self, desired: Desired) -> Result<(), HostError> {
        self.prepare_interface(&desired.tun_name);
        self.tun_name.clone_from(&desired.tun_name);
        self.reconcile(&desired)?;
        if desired.forward {
            self.sysctl.forward().map_err(HostError::Setting)?;
        } else {
            self.sysctl.restore().map_err(HostError::Setting)?;
        }
        self.desired = Some(desired);
        Ok(())
    }

    /// Puts back what somebody else removed; what that was, in words. To be called often: it does
    /// nothing unless the kernel had news.
    pub fn repair(&mut self, now: Instant) -> Result<Vec<String>, HostError> {
        self.changed |= self.news.drain(matters);
        let since = now.saturating_duration_since(self.checked);
        if since < REPAIR_INTERVAL || !(self.changed || since >= CHECK_INTERVAL) {
            return Ok(Vec::new());
        }
        (self.changed, self.checked) = (false, now);
        let Some(desired) = self.desired.take() else {
            let observed = self.observe()?;
            self.remember_names(&observed);
            return Ok(Vec::new());
        };
        let mut repaired = self.reconcile(&desired);
        if desired.forward
            && let Ok(told) = &mut repaired
            && matches!(self.sysctl.forward(), Ok(true))
        {
            told.push("forwarding".into());
        }
        self.desired = Some(desired);
        repaired.map(cut)
    }

    /// Removes every rule, route and setting of ours, also those that an earlier engine left.
    pub fn remove(&mut self) -> Result<(), HostError> {
        self.desired = None;
        self.routes.clear();
        let restored = self.sysctl.restore().map_err(HostError::Setting);
        let observed = self.observe()?;
        let changes = decide_removal(&observed);
        let outcomes = self.requests.change(changes.iter().map(request).collect())?;
        for (change, outcome) in changes.iter().zip(outcomes) {
            match outcome {
                // The interface may go at the same time and take its routes with it.
                Err(error) if !is_gone(&error) => return Err(HostError::Refused(describe(change, ""), error)),
                _ => {}
            }
        }
        restored
    }

    /// What became of each desired route, in their order.
    pub fn routes(&self) -> &[RouteOutcome] {
        &self.routes
    }

    /// Whether an address of this machine, not of the tunnel, came or went since the last call.
    pub fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Name of the interface that has this address.
    pub fn interface_of(&self, address: IpAddr) -> Option<&str> {
        self.names.get(&address.to_canonical()).map(String::as_str)
    }

    /// Settings of the interface itself; they go away with it. None of them is worth a failure.
    fn prepare_interface(&self, name: &str) {
        let settings = [
            // Some systems switch IPv6 off for new interfaces.
            (format!("net/ipv6/conf/{name}/disable_ipv6"), "0"),
            // No link-local address and no router solicitations into the tunnel.
            (format!("net/ipv6/conf/{name}/addr_gen_mode"), "1"),
            (format!("net/ipv6/conf/{name}/accept_ra"), "0"),
            // The engine checks sources itself; strict mode would drop what comes in for a
            // prefix whose route is not installed, and the maximum with "all" counts.
            (format!("net/ipv4/conf/{name}/rp_filter"), "2"),
        ];
        for (setting, value) in settings {
            let _ = self.sysctl.set_own(&setting, value);
        }
    }

    /// What is missing is added, what should not be is removed; what was added, in words.
    fn reconcile(&mut self, desired: &Desired) -> Result<Vec<String>, HostError> {
        let observed = self.observe()?;
        if !observed.links.iter().any(|link| link.index == desired.tun_index) {
            return Err(HostError::InterfaceGone(desired.tun_name.clone()));
        }
        let Plan { changes, mut routes } = decide(desired, &observed);
        let mut told = Vec::new();
        // Routes need the addresses, and both need the interface to be up.
        let (first, rest): (Vec<Change>, Vec<Change>) =
            changes.into_iter().partition(|change| matches!(change, Change::SetLink(..) | Change::AddAddress(..)));
        for changes in [first, rest] {
            let outcomes = self.requests.change(changes.iter().map(request).collect())?;
            for (change, outcome) in changes.iter().zip(outcomes) {
                match (change, outcome) {
                    (Change::AddRoute(route), Err(error)) => give_up(&mut routes, route, &error),
                    (Change::RemoveRoute(_) | Change::RemoveAddress(..) | Change::RemoveRule(_), Err(error))
                        if is_gone(&error) => {}
                    (Change::AddRule(_), Err(error)) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    (_, Err(error)) => return Err(HostError::Refused(describe(change, &desired.tun_name), error)),
                    (Change::RemoveRoute(_) | Change::RemoveAddress(..) | Change::RemoveRule(_), Ok(())) => {}
                    (_, Ok(())) => told.push(describe(change, &desired.tun_name)),
                }
            }
        }
        self.routes = routes;
        let own = desired.addresses.iter().map(|own| (own.address, desired.tun_name.clone()));
        self.remember_names(&observed);
        self.names.extend(own);
        Ok(told)
    }

    fn observe(&mut self) -> io::Result<Observed> {
        let ipv6 = Path::new("/proc/sys/net/ipv6").exists();
        let mut observed = Observed {
            links: self.requests.dump(message::dump_links, message::decode_link)?,
            addresses: self.requests.dump(message::dump_addresses, message::decode_address)?,
            ipv6,
            ..Observed::default()
        };
        for ipv4 in [true, false] {
            if !ipv4 && !ipv6 {
                continue;
            }
            observed.rules.extend(self.requests.dump(|| message::dump_rules(ipv4), message::decode_rule)?);
            for ours in [true, false] {
                let found = self.requests.dump(|| message::dump_routes(ipv4, ours), message::decode_route);
                let found = match found {
                    // A table nobody has used yet does not exist.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                    found => found?,
                };
                for route in found {
                    match route {
                        DecodedRoute::Ours(route) => observed.routes.push(route),
                        DecodedRoute::Other(gateways) => observed.gateways.extend(gateways),
                    }
                }
            }
        }
        observed.gateways.sort_unstable();
        observed.gateways.dedup();
        Ok(observed)
    }

    fn remember_names(&mut self, observed: &Observed) {
        let name = |index| observed.links.iter().find(|link| link.index == index).map(|link| link.name.clone());
        let names: HashMap<_, _> =
            observed.addresses.iter().filter_map(|a| Some((a.own.address, name(a.index)?))).collect();
        let outside = |names: &HashMap<IpAddr, String>| -> BTreeSet<IpAddr> {
            names.iter().filter(|(_, name)| **name != self.tun_name).map(|(address, _)| *address).collect()
        };
        // A cable that was plugged in again has changed no address, and yet everything.
        let carrying: BTreeSet<u32> = observed
            .links
            .iter()
            .filter(|link| link.up && link.carries && link.name != self.tun_name)
            .map(|link| link.index)
            .collect();
        self.moved |= outside(&names) != outside(&self.names) || !carrying.is_subset(&self.carrying);
        self.names = names;
        self.carrying = carrying;
    }
}

/// Whether a message of the kernel may mean that something of ours changed: everything about
/// links, addresses and rules, but only routes of our own, because a router with the whole
/// internet in its table has news all the time.
fn matters(kind: u16, body: &[u8]) -> bool {
    match kind {
        libc::RTM_NEWROUTE | libc::RTM_DELROUTE => matches!(message::decode_route(body), Some(DecodedRoute::Ours(_))),
        libc::RTM_NEWLINK
        | libc::RTM_DELLINK
        | libc::RTM_NEWADDR
        | libc::RTM_DELADDR
        | libc::RTM_NEWRULE
        | libc::RTM_DELRULE => true,
        _ => false,
    }
}

fn request(change: &Change) -> Request {
    match change {
        Change::SetLink(index, mtu) => message::set_link(*index, *mtu),
        Change::AddAddress(index, own) => message::change_address(true, *index, *own),
        Change::RemoveAddress(index, own) => message::change_address(false, *index, *own),
        Change::AddRoute(route) => message::change_route(true, route),
        Change::RemoveRoute(route) => message::change_route(false, route),
        Change::AddRule(rule) => message::change_rule(true, *rule),
        Change::RemoveRule(rule) => message::change_rule(false, *rule),
    }
}

fn describe(change: &Change, tun_name: &str) -> String {
    match change {
        Change::SetLink(_, mtu) => format!("interface {tun_name}, up with MTU {mtu}"),
        Change::AddAddress(_, own) | Change::RemoveAddress(_, own) => {
            format!("address {}/{} of {tun_name}", own.address, own.length)
        }
        Change::AddRoute(Route { prefix, kind: RouteKind::Unreachable, .. }) => {
            format!("unreachable route to {prefix}")
        }
        Change::AddRoute(route) | Change::RemoveRoute(route) => format!("route to {}", route.prefix),
        Change::AddRule(rule) | Change::RemoveRule(rule) => {
            format!("{} rule for table {}", if rule.ipv4 { "IPv4" } else { "IPv6" }, message::TABLE)
        }
    }
}

fn give_up(routes: &mut [RouteOutcome], refused: &Route, error: &io::Error) {
    for route in routes.iter_mut().filter(|route| route.prefix == refused.prefix) {
        (route.installed, route.problem) = (false, Some(format!("the kernel refused it: {error}")));
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ESRCH | libc::ENOENT | libc::ENODEV | libc::EADDRNOTAVAIL))
}

fn cut(mut told: Vec<String>) -> Vec<String> {
    if told.len() > MAX_TOLD {
        let more = told.len() - MAX_TOLD;
        told.truncate(MAX_TOLD);
        told.push(format!("{more} more"));
    }
    told
}
