use super::*;
use crate::messages::{Peer, Tun};

const OWN: NodeId = NodeId(*b"own-own-own-own-own-");
const YORK: NodeId = NodeId(*b"york-york-york-york-");
const LEEDS: NodeId = NodeId(*b"leeds-leeds-leeds-le");

fn own() -> OwnBox {
    OwnBox { node: OWN, generation: 4, processors: 2 }
}

fn good() -> DesiredState {
    DesiredState {
        generation: 5,
        name: "office".into(),
        tun: Tun {
            name: "quicether0".into(),
            mtu: 1500,
            addresses: vec!["100.64.1.2/32".into(), "fd71:6574:6872::1/128".into()],
        },
        listen: vec!["0.0.0.0:9000".into(), "[::]:9000".into()],
        answer_strangers: false,
        peers: vec![
            Peer {
                node_id: YORK.to_string(),
                addresses: vec!["192.0.2.1:9000".into()],
                prefixes: vec!["100.64.9.9/32".into(), "192.168.7.0/24".into()],
            },
            Peer { node_id: LEEDS.to_string(), addresses: vec![], prefixes: vec!["100.64.9.8/32".into()] },
        ],
        dial: vec!["[2001:db8::5]:9000".into()],
        local_prefixes: vec!["192.168.1.0/24".into()],
        forward: true,
        max_connections: 10_000,
        cpu_affinity: vec![1],
    }
}

#[test]
fn a_good_state_becomes_typed_values() {
    let parsed = parse(&good(), own()).unwrap();
    assert_eq!(parsed.routes.len(), 3);
    assert_eq!(parsed.routes[2], ("100.64.9.8/32".parse().unwrap(), LEEDS));
    assert_eq!(parsed.runtime.local.len(), 3, "own addresses and what is behind the box");
    assert_eq!(parsed.runtime.claimed, [parsed.addresses[0].address, parsed.addresses[1].address]);
    assert_eq!(parsed.outer.len(), 2);
}

/// Every wrong value names its place, itself and what would do.
#[test]
fn every_bad_value_says_place_value_and_remedy() {
    type Change = fn(&mut DesiredState);
    let cases: &[(Change, &str, &str)] = &[
        (|s| s.generation = 4, "generation: \"4\"", "above 4"),
        (|s| s.generation = u64::MAX, "generation:", "at most"),
        (|s| s.name = "a\nb".into(), "name: ", "control"),
        (|s| s.tun.name = "a/b".into(), "tun.name: \"a/b\"", "1 to 15"),
        (|s| s.tun.name = String::new(), "tun.name: \"\"", "1 to 15"),
        (|s| s.tun.name = "quicether-too-long".into(), "tun.name", "1 to 15"),
        (|s| s.tun.mtu = 1279, "tun.mtu: \"1279\"", "1280"),
        (|s| s.tun.mtu = 9217, "tun.mtu: \"9217\"", "9216"),
        (|s| s.tun.addresses[0] = "100.64.1.300/16".into(), "tun.addresses[0]: \"100.64.1.300/16\"", "address/length"),
        (|s| s.tun.addresses[0] = "100.64.1.2/33".into(), "tun.addresses[0]", "beyond its address family"),
        (|s| s.tun.addresses[0] = "100.64.0.0/16".into(), "tun.addresses[0]", "network itself"),
        (|s| s.tun.addresses[1] = "fe80::1/64".into(), "tun.addresses[1]", "link-local"),
        (|s| s.tun.addresses[1] = "100.64.1.2/24".into(), "tun.addresses[1]", "twice"),
        (|s| s.listen[1] = "9000".into(), "listen[1]: \"9000\"", "address:port"),
        (|s| s.listen[1] = "0.0.0.0:9000".into(), "listen[1]", "twice"),
        (|s| s.peers[0].node_id = "qe1typo".into(), "peers[0].node_id: \"qe1typo\"", "checksum"),
        (|s| s.peers[1].node_id = YORK.to_string(), "peers[1].node_id", "peers[0] already"),
        (|s| s.peers[1].node_id = OWN.to_string(), "peers[1].node_id", "this box itself"),
        (|s| s.peers[0].addresses[0] = "host:9000".into(), "peers[0].addresses[0]: \"host:9000\"", "address:port"),
        (|s| s.peers[0].addresses[0] = "192.0.2.1:0".into(), "peers[0].addresses[0]", "port 0"),
        (|s| s.peers[0].prefixes[1] = "192.168.7.1/24".into(), "peers[0].prefixes[1]: \"192.168.7.1/24\"", "bits set"),
        (|s| s.peers[1].prefixes[0] = "192.168.7.0/24".into(), "peers[1].prefixes[0]", "belongs to peers[0]"),
        (|s| s.peers[1].prefixes[0] = "127.0.0.0/8".into(), "peers[1].prefixes[0]", "loopback"),
        (|s| s.dial[0] = "224.0.0.1:9000".into(), "dial[0]", "one box"),
        (|s| s.local_prefixes[0] = "192.168.1.0".into(), "local_prefixes[0]", "address/length"),
        (|s| s.max_connections = 0, "max_connections: \"0\"", "from 1"),
        (|s| s.cpu_affinity = vec![0, 2], "cpu_affinity[1]: \"2\"", "0 to 1"),
    ];
    for (change, place, remedy) in cases {
        let mut state = good();
        change(&mut state);
        let error = parse(&state, own()).expect_err(place).to_string();
        assert!(error.starts_with(place) && error.contains(remedy), "{error}");
    }
}

#[test]
fn a_small_mtu_is_fine_without_ipv6() {
    let mut state = good();
    state.tun.addresses.pop();
    state.tun.mtu = 576;
    assert!(parse(&state, own()).is_ok());
}

#[test]
fn a_long_value_is_cut_in_the_error() {
    let mut state = good();
    state.dial[0] = "x".repeat(1 << 20);
    assert!(parse(&state, own()).unwrap_err().to_string().len() < 250);
}
