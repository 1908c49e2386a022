//! The control thread: owns everything, decides in what order it happens.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use quicether_core::NodeId;
use quicether_host::{Desired, Host, HostError};
use quicether_runtime::{Applied, Handle, NodeKey};

use crate::connection::{ConnectionId, Input};
use crate::desired::{OwnBox, Parsed, parse};
use crate::lease::{self, Lease};
use crate::messages::{Answer, Call, DesiredState, Event, Message, PROTOCOL, Request};
use crate::outbox::Outbox;
use crate::privileges::have_net_admin;
use crate::request::Failure;
use crate::snapshot::{self, Frame, us};

/// How often events, lease and the kernel's news are looked at.
const TICK: Duration = Duration::from_millis(100);
/// An answer to a shutdown gets this long to leave.
const FLUSH: Duration = Duration::from_millis(300);
/// Longest time a ping may be waited for.
const MAX_PING_TIMEOUT_MS: u32 = 60_000;

/// What the control thread owns.
pub struct Control {
    key: NodeKey,
    instance: String,
    handle: Option<Handle>,
    host: Host,
    parsed: Option<Parsed>,
    started: Instant,
    lease: Lease,
    connections: HashMap<ConnectionId, Arc<Outbox>>,
    /// The one that applied or renewed; the others look on.
    daemon: Option<ConnectionId>,
    dropped_events: u64,
}

/// Whether the control thread goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Go,
    End,
}

impl Control {
    /// Starts the packet thread, idle. `memory` keeps the kernel settings as they were before.
    pub fn start(key: NodeKey, instance: String, memory: PathBuf) -> io::Result<Self> {
        let now = Instant::now();
        Ok(Self {
            handle: Some(Handle::start(key.clone())?),
            host: Host::open(memory)?,
            key,
            instance,
            parsed: None,
            started: now,
            lease: Lease::new(now, lease::length_from_environment()),
            connections: HashMap::new(),
            daemon: None,
            dropped_events: 0,
        })
    }

    /// Serves until a signal or a shutdown, then takes everything down.
    pub fn run(mut self, inputs: &Receiver<Input>) {
        loop {
            let next = match inputs.recv_timeout(TICK) {
                Ok(input) => self.handle_input(input),
                Err(RecvTimeoutError::Timeout) => Next::Go,
                Err(RecvTimeoutError::Disconnected) => Next::End,
            };
            if next == Next::End {
                break;
            }
            self.tick(Instant::now());
        }
        self.end();
    }

    fn handle_input(&mut self, input: Input) -> Next {
        match input {
            Input::Opened(id, outbox) => {
                self.connections.insert(id, outbox);
            }
            Input::Closed(id) => {
                self.connections.remove(&id);
                if self.daemon == Some(id) {
                    self.daemon = None;
                    tracing::info!("the daemon is gone; forwarding goes on");
                }
            }
            Input::Request(id, Err(failure)) => self.send(id, &failure.into_message()),
            Input::Request(id, Ok(request)) => return self.answer(id, request),
            Input::Signal(signal) => {
                tracing::info!(signal, "asked to end");
                return Next::End;
            }
        }
        Next::Go
    }

    fn answer(&mut self, connection: ConnectionId, Request { id, call }: Request) -> Next {
        let outcome = match call {
            Call::Hello { protocol } => self.hello(protocol),
            Call::Apply(state) => self.claim(connection).and_then(|()| self.apply(&state)),
            Call::RenewLease => self.claim(connection).map(|()| self.renew_lease()),
            Call::Snapshot => Ok(self.snapshot()),
            Call::Ping { node_id, timeout_ms } => match self.ping(connection, id, &node_id, timeout_ms) {
                Ok(()) => return Next::Go,
                Err(problem) => Err(problem),
            },
            Call::Shutdown => {
                tracing::info!("asked to end by the daemon");
                self.send(connection, &Message::Answer { id, answer: Answer::Done });
                return Next::End;
            }
        };
        let message = match outcome {
            Ok(answer) => Message::Answer { id, answer },
            Err((code, message)) => {
                tracing::warn!(code, reason = %message, "a call failed");
                Failure::new(id, code, message).into_message()
            }
        };
        self.send(connection, &message);
        Next::Go
    }

    fn send(&mut self, connection: ConnectionId, message: &Message) {
        if let Some(outbox) = self.connections.get(&connection)
            && !outbox.answer(message)
        {
            tracing::warn!("a connection was cut off because it does not read");
        }
    }

