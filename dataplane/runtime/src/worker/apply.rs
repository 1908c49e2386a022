//! A new state, whole: everything that can fail is tried before anything changes.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Instant;

use quicether_core::NodeId;
use quicether_core::routes::RouteTable;

use super::{MAX_SOCKETS, Worker, random};
use crate::connection::CloseCode;
use crate::peer::{Dialler, Peer};
use crate::socket::Socket;
use crate::state::{Applied, ApplyError, State};
use crate::tun::Tun;

impl Worker {
    /// Makes `state` so, or changes nothing.
    pub(super) fn apply(&mut self, state: State) -> Result<Applied, ApplyError> {
        let now = Instant::now();
        if state.listen.len() > MAX_SOCKETS {
            return Err(ApplyError::System(format!(
                "{} sockets are too many: at most {MAX_SOCKETS}",
                state.listen.len()
            )));
        }
        let tun = self.wanted_tun(&state)?;
        let new_sockets = self.wanted_sockets(&state)?;
        if let Some(tun) = tun {
            self.inside.tun = Some(tun);
        }
        if let Some(sockets) = new_sockets {
            self.replace_sockets(now, sockets, &state.listen);
        }
        self.chores = now;
        set_affinity(&state.cpu_affinity);
        let local: Vec<_> = state.local.iter().map(|prefix| (*prefix, ())).collect();
        self.inside.local = RouteTable::build(&local);
        self.inside.own = state.claimed.clone();
        self.apply_peers(now, &state);
        self.apply_strangers(now, &state);
        let changed = self.state.replace(state);
        self.greet_again(changed.as_ref());
        let tun = self.inside.tun.as_ref().expect("made above");
        Ok(Applied { tun_index: tun.index(), tun_name: tun.name().into() })
    }

    /// The device to put in place; none when the present one stays.
    fn wanted_tun(&self, state: &State) -> Result<Option<Tun>, ApplyError> {
        match &self.inside.tun {
            Some(tun) if tun.name() == state.tun.name => Ok(None),
            _ => Tun::open(&state.tun.name).map(Some),
        }
    }

    /// The sockets to put in place; none when the present ones stay.
    ///
    /// A family that this machine does not have is left out as long as another one is there.
    fn wanted_sockets(&mut self, state: &State) -> Result<Option<Vec<Socket>>, ApplyError> {
        if self.state.as_ref().is_some_and(|old| old.listen == state.listen) {
            return Ok(None);
        }
        let present: HashSet<SocketAddr> = self.sockets.iter().map(Socket::local).collect();
        let (mut sockets, mut problem) = (Vec::new(), None);
        for address in state.listen.iter().filter(|address| !present.contains(address)) {
            match self.bind(*address, &state.listen) {
                Ok(socket) => sockets.push(socket),
                Err(ApplyError::AddressInUse(_)) if self.holds_port(*address) => {
                    return Err(ApplyError::System(format!(
                        "UDP {address} overlaps another address in the list that has the same port: leave one of them out"
                    )));
                }
                Err(error @ ApplyError::AddressInUse(_)) => return Err(error),
                Err(error) => problem = Some(error),
            }
        }
        let kept = self.sockets.iter().filter(|socket| state.listen.contains(&socket.local())).count();
        match problem {
            Some(error) if sockets.is_empty() && kept == 0 => Err(error),
            Some(error) => {
                tracing::warn!(%error, "a socket is left out");
                Ok(Some(sockets))
            }
            None => Ok(Some(sockets)),
        }
    }

    /// A socket on `address`; own ones that are in its way and not wanted any more make room without a gap.
    fn bind(&self, address: SocketAddr, wanted: &[SocketAddr]) -> Result<Socket, ApplyError> {
        let overlaps = |own: SocketAddr| own.port() == address.port() && own.is_ipv6() == address.is_ipv6();
        let old: Vec<&Socket> =
            self.sockets.iter().filter(|own| overlaps(own.local()) && !wanted.contains(&own.local())).collect();
        if old.is_empty() { Socket::bind(address) } else { Socket::bind_beside(address, &old) }
    }

    fn holds_port(&self, address: SocketAddr) -> bool {
        let own = self.sockets.iter().map(Socket::local);
        own.into_iter().any(|own| own.port() == address.port() && own.is_ipv6() == address.is_ipv6())
    }

