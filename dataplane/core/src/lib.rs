//! The rules of the packet path, driven from outside: clock, sockets and randomness are passed in.

pub mod admission;
pub mod association;
pub mod backoff;
pub mod congestion;
pub mod cut;
pub mod ecn;
pub mod flows;
pub mod icmp;
pub mod node_id;
pub mod packet;
pub mod prefix;
pub mod queue;
pub mod rate_limit;
pub mod reassembly;
pub mod routes;

pub use node_id::NodeId;
pub use prefix::Prefix;
