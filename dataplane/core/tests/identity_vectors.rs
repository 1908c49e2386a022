//! The control plane reads and writes NodeIds, overlay addresses and IP texts by itself. Both
//! sides test against one file; `QUICETHER_WRITE_VECTORS=1 cargo test` writes it anew.

use std::fmt::Write;
use std::net::IpAddr;

use quicether_core::node_id::{NODE_ID_LEN, NodeId, NodeIdError};

const VECTORS: &str = include_str!("../../../test/fixtures/identity-vectors.json");
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/fixtures/identity-vectors.json");

fn node_ids() -> Vec<NodeId> {
    let mut ids = vec![NodeId([0; NODE_ID_LEN]), NodeId([0xff; NODE_ID_LEN]), NodeId(*b"0123456789abcdefghij")];
    let mut state: u32 = 1;
    for _ in 0..29 {
        ids.push(NodeId(std::array::from_fn(|_| {
            // Numerical Recipes; any spread of bits will do.
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })));
    }
    ids
}

/// Written in every way the texts allow; the canonical form is what Rust prints.
const ADDRESSES: &[&str] = &[
    "0.0.0.0",
    "255.255.255.255",
    "100.64.3.7",
    "::",
    "::1",
    "1::",
    "fd71:6574:6872::1",
    "2001:DB8::8:800:200C:417A",
    "2001:db8:0:0:1:0:0:1",
    "2001:db8:0:1:1:1:1:1",
    "0:0:1::",
    "1:0:0:2:0:0:0:3",
    "::ffff:192.0.2.1",
    "::192.0.2.1",
    "64:ff9b::192.0.2.33",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];

/// Ambiguous or wrong: nobody may read an address in these.
const NO_ADDRESSES: &[&str] = &[
    "",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "010.0.0.1",
    "1.2.3.256",
    "1.2.3.4 ",
    "0x1.2.3.4",
    "1..2.3",
    ":",
    ":::",
    "1::2::3",
    "::1%eth0",
    "12345::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1.2.3",
    "1.2.3.4::",
    "[::1]",
    "::01.2.3.4",
    "g::",
];

fn rendered() -> String {
    let mut out = String::from("{\n  \"node_ids\": [\n");
    for (index, id) in node_ids().iter().enumerate() {
        let hex = id.0.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let comma = if index == 0 { "" } else { ",\n" };
        let _ = write!(
            out,
            "{comma}    {{ \"hex\": \"{hex}\", \"text\": \"{id}\", \"v4\": \"{}\", \"v6\": \"{}\" }}",
            id.overlay_v4(),
            id.overlay_v6()
        );
    }
    out.push_str("\n  ],\n  \"addresses\": [\n");
    for (index, text) in ADDRESSES.iter().enumerate() {
        let address: IpAddr = text.parse().expect(text);
        let comma = if index == 0 { "" } else { ",\n" };
        let _ = write!(out, "{comma}    {{ \"text\": \"{text}\", \"canonical\": \"{address}\" }}");
    }
    out.push_str("\n  ],\n  \"no_addresses\": [\n");
    for (index, text) in NO_ADDRESSES.iter().enumerate() {
        assert!(text.parse::<IpAddr>().is_err(), "{text:?} is an address");
        let comma = if index == 0 { "" } else { ",\n" };
        let _ = write!(out, "{comma}    \"{text}\"");
    }
    out.push_str("\n  ]\n}\n");
    out
}

#[test]
fn the_vectors_are_what_this_code_gives() {
    let rendered = rendered();
    if std::env::var_os("QUICETHER_WRITE_VECTORS").is_some() {
        std::fs::write(PATH, &rendered).expect("the fixture can be written");
        return;
    }
    assert!(rendered == VECTORS, "run again with QUICETHER_WRITE_VECTORS=1 and look at the difference");
    for id in node_ids() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
}

/// Rightly checksummed texts with a superfluous character: 33 where 32 hold the 160 bits.
const PADDED: &[&str] = &["qe1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq3drawy", "qe1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqlmpcey0"];

#[test]
fn a_node_id_has_one_text_only() {
    for text in PADDED {
        assert_eq!(text.parse::<NodeId>(), Err(NodeIdError::Length), "{text}");
    }
}
