//! Control side of the packet thread.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use quicether_core::NodeId;

use crate::key::NodeKey;
use crate::state::{Applied, ApplyError, RuntimeEvent, RuntimeSnapshot, State};
use crate::worker::Worker;

/// Events kept for a reader that is slow; more are dropped and counted.
const EVENT_QUEUE_LEN: usize = 256;

/// What the packet thread is asked.
pub enum Command {
    /// Make a state so.
    Apply(Box<State>, Sender<Result<Applied, ApplyError>>),
    /// Say what is.
    Snapshot(Sender<RuntimeSnapshot>),
    /// Measure a round trip.
    Ping {
        /// To whom.
        node: NodeId,
        /// Given up after this.
        timeout: Duration,
        /// Told what came of it.
        done: Box<dyn FnOnce(Option<Duration>) + Send>,
    },
    /// Accept new connections, or not.
    Accepting(bool),
    /// Addresses of this box came or went.
    NetworkChanged,
    /// Say goodbye and end.
    Stop,
}

/// Starts, steers and ends the packet thread. Calls block for a few milliseconds at most.
pub struct Handle {
    commands: Sender<Command>,
    events: Receiver<RuntimeEvent>,
    wake: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    /// Starts the thread, idle until a state is applied.
    pub fn start(key: NodeKey) -> io::Result<Self> {
        let (commands, command_queue) = channel();
        let (event_queue, events) = sync_channel(EVENT_QUEUE_LEN);
        // SAFETY: takes two numbers; the result is checked before it is owned.
        let wake = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if wake < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just made, owned by nobody else.
        let wake = unsafe { OwnedFd::from_raw_fd(wake) };
        let their_wake = wake.try_clone()?;
        let thread = std::thread::Builder::new()
            .name("packets".into())
            .spawn(move || Worker::new(key, command_queue, event_queue, their_wake).run())?;
        Ok(Self { commands, events, wake, thread: Some(thread) })
    }

    /// Makes `state` so, or changes nothing.
    pub fn apply(&self, state: State) -> Result<Applied, ApplyError> {
        let (answer, answered) = channel();
        self.send(Command::Apply(Box::new(state), answer));
        answered.recv().unwrap_or_else(|_| Err(ApplyError::System("the packet thread has ended".into())))
    }

    /// What is.
    pub fn snapshot(&self) -> RuntimeSnapshot {
        let (answer, answered) = channel();
        self.send(Command::Snapshot(answer));
        answered.recv().unwrap_or_default()
    }

    /// Round trip through the tunnel; `done` gets `None` after `timeout` or when there is no such peer.
    pub fn ping(&self, node: NodeId, timeout: Duration, done: Box<dyn FnOnce(Option<Duration>) + Send>) {
        self.send(Command::Ping { node, timeout, done });
    }

    /// Whether new connections are accepted: the lease.
    pub fn set_accepting(&self, accepting: bool) {
        self.send(Command::Accepting(accepting));
    }

    /// Addresses of this box came or went: every peer is told at once where it is now.
    pub fn network_changed(&self) {
        self.send(Command::NetworkChanged);
    }

    /// What happened, to be read now and then.
    pub fn events(&self) -> &Receiver<RuntimeEvent> {
        &self.events
    }

    /// Says goodbye to the peers and ends the thread, in at most half a second.
    pub fn shutdown(self) {}

    fn send(&self, command: Command) {
        // A thread that has ended answers nobody; the callers see that by their channel.
        let _ = self.commands.send(command);
        let one = 1u64;
        // SAFETY: an eventfd takes eight bytes.
        unsafe { libc::write(self.wake.as_raw_fd(), (&raw const one).cast(), 8) };
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