    fn hello(&self, protocol: u32) -> Outcome {
        if protocol != PROTOCOL {
            let message = format!(
                "protocol: {protocol} is not {PROTOCOL}, which this engine speaks: upgrade the older of daemon and engine, then restart it"
            );
            return Err(("protocol", message));
        }
        Ok(Answer::Hello {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").into(),
            node_id: self.key.node_id().to_string(),
            pid: std::process::id(),
            instance: self.instance.clone(),
            generation: self.generation(),
        })
    }

    fn generation(&self) -> u64 {
        self.parsed.as_ref().map_or(0, |parsed| parsed.generation)
    }

    /// Makes the connection the daemon's, unless another one is.
    fn claim(&mut self, connection: ConnectionId) -> Result<(), Problem> {
        match self.daemon {
            Some(other) if other != connection => {
                Err(("busy", "another daemon steers this engine: stop it first".into()))
            }
            _ => {
                self.daemon = Some(connection);
                Ok(())
            }
        }
    }

    fn renew_lease(&mut self) -> Answer {
        if self.lease.renew(Instant::now()) {
            tracing::info!("the daemon is back; accepting again");
        }
        if let Some(handle) = &self.handle {
            handle.set_accepting(true);
        }
        Answer::Done
    }

    fn apply(&mut self, state: &DesiredState) -> Outcome {
        let own = OwnBox { node: self.key.node_id(), generation: self.generation(), processors: processors() };
        let parsed = parse(state, own).map_err(|bad| ("bad_state", bad.to_string()))?;
        if !have_net_admin() {
            return Err(("permission", quicether_runtime::ApplyError::Permission.to_string()));
        }
        // The packet thread changes all or nothing by itself. What a killed engine left in the kernel
        // stays then: it keeps packets for peers from leaving unencrypted.
        let applied = self.apply_packets(&parsed)?;
        if let Err(problem) = self.apply_kernel(&parsed, applied) {
            self.go_back();
            return Err(problem);
        }
        tracing::info!(generation = parsed.generation, peers = parsed.runtime.peers.len() as u64, "state in force");
        let generation = parsed.generation;
        self.parsed = Some(parsed);
        self.renew_lease();
        Ok(Answer::Applied { generation })
    }

    fn make_so(&mut self, parsed: &Parsed) -> Result<(), Problem> {
        let applied = self.apply_packets(parsed)?;
        self.apply_kernel(parsed, applied)
    }

    fn apply_packets(&mut self, parsed: &Parsed) -> Result<Applied, Problem> {
        let handle = match self.handle.take() {
            Some(handle) => handle,
            None => {
                let handle = Handle::start(self.key.clone()).map_err(|error| ("internal", error.to_string()))?;
                handle.set_accepting(!self.lease.remaining(Instant::now()).is_zero());
                handle
            }
        };
        let applied = self.handle.insert(handle).apply(parsed.runtime.clone());
        applied.map_err(|error| (error.code(), error.to_string()))
    }

    fn apply_kernel(&mut self, parsed: &Parsed, applied: Applied) -> Result<(), Problem> {
        self.host
            .apply(Desired {
                tun_index: applied.tun_index,
                tun_name: applied.tun_name,
                mtu: parsed.runtime.tun.mtu,
                addresses: parsed.addresses.clone(),
                routes: parsed.routes.iter().map(|(prefix, _)| *prefix).collect(),
                local: parsed.local_prefixes.clone(),
                outer: parsed.outer.clone(),
                forward: parsed.forward,
            })
            .map_err(|error| (error.code(), error.to_string()))
    }

    /// After a failure: the state that was in force before, or none.
    fn go_back(&mut self) {
        match self.parsed.take() {
            Some(parsed) => {
                if let Err((code, message)) = self.make_so(&parsed) {
                    tracing::error!(code, reason = %message, "the state before could not be put back");
                }
                self.parsed = Some(parsed);
            }
            None => {
                self.remove_from_kernel();
                if let Some(handle) = self.handle.take() {
                    handle.shutdown();
                }
            }
        }
    }

    fn snapshot(&self) -> Answer {
        let runtime = self.handle.as_ref().map(Handle::snapshot).unwrap_or_default();
        let frame = Frame {
            parsed: self.parsed.as_ref(),
            uptime: self.started.elapsed(),
            lease_remaining: self.lease.remaining(Instant::now()),
            dropped_events: self.dropped_events,
            routes: self.host.routes(),
            interface_of: &|address| self.host.interface_of(address).map(Into::into),
        };
        Answer::Snapshot(Box::new(snapshot::assemble(runtime, &frame)))
    }

