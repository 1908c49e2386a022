//! What the kernel should have for the tunnel, what it has, and the repair of the difference.
//!
//! `state` has the words, `message` and `netlink` talk to the kernel, `decide` is the thinking
//! (pure), `sysctl` the settings, [`Host`] puts them together. Addresses, MTU and up-state of the
//! interface by its index; routes to peers in table 9000 with our own protocol number; one rule a
//! family before `main`. Behind each route lies an unreachable one that does not depend on the
//! interface: after a `kill -9` packets for peers go nowhere instead of out unencrypted.

mod decide;
mod host;
mod message;
mod netlink;
mod state;
mod sysctl;

pub use host::{Host, HostError};
pub use state::{Desired, InterfaceAddress, RouteOutcome};
