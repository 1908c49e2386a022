use super::*;
use crate::state::{Address, Link};

const TUN: u32 = 7;

fn own(text: &str) -> InterfaceAddress {
    let (address, length) = text.split_once('/').unwrap();
    InterfaceAddress { address: address.parse().unwrap(), length: length.parse().unwrap() }
}

fn desired(routes: &[&str]) -> Desired {
    Desired {
        tun_index: TUN,
        tun_name: "quicether0".into(),
        mtu: 1500,
        addresses: vec![own("100.64.1.2/32"), own("fd71::2/128")],
        routes: routes.iter().map(|text| text.parse().unwrap()).collect(),
        local: vec![],
        outer: vec![],
        forward: false,
    }
}

fn at(index: u32, text: &str) -> Address {
    let own = own(text);
    Address { index, own, connected: Prefix::containing(own.address, own.length).unwrap() }
}

fn fresh() -> Observed {
    Observed {
        links: vec![
            Link { index: 2, name: "eth0".into(), mtu: 1500, up: true, carries: true },
            Link { index: TUN, name: "quicether0".into(), mtu: 1500, up: false, carries: false },
        ],
        addresses: vec![at(1, "127.0.0.1/8"), at(2, "192.168.1.10/24"), at(2, "fe80::1/64")],
        gateways: vec!["192.168.1.1".parse().unwrap()],
        ipv6: true,
        ..Observed::default()
    }
}

/// The kernel as this crate believes it to be.
fn after(mut world: Observed, changes: &[Change]) -> Observed {
    for change in changes {
        match change {
            Change::SetLink(index, mtu) => {
                let link = world.links.iter_mut().find(|link| link.index == *index).unwrap();
                (link.up, link.mtu) = (true, (*mtu).into());
            }
            Change::AddAddress(index, own) => {
                let connected = Prefix::containing(own.address, own.length).unwrap();
                world.addresses.push(Address { index: *index, own: *own, connected });
            }
            Change::RemoveAddress(index, own) => world.addresses.retain(|a| (a.index, a.own) != (*index, *own)),
            Change::AddRoute(route) => {
                world.routes.retain(|r| (r.prefix, r.metric) != (route.prefix, route.metric));
                world.routes.push(*route);
            }
            Change::RemoveRoute(route) => {
                let before = world.routes.len();
                world.routes.retain(|r| r != route);
                assert_eq!(world.routes.len() + 1, before, "removes what is there");
            }
            Change::AddRule(rule) => world.rules.push(*rule),
            Change::RemoveRule(rule) => {
                let place = world.rules.iter().position(|r| r == rule).unwrap();
                world.rules.remove(place);
            }
        }
    }
    world
}

fn problem(prefix: &str, world: &Observed, change: impl Fn(&mut Desired)) -> Option<String> {
    let mut desired = desired(&[prefix]);
    change(&mut desired);
    decide(&desired, world).routes.remove(0).problem
}

#[test]
fn a_fresh_box_gets_everything_and_then_nothing_more() {
    let desired = desired(&["100.64.9.9/32", "10.7.0.0/16", "fd71::9/128"]);
    let plan = decide(&desired, &fresh());
    assert!(plan.routes.iter().all(|route| route.installed && route.problem.is_none()));
    let world = after(fresh(), &plan.changes);
    assert_eq!((world.routes.len(), world.rules.len()), (6, 2));
    assert!(
        world
            .routes
            .iter()
            .any(|route| route.kind == RouteKind::Device { index: TUN, source: Some("100.64.1.2".parse().unwrap()) })
    );
    assert_eq!(decide(&desired, &world).changes, []);
    let rest = after(world.clone(), &decide_removal(&world));
    assert_eq!((rest.routes, rest.rules), (vec![], vec![]));
}

#[test]
fn what_somebody_removed_comes_back_and_nothing_else() {
    let desired = desired(&["10.7.0.0/16"]);
    let whole = after(fresh(), &decide(&desired, &fresh()).changes);
    let broken: &[fn(&mut Observed)] = &[
        |w| w.links[1].up = false,
        |w| w.links[1].mtu = 1400,
        |w| w.addresses.retain(|a| a.own != own("100.64.1.2/32")),
        |w| w.routes.retain(|r| r.kind == RouteKind::Unreachable),
        |w| w.routes.retain(|r| r.kind != RouteKind::Unreachable),
        |w| w.rules.retain(|r| !r.ipv4),
        |w| w.addresses.push(at(TUN, "10.9.9.9/24")),
        |w| w.rules.push(w.rules[0]),
    ];
    for (i, breaks) in broken.iter().enumerate() {
        let mut world = whole.clone();
        breaks(&mut world);
        let changes = decide(&desired, &world).changes;
        assert_eq!(changes.len(), 1, "case {i}: {changes:?}");
        assert_eq!(decide(&desired, &after(world, &changes)).changes, [], "case {i}");
    }
}