    /// Keeps the sockets that the new state names; connections of the others begin anew.
    fn replace_sockets(&mut self, now: Instant, new: Vec<Socket>, listen: &[SocketAddr]) {
        let mut place = HashMap::new();
        let mut all = Vec::new();
        for (old_index, socket) in std::mem::take(&mut self.sockets).into_iter().enumerate() {
            if listen.contains(&socket.local()) {
                place.insert(old_index, all.len());
                all.push(socket);
            }
        }
        all.extend(new);
        self.sockets = all;
        for index in 0..self.connections.len() {
            let Some(connection) = self.connections[index].as_mut() else { continue };
            match place.get(&connection.socket) {
                Some(new_index) => connection.socket = *new_index,
                None => {
                    connection.socket = 0;
                    self.end(index, now, CloseCode::Goodbye, "the port it used is closed");
                }
            }
        }
    }

    fn apply_peers(&mut self, now: Instant, state: &State) {
        let wanted: HashSet<NodeId> = state.peers.iter().map(|peer| peer.node).collect();
        let gone: Vec<NodeId> = self.peer_of.keys().filter(|node| !wanted.contains(node)).copied().collect();
        for node in gone {
            self.remove_peer(now, node);
        }
        let mut routes = Vec::new();
        for peer in &state.peers {
            let index = match self.peer_of.get(&peer.node) {
                Some(index) => {
                    if let Some(known) = self.peers[*index].as_mut() {
                        known.update(now, peer);
                    }
                    *index
                }
                None => self.add_peer(Peer::new(now, peer, random())),
            };
            routes.extend(peer.prefixes.iter().map(|prefix| (*prefix, index)));
        }
        self.routes = RouteTable::build(&routes);
    }

    fn add_peer(&mut self, peer: Peer) -> usize {
        let node = peer.node;
        let index = self.peers.iter().position(Option::is_none).unwrap_or(self.peers.len());
        if index == self.peers.len() {
            self.peers.push(None);
        }
        self.peers[index] = Some(Box::new(peer));
        self.peer_of.insert(node, index);
        index
    }

    fn remove_peer(&mut self, now: Instant, node: NodeId) {
        let Some(index) = self.peer_of.remove(&node) else { return };
        self.peer_down(index, "removed here");
        self.holding.retain(|at| *at != index);
        if let Some(peer) = self.peers[index].take() {
            self.queued_bytes -= peer.queue.bytes();
        }
        for at in 0..self.connections.len() {
            let same = self.connections[at].as_ref().is_some_and(|connection| connection.node() == Some(node));
            if same {
                self.close(at, now, CloseCode::NotAccepted);
            }
        }
    }

    fn apply_strangers(&mut self, now: Instant, state: &State) {
        let keep = |dialler: &Dialler| state.dial.iter().any(|address| dialler.addresses == [*address]);
        let (mut kept, gone): (Vec<Dialler>, Vec<Dialler>) =
            std::mem::take(&mut self.strangers).into_iter().partition(keep);
        for index in gone.iter().filter_map(|dialler| dialler.connection) {
            // Whoever answered there and was accepted meanwhile keeps the connection.
            let node = self.connections[index].as_ref().and_then(|c| c.node());
            if node.is_none_or(|node| !self.peer_of.contains_key(&node)) {
                self.close(index, now, CloseCode::NotAccepted);
            }
        }
        for address in &state.dial {
            if !kept.iter().any(|dialler| dialler.addresses == [*address]) {
                kept.push(Dialler::new(now, vec![*address], None));
            }
        }
        self.strangers = kept;
    }

    /// Tells those whose acceptance or picture of us may have changed.
    fn greet_again(&mut self, before: Option<&State>) {
        let same_box = before
            .zip(self.state.as_ref())
            .is_some_and(|(old, new)| old.name == new.name && old.claimed == new.claimed && old.tun == new.tun);
        let known: HashSet<NodeId> = before.iter().flat_map(|old| &old.peers).map(|peer| peer.node).collect();
        for index in 0..self.connections.len() {
            let Some(node) = self.connections[index].as_ref().and_then(|c| c.node()) else { continue };
            if !same_box || known.contains(&node) != self.peer_of.contains_key(&node) {
                self.greet(index);
                self.settle(index);
            }
        }
    }
}

/// Keeps this thread on some processors; an empty list leaves it where it may go.
fn set_affinity(processors: &[u32]) {
    if processors.is_empty() {
        return;
    }
    // SAFETY: an all-zero set is valid; numbers are checked against its size.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        for processor in processors.iter().filter(|p| **p < libc::CPU_SETSIZE as u32) {
            libc::CPU_SET(*processor as usize, &mut set);
        }
        if libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) != 0 {
            tracing::warn!("performance.cpu_affinity names no processor of this machine: left where it was");
        }
    }
}
