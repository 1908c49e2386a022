//! The packet thread: owns the TUN, the sockets, every connection, queue and flow. No locks.
//!
//! One turn of the loop: wait, take in datagrams, take in trains, keep time, send. Everything
//! that decides lives in `core`; this moves bytes and time between it and the system.

mod apply;
mod connections;
mod receive;
mod send;
mod view;

use std::collections::{BTreeSet, HashMap};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use noq_proto as quic;
use quicether_core::NodeId;
use quicether_core::admission::Admission;
use quicether_core::routes::RouteTable;

use crate::buffers::{CellBlocks, ReceiveBuffers, TrainBuffers};
use crate::connection::{CloseCode, Connection};
use crate::handle::Command;
use crate::inside::Inside;
use crate::key::NodeKey;
use crate::peer::{Dialler, Peer};
use crate::sabotage::Sabotage;
use crate::socket::{Received, Socket};
use crate::state::{RuntimeEvent, State};
use crate::transport::{CalleeTag, Transport};

/// Bytes waiting for all peers together at which the TUN is not read any more.
const MEMORY_LIMIT_BYTES: usize = 64 << 20;
/// The same for the one queue of a sabotaged engine.
const ONE_QUEUE_BYTES: usize = 256 << 10;
/// The longest sleep: how late a missed wake-up can be.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_millis(300);

/// A round trip being measured.
struct Ping {
    peer: usize,
    sent: Instant,
    deadline: Instant,
    done: Box<dyn FnOnce(Option<Duration>) + Send>,
}

/// What the thread owns.
pub struct Worker {
    key: NodeKey,
    /// Random for each start.
    instance: u64,
    started: Instant,
    sabotage: Sabotage,
    transport: Transport,
    endpoint: quic::Endpoint,
    admission: Admission<CalleeTag>,
    state: Option<State>,
    accepting: bool,
    inside: Inside,
    sockets: Vec<Socket>,
    /// By the number of the library's handle.
    connections: Vec<Option<Box<Connection>>>,
    open_connections: usize,
    peers: Vec<Option<Box<Peer>>>,
    peer_of: HashMap<NodeId, usize>,
    routes: RouteTable<usize>,
    /// Dialled without knowing who is there.
    strangers: Vec<Dialler>,
    timers: BTreeSet<(Instant, usize)>,
    /// Peers with parts of trains that wait for others.
    holding: Vec<usize>,
    /// When dialling, handshakes and pings are looked after next.
    chores: Instant,
    dirty: Vec<usize>,
    pings: HashMap<u64, Ping>,
    flow_seed: u64,
    queued_bytes: usize,
    train_buffers: TrainBuffers,
    receive_buffers: ReceiveBuffers,
    cell_blocks: CellBlocks,
    received: Vec<Received>,
    out: Vec<u8>,
    commands: Receiver<Command>,
    events: SyncSender<RuntimeEvent>,
    wake: OwnedFd,
}

impl Worker {
    /// A thread's worth of state, idle.
    pub fn new(key: NodeKey, commands: Receiver<Command>, events: SyncSender<RuntimeEvent>, wake: OwnedFd) -> Self {
        let sabotage = Sabotage::from_environment();
        let transport = Transport::new(&key, !sabotage.no_migration);
        let endpoint = transport.endpoint(&key, true);
        let flow_seed = random();
        let mut inside = Inside::new(flow_seed);
        inside.checks_sources = !sabotage.no_policy;
        Self {
            instance: random(),
            started: Instant::now(),
            sabotage,
            admission: Admission::new(CalleeTag::new(key.node_id())),
            key,
            transport,
            endpoint,
            state: None,
            accepting: true,
            inside,
            sockets: Vec::new(),
            connections: Vec::new(),
            open_connections: 0,
            peers: Vec::new(),
            peer_of: HashMap::new(),
            routes: RouteTable::build(&[]),
            strangers: Vec::new(),
            timers: BTreeSet::new(),
            holding: Vec::new(),
            chores: Instant::now(),
            dirty: Vec::new(),
            pings: HashMap::new(),
            flow_seed,
            queued_bytes: 0,
            train_buffers: TrainBuffers::default(),
            receive_buffers: ReceiveBuffers::default(),
            cell_blocks: CellBlocks::default(),
            received: Vec::new(),
            out: Vec::with_capacity(80 << 10),
            commands,
            events,
            wake,
        }
    }

    /// Runs until it is told to stop.
    pub fn run(mut self) {
        loop {
            let ready = self.wait();
            self.inside.now_s = self.started.elapsed().as_secs().try_into().unwrap_or(u32::MAX);
            if ready.wake && self.obey() {
                self.say_goodbye();
                return;
            }
            for at in 0..self.sockets.len() {
                if ready.sockets & (1 << at) != 0 {
                    self.take_datagrams(at);
                }
            }
            self.keep_time(Instant::now());
            self.read_dirty();
            // What was just written often has its answer there at once (an echo, an acknowledgement):
            // taken now, it leaves in one packet with our own acknowledgement.
            if ready.tun || std::mem::take(&mut self.inside.has_written) {
                self.take_trains();
            }
            self.serve_dirty();
        }
    }

