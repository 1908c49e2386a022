//! From what should be and what is to what has to be done. Pure.

use std::collections::HashSet;
use std::net::IpAddr;

use quicether_core::Prefix;

use crate::message::RULE_PRIORITY;
use crate::state::{Change, Desired, InterfaceAddress, Observed, Route, RouteKind, RouteOutcome, Rule};

/// Of the routes into the tunnel.
const METRIC: u32 = 100;
/// Of the unreachable routes behind them: nothing else of ours is higher.
const UNREACHABLE_METRIC: u32 = 0x7fff_0000;

/// What to do, and what becomes of each desired route.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// In this order.
    pub changes: Vec<Change>,
    /// In the order of the desired routes; `installed` says what will be when all changes succeed.
    pub routes: Vec<RouteOutcome>,
}

/// What has to be done so that the kernel has what it should.
///
/// Things are added before others are taken away, and the rules come last, so that no packet for
/// a peer finds its way to the default route in between.
pub fn decide(desired: &Desired, observed: &Observed) -> Plan {
    let mut outer: Vec<IpAddr> = desired.outer.iter().map(IpAddr::to_canonical).collect();
    outer.sort_unstable();
    let routes: Vec<RouteOutcome> = desired
        .routes
        .iter()
        .map(|prefix| {
            let problem = find_problem(*prefix, desired, observed, &outer);
            RouteOutcome { prefix: *prefix, installed: problem.is_none(), problem }
        })
        .collect();
    let mut changes = decide_interface(desired, observed);
    let wanted: HashSet<Route> = routes
        .iter()
        .filter(|route| route.installed)
        .flat_map(|route| routes_for(route.prefix, desired, observed))
        .collect();
    let present: HashSet<Route> = observed.routes.iter().copied().collect();
    // Unreachable ones first: then there is no moment without one of the two.
    let mut missing: Vec<Route> = wanted.difference(&present).copied().collect();
    missing.sort_by_key(|route| (std::cmp::Reverse(route.metric), route.prefix));
    changes.extend(missing.iter().copied().map(Change::AddRoute));
    // Adding replaces what differs only in device or source; removing that again would hit the new one.
    let replaced: HashSet<(Prefix, u32)> = wanted.iter().map(|route| (route.prefix, route.metric)).collect();
    let mut extra: Vec<Route> =
        present.into_iter().filter(|route| !replaced.contains(&(route.prefix, route.metric))).collect();
    extra.sort_by_key(|route| (route.metric, route.prefix));
    changes.extend(extra.into_iter().map(Change::RemoveRoute));
    changes.extend(decide_rules(observed));
    Plan { changes, routes }
}

/// What has to be done so that nothing of ours is left.
pub fn decide_removal(observed: &Observed) -> Vec<Change> {
    let rules = observed.rules.iter().copied().map(Change::RemoveRule);
    rules.chain(observed.routes.iter().copied().map(Change::RemoveRoute)).collect()
}

fn decide_interface(desired: &Desired, observed: &Observed) -> Vec<Change> {
    let index = desired.tun_index;
    let mut changes = Vec::new();
    let link = observed.links.iter().find(|link| link.index == index);
    if !link.is_some_and(|link| link.up && link.mtu == u32::from(desired.mtu)) {
        changes.push(Change::SetLink(index, desired.mtu));
    }
    let present: Vec<InterfaceAddress> =
        observed.addresses.iter().filter(|address| address.index == index).map(|address| address.own).collect();
    let possible = |own: &&InterfaceAddress| own.address.is_ipv4() || observed.ipv6;
    let wanted: Vec<InterfaceAddress> = desired.addresses.iter().filter(possible).copied().collect();
    changes.extend(wanted.iter().filter(|own| !present.contains(own)).map(|own| Change::AddAddress(index, *own)));
    let extra = present.iter().filter(|own| !wanted.contains(own) && !is_link_local(own.address));
    changes.extend(extra.map(|own| Change::RemoveAddress(index, *own)));
    changes
}

