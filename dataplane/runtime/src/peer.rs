//! An accepted peer: its queue, its flows, and how to reach it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use quicether_core::NodeId;
use quicether_core::backoff::Backoff;
use quicether_core::queue::FairQueue;
use quicether_core::reassembly::{Reassembly, SLOTS};
use quicether_core::routes::RouteTable;
use quicether_wire::cell::TrainId;

use crate::outbound::{Cutter, Outgoing};
use crate::state::{PeerState, Traffic};

/// What may wait for one peer: this much of its path's rate, within the limits below. CoDel keeps
/// a standing queue far shorter; this is for bursts of many flows at once.
const QUEUE_LIMIT: Duration = Duration::from_millis(200);
const QUEUE_LIMIT_BYTES: (usize, usize) = (1 << 20, 16 << 20);

/// Where and when to dial.
#[derive(Debug)]
pub struct Dialler {
    /// Addresses, tried one after the other.
    pub addresses: Vec<SocketAddr>,
    /// Who is wanted there.
    pub expected: Option<NodeId>,
    /// The connection being made or made.
    pub connection: Option<usize>,
    /// Not before this.
    pub next: Instant,
    /// Waits between attempts.
    pub backoff: Backoff,
    turn: usize,
}

impl Dialler {
    /// Dials at once.
    pub fn new(now: Instant, addresses: Vec<SocketAddr>, expected: Option<NodeId>) -> Self {
        Self { addresses, expected, connection: None, next: now, backoff: Backoff::new(), turn: 0 }
    }

    /// The address whose turn it is.
    pub fn next_address(&mut self) -> Option<SocketAddr> {
        let address = *self.addresses.get(self.turn % self.addresses.len().max(1))?;
        self.turn += 1;
        Some(address)
    }

    /// New addresses give new hope.
    pub fn set_addresses(&mut self, now: Instant, addresses: Vec<SocketAddr>) {
        if self.addresses != addresses {
            self.addresses = addresses;
            self.backoff.reset();
            self.next = now;
        }
    }
}

/// An accepted peer.
pub struct Peer {
    /// Who.
    pub node: NodeId,
    /// Random for each time that this box begins to know it: our flows to it begin anew then.
    pub epoch: u64,
    /// The only addresses it may send from.
    pub sources: RouteTable<()>,
    /// How to reach it.
    pub dialler: Dialler,
    /// The connection that carries its traffic.
    pub connection: Option<usize>,
    /// Since it carries traffic, and the sums at that moment.
    pub up: Option<(Instant, Traffic)>,
    /// Why it is not connected.
    pub problem: Option<String>,
    /// What waits for it.
    pub queue: FairQueue<Outgoing>,
    /// What is being cut for it.
    pub cutter: Cutter,
    /// Its flows.
    pub reassembly: Reassembly<Bytes>,
    /// Sums.
    pub traffic: Traffic,
    /// Largest inner packet it takes.
    pub mtu: u16,
    /// Engine run of the peer that `reassembly` belongs to.
    pub instance: Option<u64>,
    numbers: Vec<u16>,
}

impl Peer {
    /// A peer not connected yet.
    pub fn new(now: Instant, state: &PeerState, epoch: u64) -> Self {
        let mut peer = Self {
            node: state.node,
            epoch,
            sources: RouteTable::build(&[]),
            dialler: Dialler::new(now, state.addresses.clone(), Some(state.node)),
            connection: None,
            up: None,
            problem: None,
            queue: FairQueue::new(QUEUE_LIMIT_BYTES.0),
            cutter: Cutter::default(),
            reassembly: Reassembly::default(),
            traffic: Traffic::default(),
            mtu: u16::MAX,
            instance: None,
            numbers: Vec::new(),
        };
        peer.update(now, state);
        peer
    }

    /// Takes over what a new state says of it.
    pub fn update(&mut self, now: Instant, state: &PeerState) {
        let sources: Vec<_> = state.prefixes.iter().map(|prefix| (*prefix, ())).collect();
        self.sources = RouteTable::build(&sources);
        self.dialler.set_addresses(now, state.addresses.clone());
    }

    /// Lets as much wait as the path carries in a short while.
    pub fn set_queue_limit(&mut self, bytes_per_second: f64) {
        let wanted = (bytes_per_second * QUEUE_LIMIT.as_secs_f64()) as usize;
        self.queue.set_limit(wanted.clamp(QUEUE_LIMIT_BYTES.0, QUEUE_LIMIT_BYTES.1));
    }

    /// Whether nothing waits for it.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.cutter.is_empty()
    }

    /// Place of the next train of a flow.
    pub fn next_id(&mut self, slot: u16) -> TrainId {
        if self.numbers.is_empty() {
            self.numbers = vec![0; SLOTS];
        }
        let number = &mut self.numbers[usize::from(slot)];
        let id = TrainId { slot, number: *number };
        *number = number.wrapping_add(1);
        id
    }

    /// True when the peer's engine is another one than before: its flows begin anew, and so do
    /// ours to it. What the cutter holds has an old number and must be dropped.
    #[must_use]
    pub fn on_instance(&mut self, instance: u64) -> bool {
        if self.instance.replace(instance) == Some(instance) {
            return false;
        }
        let holes = self.reassembly.holes;
        self.reassembly = Reassembly::default();
        self.reassembly.holes = holes;
        self.numbers.clear();
        true
    }

    /// Time allowed for pieces that overtake each other on the path.
    pub fn reordering(rtt: Duration) -> Duration {
        (rtt / 4).clamp(Duration::from_millis(2), Duration::from_millis(25))
    }
}
