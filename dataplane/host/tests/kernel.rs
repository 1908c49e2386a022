//! The real kernel, in a network namespace that goes away with the thread that made it.

use std::cell::Cell;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use quicether_host::{Desired, Host, InterfaceAddress};

/// Runs `test` in a network namespace of its own, or says why not.
fn in_namespace(name: &str, test: impl FnOnce(PathBuf) + Send + 'static) {
    let memory = std::env::temp_dir().join(format!("qe-host-{}-{name}", std::process::id()));
    let own = memory.clone();
    let run = std::thread::spawn(move || {
        // SAFETY: only this thread moves; no memory is involved.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            eprintln!("SKIPPED: a network namespace needs root: {}", std::io::Error::last_os_error());
            return;
        }
        ip("link set lo up");
        add_link("wan");
        ip("address add 192.168.1.10/24 dev wan");
        ip("link set wan up");
        ip("route add default via 192.168.1.1");
        add_link("quicether0");
        test(own);
    });
    let outcome = run.join();
    let _ = std::fs::remove_file(memory);
    outcome.unwrap();
}

fn try_ip(arguments: &str) -> Result<String, String> {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[track_caller]
fn ip(arguments: &str) -> String {
    try_ip(arguments).unwrap_or_else(|error| panic!("ip {arguments}: {error}"))
}

/// A link with a carrier; its other end leads nowhere.
fn add_link(name: &str) {
    ip(&format!("link add {name} type veth peer name {name}-x"));
    ip(&format!("link set {name}-x up"));
}

fn index(name: &str) -> u32 {
    ip(&format!("-o link show {name}")).split(':').next().unwrap().parse().unwrap()
}

fn desired(routes: &[&str]) -> Desired {
    let own = |text: &str, length| InterfaceAddress { address: text.parse().unwrap(), length };
    Desired {
        tun_index: index("quicether0"),
        tun_name: "quicether0".into(),
        mtu: 1400,
        addresses: vec![own("100.64.1.2", 32), own("fd71::2", 128)],
        routes: routes.iter().map(|text| text.parse().unwrap()).collect(),
        local: vec![],
        outer: vec![],
        forward: false,
    }
}

fn setting(name: &str) -> String {
    std::fs::read_to_string(format!("/proc/sys/net/{name}")).unwrap().trim().into()
}

/// Repairs two seconds after the last time, without waiting for them.
fn repaired(host: &mut Host) -> Vec<String> {
    host.repair(later()).unwrap()
}

fn later() -> Instant {
    thread_local!(static CALLS: Cell<u64> = const { Cell::new(0) });
    CALLS.set(CALLS.get() + 1);
    Instant::now() + Duration::from_secs(2 * CALLS.get())
}

#[test]
fn everything_is_made_used_and_removed() {
    in_namespace("made", |memory| {
        let mut host = Host::open(memory).unwrap();
        host.apply(desired(&["100.64.9.9/32", "10.7.0.0/16", "fd71::9/128", "192.168.0.0/16"])).unwrap();
        for route in &host.routes()[..3] {
            assert!(route.installed && route.problem.is_none(), "{route:?}");
        }
        assert!(host.routes()[3].problem.as_ref().unwrap().contains("192.168.1.0/24"));
        let way = ip("route get 10.7.1.1");
        assert!(
            way.contains("dev quicether0") && way.contains("src 100.64.1.2") && way.contains("table 9000"),
            "{way}"
        );
        assert!(ip("route get fd71::9").contains("src fd71::2"));
        assert!(ip("route get 100.64.1.2").contains("dev lo"), "own address is local");
        assert!(ip("route get 192.168.7.7").contains("dev wan"), "the LAN's cover stays out");
        assert!(ip("link show quicether0").contains("mtu 1400"));
        assert!(!ip("address show dev quicether0").contains("tentative"));
        assert_eq!(host.interface_of("192.168.1.10".parse().unwrap()), Some("wan"));
        assert_eq!(host.interface_of("::ffff:192.168.1.10".parse::<IpAddr>().unwrap()), Some("wan"));
        host.remove().unwrap();
        assert_eq!(try_ip("route show table 9000").unwrap_or_default(), "");
        assert_eq!(try_ip("-6 route show table 9000").unwrap_or_default(), "");
        assert!(!ip("rule show").contains("9000") && !ip("-6 rule show").contains("9000"));
    });
}

#[test]
fn what_is_removed_comes_back() {
    in_namespace("repair", |memory| {
        let mut host = Host::open(memory).unwrap();
        host.apply(desired(&["10.7.0.0/16", "fd99::/16"])).unwrap();
        repaired(&mut host);
        assert_eq!(repaired(&mut host), Vec::<String>::new(), "its own changes are no news for long");
        for (damage, told) in [
            ("route del 10.7.0.0/16 dev quicether0 table 9000", "route to 10.7.0.0/16"),
            ("-6 route del unreachable fd99::/16 table 9000 metric 2147418112", "unreachable route to fd99::/16"),
            ("rule del table 9000", "IPv4 rule for table 9000"),
            ("-6 rule del table 9000", "IPv6 rule for table 9000"),
            ("link set quicether0 mtu 1300", "interface quicether0, up with MTU 1400"),
            ("address del fd71::2/128 dev quicether0", "address fd71::2/128 of quicether0"),
        ] {
            ip(damage);
            let repaired = repaired(&mut host);
            assert!(repaired.iter().any(|what| what == told), "{damage}: {repaired:?}");
        }
        ip("link set quicether0 down");
        let all = repaired(&mut host);
        assert!(all.contains(&"route to 10.7.0.0/16".into()) && all.contains(&"route to fd99::/16".into()), "{all:?}");
        assert!(ip("route get 10.7.1.1").contains("dev quicether0"));
        assert_eq!(repaired(&mut host), Vec::<String>::new());
        ip("link del quicether0");
        let gone = host.repair(later()).unwrap_err();
        assert!(gone.to_string().contains("quicether0 is gone"), "{gone}");
    });
}

#[test]
fn after_a_kill_nothing_leaks_and_the_next_engine_cleans_up() {
    in_namespace("kill", |memory| {
        let mut host = Host::open(memory.clone()).unwrap();
        let forward = |routes: &[&str]| Desired { forward: true, ..desired(routes) };
        assert_eq!(setting("ipv4/ip_forward"), "0", "the namespace is fresh");
        host.apply(forward(&["10.7.0.0/16", "10.8.0.0/16"])).unwrap();
        assert_eq!((setting("ipv4/ip_forward"), setting("ipv6/conf/all/forwarding")), ("1".into(), "1".into()));
        assert_eq!(setting("ipv6/conf/wan/accept_ra"), "2");
        drop(host);
        ip("link del quicether0");
        assert!(try_ip("route get 10.7.1.1").unwrap_err().contains("No route to host"));
        add_link("quicether0");
        let mut host = Host::open(memory.clone()).unwrap();
        assert!(try_ip("route get 10.7.1.1").is_err(), "still nothing leaks before the state is there");
        host.apply(forward(&["10.7.0.0/16"])).unwrap();
        assert!(ip("route get 10.7.1.1").contains("dev quicether0"));
        assert!(ip("route get 10.8.1.1").contains("dev wan"), "what nobody wants any more is gone");
        drop(host);
        Host::open(memory.clone()).unwrap().remove().unwrap();
        assert_eq!((setting("ipv4/ip_forward"), setting("ipv6/conf/all/forwarding")), ("0".into(), "0".into()));
        assert_eq!(setting("ipv6/conf/wan/accept_ra"), "1");
        assert!(!ip("rule show").contains("9000") && !memory.exists());
    });
}

#[test]
fn a_new_lan_takes_its_route_back() {
    in_namespace("lan", |memory| {
        let mut host = Host::open(memory).unwrap();
        host.apply(desired(&["10.7.0.0/16"])).unwrap();
        ip("address add 10.7.3.1/24 dev wan");
        repaired(&mut host);
        assert!(!host.routes()[0].installed);
        assert!(ip("route get 10.7.3.9").contains("dev wan"));
        ip("address del 10.7.3.1/24 dev wan");
        repaired(&mut host);
        assert!(host.routes()[0].installed);
    });
}

#[test]
fn a_cable_plugged_in_again_is_a_reason_to_dial() {
    in_namespace("cable", |memory| {
        ip("link add cable type veth peer name far");
        // Without addresses of their own: those would come and go with the cable.
        ip("link set cable addrgenmode none");
        ip("link set far addrgenmode none");
        ip("link set cable up");
        ip("link set far up");
        let mut host = Host::open(memory).unwrap();
        host.apply(desired(&[])).unwrap();
        // The kernel tells of carriers up to a second late.
        std::thread::sleep(Duration::from_millis(1100));
        repaired(&mut host);
        host.take_moved();
        ip("link set far down");
        std::thread::sleep(Duration::from_millis(1100));
        repaired(&mut host);
        assert!(!host.take_moved(), "nothing is gained by a cable that is pulled");
        ip("link set far up");
        let came = (0..60).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            repaired(&mut host);
            host.take_moved()
        });
        assert!(came);
    });
}

#[test]
fn ten_thousand_peers_are_no_long_wait() {
    in_namespace("many", |memory| {
        let mut host = Host::open(memory).unwrap();
        let prefixes: Vec<String> = (0..10_000).map(|i| format!("100.70.{}.{}/32", i / 250, i % 250 + 1)).collect();
        let mut wanted = desired(&[]);
        wanted.routes = prefixes.iter().map(|text| text.parse().unwrap()).collect();
        let start = Instant::now();
        host.apply(wanted).unwrap();
        assert!(host.routes().iter().all(|route| route.installed));
        assert!(ip("route get 100.70.39.250").contains("dev quicether0"));
        host.remove().unwrap();
        let took = start.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
    });
}
