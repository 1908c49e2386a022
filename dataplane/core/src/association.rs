//! One association per pair of boxes: which of two connections to the same peer stays.

use std::time::{Duration, Instant};

use crate::NodeId;

/// Connections made within this of each other were dialled at once from both sides.
const AT_ONCE: Duration = Duration::from_secs(3);

/// What decides about a connection whose peer has said hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The peer's engine run, from its hello.
    pub instance: u64,
    /// Who dialled it.
    pub dialled_by: NodeId,
    /// When its handshake was done.
    pub established: Instant,
}

/// Whether `new` takes the place of `old`.
///
/// A restarted peer has forgotten the old one. Of two dialled at once both sides keep the one
/// that the smaller NodeId dialled, so that they agree without asking. Else the newer one wins:
/// nobody dials again without having lost the old one, as after a change of address.
pub fn replaces(new: &Candidate, old: &Candidate) -> bool {
    if new.instance != old.instance {
        return new.established >= old.established;
    }
    let apart = new.established.max(old.established) - new.established.min(old.established);
    if apart < AT_ONCE && new.dialled_by != old.dialled_by {
        return new.dialled_by < old.dialled_by;
    }
    new.established >= old.established
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, ms: u64, instance: u64, dialler: u8) -> Candidate {
        Candidate { instance, dialled_by: NodeId([dialler; 20]), established: start + Duration::from_millis(ms) }
    }

    #[test]
    fn both_sides_agree_when_both_dial_at_once() {
        let t = Instant::now();
        // Each side sees the other's connection at another time, in another order.
        let (first, second) = (at(t, 0, 7, 1), at(t, 40, 7, 2));
        assert!(!replaces(&second, &first));
        let (first, second) = (at(t, 0, 7, 2), at(t, 40, 7, 1));
        assert!(replaces(&second, &first));
    }

    #[test]
    fn a_later_connection_wins_whoever_dialled_it() {
        let t = Instant::now();
        assert!(replaces(&at(t, 60_000, 7, 2), &at(t, 0, 7, 1)));
        assert!(replaces(&at(t, 100, 7, 1), &at(t, 0, 7, 1)), "dialled again by the same side");
    }

    #[test]
    fn a_restarted_peer_wins_at_once() {
        let t = Instant::now();
        assert!(replaces(&at(t, 100, 8, 2), &at(t, 0, 7, 1)));
    }
}