#[test]
fn a_killed_engine_left_only_what_keeps_packets_in() {
    let all = desired(&["10.7.0.0/16", "10.8.0.0/16"]);
    let whole = after(fresh(), &decide(&all, &fresh()).changes);
    // The interface is gone, its routes and addresses with it; the new one has another index.
    let mut world = Observed { rules: whole.rules.clone(), routes: whole.routes, ..fresh() };
    world.routes.retain(|route| route.kind == RouteKind::Unreachable);
    world.links[1].index = 9;
    let mut next = desired(&["10.7.0.0/16"]);
    next.tun_index = 9;
    let plan = decide(&next, &world);
    let world = after(world, &plan.changes);
    assert_eq!(world.routes.len(), 2, "the route nobody wants any more is gone");
    assert_eq!(decide(&next, &world).changes, []);
}

#[test]
fn a_route_of_an_old_interface_is_replaced_not_removed() {
    let desired = desired(&["10.7.0.0/16"]);
    let mut world = after(fresh(), &decide(&desired, &fresh()).changes);
    for route in &mut world.routes {
        if let RouteKind::Device { index, .. } = &mut route.kind {
            *index = 3;
        }
    }
    let changes = decide(&desired, &world).changes;
    assert!(matches!(changes[..], [Change::AddRoute(_)]), "{changes:?}");
}

#[test]
fn unreachable_comes_before_the_way_in_and_rules_come_last() {
    let changes = decide(&desired(&["10.7.0.0/16"]), &fresh()).changes;
    let kinds: Vec<&str> = changes
        .iter()
        .map(|change| match change {
            Change::AddRoute(Route { kind: RouteKind::Unreachable, .. }) => "unreachable",
            Change::AddRoute(_) => "device",
            Change::AddRule(_) => "rule",
            _ => "interface",
        })
        .collect();
    assert_eq!(kinds, ["interface", "interface", "interface", "unreachable", "device", "rule", "rule"]);
}

#[test]
fn a_route_never_covers_a_connected_network() {
    for covering in ["192.168.1.0/24", "192.168.0.0/16", "192.0.0.0/8"] {
        let text = problem(covering, &fresh(), |_| {}).unwrap();
        assert!(text.contains("192.168.1.0/24") && text.contains("eth0"), "{text}");
    }
    assert_eq!(problem("192.168.2.0/24", &fresh(), |_| {}), None);
    assert_eq!(problem("192.168.1.128/25", &fresh(), |_| {}), None, "a longer prefix covers nothing");
    let text = problem("192.168.1.0/25", &fresh(), |_| {}).unwrap();
    assert!(text.contains("router 192.168.1.1"), "{text}");
}

#[test]
fn a_network_that_appears_later_takes_the_route_away() {
    let desired = desired(&["10.7.0.0/16"]);
    let mut world = after(fresh(), &decide(&desired, &fresh()).changes);
    world.addresses.push(at(2, "10.7.3.4/24"));
    let plan = decide(&desired, &world);
    assert!(!plan.routes[0].installed);
    assert_eq!(after(world, &plan.changes).routes, []);
}

#[test]
fn other_routes_that_would_cut_the_box_off_are_explained() {
    let world = fresh();
    assert!(problem("0.0.0.0/0", &world, |_| {}).unwrap().contains("not built"));
    assert!(problem("100.64.1.2/32", &world, |_| {}).unwrap().contains("own overlay address"));
    assert!(
        problem("10.0.0.0/8", &world, |d| d.local = vec!["10.1.0.0/16".parse().unwrap()])
            .unwrap()
            .contains("10.1.0.0/16")
    );
    assert_eq!(problem("10.1.2.0/24", &world, |d| d.local = vec!["10.1.0.0/16".parse().unwrap()]), None);
    assert!(
        problem("203.0.113.0/24", &world, |d| d.outer = vec!["203.0.113.5".parse().unwrap()])
            .unwrap()
            .contains("into itself")
    );
    let mapped = |d: &mut Desired| d.outer = vec!["::ffff:203.0.113.5".parse().unwrap()];
    assert!(problem("203.0.113.0/24", &world, mapped).is_some());
    assert_eq!(
        problem("100.64.0.0/16", &world, |_| {}),
        None,
        "the network of all overlay addresses may lead to a peer"
    );
}

#[test]
fn without_ipv6_the_rest_still_works() {
    let world = Observed { ipv6: false, ..fresh() };
    let plan = decide(&desired(&["10.7.0.0/16", "fd71::9/128"]), &world);
    assert!(plan.routes[0].installed);
    assert!(plan.routes[1].problem.as_ref().unwrap().contains("IPv6"));
    let world = after(world, &plan.changes);
    assert_eq!((world.rules.len(), world.routes.len()), (1, 2));
    assert!(world.addresses.iter().all(|a| a.index != TUN || a.own.address.is_ipv4()));
}