fn decide_rules(observed: &Observed) -> Vec<Change> {
    let mut changes = Vec::new();
    for ipv4 in [true, false] {
        let rule = Rule { ipv4, priority: RULE_PRIORITY };
        if (ipv4 || observed.ipv6) && !observed.rules.contains(&rule) {
            changes.push(Change::AddRule(rule));
        }
    }
    let mut seen = HashSet::new();
    let extra = observed.rules.iter().filter(|rule| rule.priority != RULE_PRIORITY || !seen.insert(**rule));
    changes.extend(extra.copied().map(Change::RemoveRule));
    changes
}

/// Into the tunnel, and nowhere when there is no tunnel: the second does not depend on the
/// interface and outlives a killed engine, so that packets for a peer never leave unencrypted.
fn routes_for(prefix: Prefix, desired: &Desired, observed: &Observed) -> [Route; 2] {
    let ipv4 = prefix.network().is_ipv4();
    let own = desired.addresses.iter().map(|own| own.address).find(|own| own.is_ipv4() == ipv4);
    let source = own.filter(|_| ipv4 || observed.ipv6);
    [
        Route { prefix, kind: RouteKind::Device { index: desired.tun_index, source }, metric: METRIC },
        Route { prefix, kind: RouteKind::Unreachable, metric: UNREACHABLE_METRIC },
    ]
}

/// Why a route to a peer must not be installed, and what would help. `outer` is sorted: with
/// thousands of peers every route is held against every address.
fn find_problem(prefix: Prefix, desired: &Desired, observed: &Observed, outer: &[IpAddr]) -> Option<String> {
    if prefix.length() == 0 {
        return Some("sending everything through a peer is not built yet: give the prefixes that lie behind it".into());
    }
    if prefix.network().is_ipv6() && !observed.ipv6 {
        return Some("IPv6 is switched off on this box: start the kernel without ipv6.disable=1".into());
    }
    if desired.addresses.iter().any(|own| Prefix::host(own.address) == prefix) {
        return Some(format!(
            "{} is this box's own overlay address: give one of the two another (network.tun_addr)",
            prefix.network()
        ));
    }
    if let Some(local) = desired.local.iter().find(|local| covers(prefix, **local)) {
        return Some(format!(
            "covers {local}, which lies behind this box: renumber one of the two, or give the peer a longer prefix"
        ));
    }
    let lan = observed.addresses.iter().find(|address| {
        address.index != desired.tun_index && is_lan(address.connected) && covers(prefix, address.connected)
    });
    if let Some(lan) = lan {
        let name = observed.links.iter().find(|link| link.index == lan.index).map_or("an interface", |link| &link.name);
        return Some(format!(
            "covers {}, which is connected directly at {name}: renumber one of the two, or give the peer a longer prefix",
            lan.connected
        ));
    }
    if let Some(gateway) = observed.gateways.iter().find(|gateway| prefix.contains(**gateway)) {
        return Some(format!(
            "contains the router {gateway} that this box needs: renumber one of the two, or give the peer a longer prefix"
        ));
    }
    let first = outer.partition_point(|address| *address < prefix.network());
    let outer = outer.get(first).filter(|address| prefix.contains(**address));
    outer.map(|outer| format!("contains {outer}, where a peer is dialled: the tunnel would lead into itself; give the peer a longer prefix"))
}

fn covers(prefix: Prefix, other: Prefix) -> bool {
    prefix.length() <= other.length() && prefix.contains(other.network())
}

/// Whether a connected prefix is a network with others in it: a single address is the box's own,
/// which the kernel's `local` table looks after, and loopback and link-local never leave.
fn is_lan(prefix: Prefix) -> bool {
    let network = prefix.network();
    prefix.length() < if network.is_ipv4() { 32 } else { 128 } && !network.is_loopback() && !is_link_local(network)
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.segments()[0] & 0xffc0 == 0xfe80,
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
