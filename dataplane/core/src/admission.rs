//! Silence to strangers: which datagrams may reach QUIC at all, decided before QUIC parses them.

mod replay;

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Instant;

use replay::{Freshness, ReplayCache};

/// Length of the random part of the destination connection id of a first Initial.
pub const NONCE_LEN: usize = 10;
/// Length of the part behind it that proves knowledge of the key.
pub const TAG_LEN: usize = 10;
/// Length of the destination connection id of a first Initial.
pub const KNOCK_LEN: usize = NONCE_LEN + TAG_LEN;
/// Length of the connection ids that we give out.
pub const OWN_CID_LEN: usize = 8;

/// Longest connection id of QUIC version 1 (RFC 9000 section 17.2).
const MAX_CID_LEN: usize = 20;
const VERSION_1: u32 = 1;
/// Shortest datagram with an Initial of a client (RFC 9000 section 14.1).
const MIN_INITIAL_DATAGRAM_LEN: usize = 1200;
/// Shortest packet that can be a stateless reset (RFC 9000 section 10.3).
const MIN_RESET_LEN: usize = 21;

/// Makes the tag of a nonce: the first bytes of HMAC-SHA-256 over label, nonce and the callee's
/// NodeId, under the key that friends share.
pub trait Tagger {
    /// The tag that a friend would send with `nonce`.
    fn tag(&self, nonce: &[u8; NONCE_LEN]) -> [u8; TAG_LEN];
}

/// What the runtime knows of live connections.
pub trait Known {
    /// Whether we gave out this connection id; a check of its own tag, not a table.
    fn is_ours(&self, cid: &[u8; OWN_CID_LEN]) -> bool;
    /// Whether a connection lives with `remote`, so that a stateless reset may come from there.
    fn talks_to(&self, remote: SocketAddr) -> bool;
}

/// Why a datagram was dropped unanswered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// From a stranger, or for a connection that is not ours.
    Silenced,
    /// Rightly tagged, but seen before.
    Replayed,
    /// Another version of QUIC, version negotiation included.
    WrongVersion,
    /// Not a QUIC packet.
    Malformed,
}

/// What happens to a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// For a connection that is ours, or from a stranger while strangers are allowed.
    Pass,
    /// The first flight of somebody who knows the key.
    PassTagged,
    /// Forget it; nothing goes out.
    Drop(Reason),
}

/// The destination connection id that opens the door of whoever checks with the same `tagger`.
pub fn knock(tagger: &impl Tagger, nonce: [u8; NONCE_LEN]) -> [u8; KNOCK_LEN] {
    let mut id = [0; KNOCK_LEN];
    id[..NONCE_LEN].copy_from_slice(&nonce);
    id[NONCE_LEN..].copy_from_slice(&tagger.tag(&nonce));
    id
}

/// The filter in front of a QUIC endpoint.
///
/// It hides the port, it does not authenticate: that is what TLS does behind it. Only a rightly
/// tagged Initial takes memory (up to 65,536 nonces, about 4 MB), so strangers cannot.
#[derive(Debug)]
pub struct Admission<T> {
    tagger: T,
    seen: ReplayCache,
}

impl<T: Tagger> Admission<T> {
    /// Filter that lets pass what `tagger` would have tagged.
    pub fn new(tagger: T) -> Self {
        Self { tagger, seen: ReplayCache::default() }
    }

    /// Whether the datagram `bytes` from `remote` may go on to QUIC.
    ///
    /// Its first packet decides for coalesced ones: QUIC drops those with another connection id
    /// (RFC 9000 section 12.2).
    pub fn decide(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        bytes: &[u8],
        strangers_allowed: bool,
        known: &impl Known,
    ) -> Verdict {
        match parse_first(bytes) {
            Err(reason) => Verdict::Drop(reason),
            Ok(First::Short { cid }) => {
                // A reset looks like a short header with an id that is not ours.
                let may_be_reset = bytes.len() >= MIN_RESET_LEN && known.talks_to(remote);
                pass_if(known.is_ours(cid) || may_be_reset)
            }
            Ok(First::Long { cid }) => pass_if(is_ours(known, cid)),
            Ok(First::Initial(initial)) => self.decide_initial(now, remote, bytes, strangers_allowed, known, &initial),
        }
    }