    /// Sleeps until something is to be done.
    fn wait(&mut self) -> Ready {
        let mut fds = [libc::pollfd { fd: -1, events: libc::POLLIN, revents: 0 }; 2 + MAX_SOCKETS];
        fds[0].fd = self.wake.as_raw_fd();
        fds[1].fd = match &self.inside.tun {
            Some(tun) if self.queued_bytes < self.memory_limit_bytes() => tun.as_raw_fd(),
            _ => -1 as RawFd,
        };
        for (slot, socket) in fds[2..].iter_mut().zip(&self.sockets) {
            slot.fd = socket.as_raw_fd();
        }
        let timeout = self.next_timeout().map_or(LONGEST_SLEEP, |at| at.saturating_duration_since(Instant::now()));
        let timeout = if self.dirty.is_empty() { timeout.min(LONGEST_SLEEP) } else { Duration::ZERO };
        let spec = libc::timespec { tv_sec: timeout.as_secs() as _, tv_nsec: timeout.subsec_nanos() as _ };
        let used = (2 + self.sockets.len()) as libc::nfds_t;
        // SAFETY: the array has at least `used` entries and outlives the call.
        unsafe { libc::ppoll(fds.as_mut_ptr(), used, &spec, std::ptr::null()) };
        let sockets = fds[2..].iter().enumerate().filter(|(_, fd)| fd.revents != 0);
        if fds[1].revents & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) != 0 {
            // Somebody removed the device; the control side sees it too and has it made again.
            self.inside.tun = None;
        }
        Ready {
            wake: fds[0].revents != 0,
            tun: fds[1].revents & libc::POLLIN != 0,
            sockets: sockets.fold(0, |bits, (at, _)| bits | 1 << at),
        }
    }

    /// Does what the control side asks; true when that is to stop.
    fn obey(&mut self) -> bool {
        let mut count = 0u64;
        // SAFETY: an eventfd gives eight bytes.
        unsafe { libc::read(self.wake.as_raw_fd(), (&raw mut count).cast(), 8) };
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Apply(state, answer) => {
                    let applied = self.apply(*state);
                    let _ = answer.send(applied);
                }
                Command::Snapshot(answer) => {
                    let view = self.view();
                    let _ = answer.send(view);
                }
                Command::Ping { node, timeout, done } => self.ping(node, timeout, done),
                Command::Accepting(accepting) => {
                    self.accepting = accepting;
                    self.inside.admits_flows = accepting || self.sabotage.no_lease;
                }
                Command::NetworkChanged => self.network_changed(),
                Command::Stop => return true,
            }
        }
        false
    }

    /// Timers that are due, dialling, holes, pings.
    fn keep_time(&mut self, now: Instant) {
        while let Some(&(at, index)) = self.timers.first() {
            if at > now {
                break;
            }
            self.timers.pop_first();
            if let Some(connection) = self.connections[index].as_mut() {
                connection.timer = None;
                connection.quic.handle_timeout(now);
                self.touch(index);
            }
        }
        if !self.holding.is_empty() {
            self.expire_holes(now);
        }
        if self.chores <= now {
            self.do_chores(now);
        }
    }

    /// What is looked at for every peer, and so only when something of it is due.
    fn do_chores(&mut self, now: Instant) {
        self.dial_due(now);
        self.expire_handshakes(now);
        let late: Vec<u64> = self.pings.iter().filter(|(_, p)| p.deadline <= now).map(|(token, _)| *token).collect();
        for ping in late.into_iter().filter_map(|token| self.pings.remove(&token)) {
            (ping.done)(None);
        }
        let ping = self.pings.values().map(|ping| ping.deadline).min();
        self.chores = [self.next_dial(), ping].into_iter().flatten().min().unwrap_or(now + LONGEST_SLEEP);
    }

    fn memory_limit_bytes(&self) -> usize {
        if self.sabotage.no_fair_queue { ONE_QUEUE_BYTES } else { MEMORY_LIMIT_BYTES }
    }

    fn connection_limit(&self) -> usize {
        self.state.as_ref().map_or(0, |state| state.max_connections as usize)
    }

    fn next_timeout(&self) -> Option<Instant> {
        let timer = self.timers.first().map(|(at, _)| *at);
        [timer, self.next_hole(), Some(self.chores)].into_iter().flatten().min()
    }

    /// Notes that a connection wants to be looked at.
    fn touch(&mut self, index: usize) {
        if let Some(connection) = self.connections[index].as_mut()
            && !connection.dirty
        {
            connection.dirty = true;
            self.dirty.push(index);
        }
    }

    /// Tells the control side; what it does not read is counted.
    fn tell(&mut self, event: RuntimeEvent) {
        if self.events.try_send(event).is_err() {
            self.inside.counters.dropped_events += 1;
        }
    }

    /// Closes every connection and gives the goodbyes time to leave.
    fn say_goodbye(&mut self) {
        let now = Instant::now();
        self.accepting = false;
        for index in 0..self.connections.len() {
            self.close(index, now, CloseCode::Goodbye);
        }
        self.serve_dirty();
        self.inside.tun = None;
        let until = now + GOODBYE;
        while self.open_connections > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
            for at in 0..self.sockets.len() {
                self.take_datagrams(at);
            }
            self.keep_time(Instant::now());
            self.read_dirty();
            self.serve_dirty();
        }
    }
}

/// Sockets at most: one an address family, later one a line and family.
const MAX_SOCKETS: usize = 16;

struct Ready {
    wake: bool,
    tun: bool,
    sockets: u32,
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system has randomness");
    u64::from_ne_bytes(bytes)
}
