//! The rules of the packet path, driven from outside: clock, sockets and randomness are passed in.

pub mod cut;
pub mod ecn;
pub mod node_id;
pub mod packet;
pub mod prefix;
pub mod queue;
pub mod reassembly;
pub mod routes;

pub use node_id::NodeId;
pub use prefix::Prefix;
