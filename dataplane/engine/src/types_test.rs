//! The committed TypeScript types are those of `messages.rs`.
//!
//! To write them anew: `QUICETHER_WRITE_TYPES=1 cargo test -p quicether-engine types`.

use std::collections::BTreeSet;
use std::path::Path;

use ts_rs::{Config, TS};

use crate::messages::*;

const FILE: &str = "../../server/adapters/engine-messages.ts";
const COMMAND: &str = "QUICETHER_WRITE_TYPES=1 cargo test -p quicether-engine types";

const HEADER: &str = "\
// Generated from dataplane/engine/src/messages.rs, which is the only definition: do not edit.
// To write it anew: cd dataplane && QUICETHER_WRITE_TYPES=1 cargo test -p quicether-engine types
";

macro_rules! declare {
    ($config:expr, $($name:ident),+) => {
        vec![$((stringify!($name), declaration::<$name>($config))),+]
    };
}

fn declaration<T: TS>(config: &Config) -> String {
    let mut docs = String::new();
    for line in T::docs().unwrap_or_default().trim_end().lines() {
        docs += line.trim_end();
        docs.push('\n');
    }
    let declaration = T::decl(config);
    // What ts-rs leaves behind between a doc comment and its field, and at line ends.
    let lines: Vec<&str> = declaration.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    format!("\n{docs}export {}\n", lines.join("\n"))
}

fn generate() -> (Vec<&'static str>, String) {
    let config = Config::default();
    let declarations = declare!(
        &config,
        Request,
        Call,
        Message,
        Answer,
        Event,
        DesiredState,
        Tun,
        Peer,
        Snapshot,
        PeerStatus,
        PeerState,
        PathStatus,
        PendingPeer,
        RouteStatus,
        Counters
    );
    let mut text = format!(
        "{HEADER}\n/** Version of these messages. */\nexport const PROTOCOL = {PROTOCOL};\n\n/** Longest line either side accepts, in bytes: a snapshot of 10,000 peers fits. */\nexport const MAX_LINE_LEN = {MAX_LINE_LEN};\n"
    );
    for (_, declaration) in &declarations {
        text += declaration;
    }
    (declarations.iter().map(|(name, _)| *name).collect(), text)
}

#[test]
fn types_are_the_committed_ones() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let (_, wanted) = generate();
    if std::env::var_os("QUICETHER_WRITE_TYPES").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{} is not what messages.rs says: run {COMMAND}", path.display());
}

#[test]
fn every_message_type_is_generated() {
    let source = include_str!("messages.rs");
    let defined: BTreeSet<&str> = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub struct ").or(line.strip_prefix("pub enum ")))
        .filter_map(|rest| rest.split([' ', '(', ';']).next())
        .collect();
    assert_eq!(defined, generate().0.into_iter().collect());
}