    fn decide_initial(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        bytes: &[u8],
        strangers_allowed: bool,
        known: &impl Known,
        initial: &Initial<'_>,
    ) -> Verdict {
        // We hand out tokens to strangers only; a bad one would be answered (RFC 9000 section 8.1.2).
        if initial.has_token && !strangers_allowed {
            return Verdict::Drop(Reason::Silenced);
        }
        if is_ours(known, initial.cid) {
            return Verdict::Pass;
        }
        // An endpoint answers none of these, but it looks at them; a client never sends them.
        if !initial.fixed_bit || bytes.len() < MIN_INITIAL_DATAGRAM_LEN {
            return Verdict::Drop(Reason::Malformed);
        }
        match self.nonce_of(initial.cid).map(|nonce| self.seen.observe(now, remote, nonce)) {
            Some(Freshness::Replayed) => Verdict::Drop(Reason::Replayed),
            Some(Freshness::New | Freshness::Retransmitted) => Verdict::PassTagged,
            None => pass_if(strangers_allowed && initial.cid.len() >= OWN_CID_LEN),
        }
    }

    /// The nonce, when the tag behind it is right.
    fn nonce_of(&self, cid: &[u8]) -> Option<[u8; NONCE_LEN]> {
        let id: &[u8; KNOCK_LEN] = cid.try_into().ok()?;
        let (nonce, tag) = id.split_first_chunk::<NONCE_LEN>()?;
        same(&self.tagger.tag(nonce), tag).then_some(*nonce)
    }
}

/// Comparison whose duration says nothing about where the difference is.
fn same(a: &[u8; TAG_LEN], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0, |all, (x, y)| black_box(all | (x ^ y)));
    black_box(difference) == 0 && b.len() == TAG_LEN
}

fn is_ours(known: &impl Known, cid: &[u8]) -> bool {
    cid.try_into().is_ok_and(|cid| known.is_ours(cid))
}

fn pass_if(yes: bool) -> Verdict {
    if yes { Verdict::Pass } else { Verdict::Drop(Reason::Silenced) }
}

struct Initial<'a> {
    cid: &'a [u8],
    has_token: bool,
    fixed_bit: bool,
}

enum First<'a> {
    Initial(Initial<'a>),
    /// 0-RTT, Handshake or Retry.
    Long {
        cid: &'a [u8],
    },
    Short {
        cid: &'a [u8; OWN_CID_LEN],
    },
}

/// Header of the first packet, as far as it is not encrypted (RFC 8999, RFC 9000 section 17).
fn parse_first(bytes: &[u8]) -> Result<First<'_>, Reason> {
    let (&form, rest) = bytes.split_first().ok_or(Reason::Malformed)?;
    if form & 0x80 == 0 {
        let (cid, sealed) = rest.split_first_chunk().ok_or(Reason::Malformed)?;
        return if sealed.is_empty() { Err(Reason::Malformed) } else { Ok(First::Short { cid }) };
    }
    let (version, rest) = rest.split_first_chunk::<4>().ok_or(Reason::Malformed)?;
    if u32::from_be_bytes(*version) != VERSION_1 {
        return Err(Reason::WrongVersion);
    }
    let (cid, rest) = parse_cid(rest)?;
    let (_, rest) = parse_cid(rest)?;
    if form & 0x30 != 0 {
        return Ok(First::Long { cid });
    }
    let (token_len, rest) = parse_varint(rest).ok_or(Reason::Malformed)?;
    let rest = skip(rest, token_len)?;
    let (packet_len, rest) = parse_varint(rest).ok_or(Reason::Malformed)?;
    skip(rest, packet_len)?;
    Ok(First::Initial(Initial { cid, has_token: token_len > 0, fixed_bit: form & 0x40 != 0 }))
}

fn parse_cid(bytes: &[u8]) -> Result<(&[u8], &[u8]), Reason> {
    let (&len, rest) = bytes.split_first().ok_or(Reason::Malformed)?;
    let len = usize::from(len);
    if len > MAX_CID_LEN {
        return Err(Reason::Malformed);
    }
    rest.split_at_checked(len).ok_or(Reason::Malformed)
}

fn skip(bytes: &[u8], len: u64) -> Result<&[u8], Reason> {
    let len = usize::try_from(len).map_err(|_| Reason::Malformed)?;
    bytes.get(len..).ok_or(Reason::Malformed)
}

/// Variable-length integer of RFC 9000 section 16.
fn parse_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, _) = bytes.split_first()?;
    let (raw, rest) = bytes.split_at_checked(1 << (first >> 6))?;
    let value = raw[1..].iter().fold(u64::from(first & 0x3f), |all, b| all << 8 | u64::from(*b));
    Some((value, rest))
}

#[cfg(test)]
mod tests;
