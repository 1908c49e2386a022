//! Threads, sockets, TUN and QUIC connections: what drives `core`.

mod handle;
mod key;
mod state;

pub use handle::Handle;
pub use key::{KeyError, NodeKey, node_id_of};
pub use state::*;
