//! Control side of the packet thread.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use quicether_core::NodeId;

use crate::key::NodeKey;
use crate::state::{Applied, ApplyError, RuntimeEvent, RuntimeSnapshot, State};

/// Events kept for a reader that is slow; more are dropped and counted.
const EVENT_QUEUE_LEN: usize = 256;

/// Starts, steers and ends the packet thread. Calls block for a few milliseconds at most.
pub struct Handle {
    events: Receiver<RuntimeEvent>,
    _sender: SyncSender<RuntimeEvent>,
}

impl Handle {
    /// Starts the thread, idle until a state is applied.
    pub fn start(_key: NodeKey) -> io::Result<Self> {
        let (sender, events) = sync_channel(EVENT_QUEUE_LEN);
        Ok(Self { events, _sender: sender })
    }

    /// Makes `state` so, or changes nothing.
    pub fn apply(&self, _state: State) -> Result<Applied, ApplyError> {
        Err(ApplyError::System("the packet thread is not built yet".into()))
    }

    /// What is.
    pub fn snapshot(&self) -> RuntimeSnapshot {
        RuntimeSnapshot::default()
    }

    /// Round trip through the tunnel; `done` gets `None` after `timeout` or when there is no such peer.
    pub fn ping(&self, _node: NodeId, _timeout: Duration, done: Box<dyn FnOnce(Option<Duration>) + Send>) {
        done(None);
    }

    /// Whether new connections are accepted: the lease.
    pub fn set_accepting(&self, _accepting: bool) {}

    /// What happened, to be read now and then.
    pub fn events(&self) -> &Receiver<RuntimeEvent> {
        &self.events
    }

    /// Says goodbye to the peers and ends the thread, in at most half a second.
    pub fn shutdown(self) {}
}
