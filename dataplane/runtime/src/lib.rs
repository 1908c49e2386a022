//! Threads, sockets, TUN and QUIC connections: what drives `core`.
//!
//! [`Handle`] is the control side; everything else happens on the one packet thread that it
//! starts (`worker`). A peer belongs to that thread alone: its connections, queues and flows.

mod buffers;
mod connection;
mod handle;
mod inside;
mod key;
mod outbound;
mod pacing;
mod peer;
mod sabotage;
mod socket;
mod state;
mod tls;
mod transport;
mod tun;
mod worker;

pub use handle::Handle;
pub use key::{KeyError, NodeKey, node_id_of};
pub use state::*;