    fn ping(&self, connection: ConnectionId, id: u64, node_id: &str, timeout_ms: u32) -> Result<(), Problem> {
        let node: NodeId = node_id.parse().map_err(|error| ("bad_request", format!("node_id: {node_id:?} {error}")))?;
        if !(1..=MAX_PING_TIMEOUT_MS).contains(&timeout_ms) {
            return Err(("bad_request", format!("timeout_ms: {timeout_ms} must be from 1 to {MAX_PING_TIMEOUT_MS}")));
        }
        let known =
            self.parsed.as_ref().is_some_and(|parsed| parsed.runtime.peers.iter().any(|peer| peer.node == node));
        let (Some(handle), Some(outbox), true) = (&self.handle, self.connections.get(&connection), known) else {
            return Err(("unknown_peer", format!("{node} is no accepted peer of this box: see quicether peers")));
        };
        let outbox = Arc::clone(outbox);
        let done = move |rtt: Option<Duration>| {
            let message = match rtt {
                Some(rtt) => Message::Answer { id, answer: Answer::Ping { rtt_us: us(rtt) } },
                None => {
                    Failure::new(id, "timeout", format!("{node} did not answer within {timeout_ms} ms")).into_message()
                }
            };
            outbox.answer(&message);
        };
        handle.ping(node, Duration::from_millis(timeout_ms.into()), Box::new(done));
        Ok(())
    }

    fn tick(&mut self, now: Instant) {
        let mut events: Vec<Event> = match &self.handle {
            Some(handle) => handle.events().try_iter().map(snapshot::event).collect(),
            None => Vec::new(),
        };
        if self.lease.expire(now) {
            if let Some(handle) = &self.handle {
                handle.set_accepting(false);
            }
            events.push(Event::LeaseExpired);
        }
        events.extend(self.repair(now));
        if self.host.take_moved()
            && let Some(handle) = &self.handle
        {
            tracing::info!("an address of this box changed");
            handle.network_changed();
        }
        for event in &events {
            log_event(event);
            for outbox in self.connections.values() {
                self.dropped_events += u64::from(!outbox.event(event));
            }
        }
    }

    fn repair(&mut self, now: Instant) -> Vec<Event> {
        let repaired = match self.host.repair(now) {
            Ok(repaired) => repaired,
            Err(HostError::InterfaceGone(name)) => self.make_again(&name),
            Err(error) => {
                tracing::error!(reason = %error, "cannot repair");
                Vec::new()
            }
        };
        repaired.into_iter().map(|what| Event::Repaired { what }).collect()
    }

    /// Somebody removed the interface: the packet thread makes it anew.
    fn make_again(&mut self, name: &str) -> Vec<String> {
        let Some(parsed) = self.parsed.take() else { return Vec::new() };
        // First with the packet thread that is there, which keeps its connections; when that still
        // holds the interface that is gone, with a new one.
        let made = self.make_so(&parsed).or_else(|_| {
            self.handle = None;
            self.make_so(&parsed)
        });
        self.parsed = Some(parsed);
        match made {
            Ok(()) => vec![format!("interface {name}")],
            Err((code, reason)) => {
                tracing::error!(code, reason, "the interface cannot be made again");
                Vec::new()
            }
        }
    }

    fn remove_from_kernel(&mut self) {
        if let Err(error) = self.host.remove() {
            tracing::error!(reason = %error, "cannot remove everything");
        }
    }

    fn end(mut self) {
        // Goodbye first, while there is a way to say it; then routes, rules and settings.
        if let Some(handle) = self.handle.take() {
            handle.shutdown();
        }
        self.remove_from_kernel();
        let deadline = Instant::now() + FLUSH;
        for outbox in self.connections.values() {
            outbox.flush(deadline);
            outbox.close();
        }
    }
}

fn log_event(event: &Event) {
    match event {
        Event::PeerUp { node_id, address } => tracing::info!(node_id, address, "peer up"),
        Event::PeerDown { node_id, reason, duration_ms, .. } => {
            tracing::info!(node_id, reason, duration_ms, "peer down")
        }
        Event::PeerPending { node_id, address } => tracing::info!(node_id, address, "a peer waits to be accepted"),
        Event::PeerMoved { node_id, address } => tracing::info!(node_id, address, "peer moved"),
        Event::DialFailed { address, node_id, reason } => {
            // Again and again for every box that is switched off: the daemon shows it, the log need not.
            tracing::debug!(address, node_id = node_id.as_deref().unwrap_or(""), reason, "dialling failed");
        }
        Event::Repaired { what } => tracing::warn!(what, "repaired"),
        Event::LeaseExpired => {
            tracing::warn!("no daemon for 15 minutes: nothing new is accepted, what is live goes on");
        }
    }
}

/// Code and sentence of a failure.
type Problem = (&'static str, String);
type Outcome = Result<Answer, Problem>;

fn processors() -> u32 {
    // SAFETY: sysconf has no preconditions.
    let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_CONF) };
    u32::try_from(count).unwrap_or(1).max(1)
}
