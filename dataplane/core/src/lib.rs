//! The rules of the packet path, driven from outside: clock, sockets and randomness are passed in.

pub mod node_id;
pub mod prefix;

pub use node_id::NodeId;
pub use prefix::Prefix;
