//! One QUIC connection: a pair of lines with a peer, or with somebody who is still to be accepted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noq_proto as quic;
use quicether_core::NodeId;
use quicether_core::association::Candidate;
use quicether_wire::greeting::{self, Frame, Hello, MAX_FRAME_LEN};

use crate::pacing::{Pacer, Shared};
use crate::tls::WrongKey;

/// Why a connection is closed, told to the peer (RFC 9000, section 19.19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum CloseCode {
    /// The box stops.
    Goodbye = 0,
    /// Another connection between the two boxes stays.
    Duplicate = 1,
    /// The peer is not, or no longer, wanted here.
    NotAccepted = 2,
    /// What it said could not be read.
    BadGreeting = 3,
    /// It speaks another version.
    WireVersion = 4,
    /// It is this box itself.
    Myself = 5,
}

/// Who began it.
#[derive(Debug, Clone)]
pub enum Origin {
    /// This box, to an address.
    Dialled {
        /// Where.
        address: SocketAddr,
        /// Who was wanted there.
        expected: Option<NodeId>,
        /// Set when somebody else answered.
        wrong_key: WrongKey,
    },
    /// The other side.
    Accepted,
}

/// A connection and what is known of its peer.
pub struct Connection {
    /// The library's half.
    pub quic: quic::Connection,
    /// Index of its socket.
    pub socket: usize,
    /// Who began it.
    pub origin: Origin,
    /// When it was begun.
    pub begun: Instant,
    /// Who proved a key, and when.
    pub proven: Option<(NodeId, Instant)>,
    /// What the peer last said of itself.
    pub hello: Option<Hello>,
    /// When something was last heard.
    pub heard: Instant,
    /// Where the peer was when we last looked.
    pub remote: SocketAddr,
    /// When it may be given more.
    pub pacer: Pacer,
    /// In the worker's list of connections to look at.
    pub dirty: bool,
    /// Its place in the worker's timers.
    pub timer: Option<Instant>,
    min_rtt: Duration,
    stream_out: Option<quic::StreamId>,
    stream_in: Option<quic::StreamId>,
    unread: Vec<u8>,
    unsent: Vec<u8>,
}

impl Connection {
    /// A connection just begun.
    pub fn new(
        now: Instant,
        quic: quic::Connection,
        socket: usize,
        origin: Origin,
        remote: SocketAddr,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            quic,
            socket,
            origin,
            begun: now,
            proven: None,
            hello: None,
            heard: now,
            remote,
            pacer: Pacer::new(now, shared),
            dirty: false,
            timer: None,
            min_rtt: Duration::MAX,
            stream_out: None,
            stream_in: None,
            unread: Vec::new(),
            unsent: Vec::new(),
        }
    }

    /// Who is there, once proven.
    pub fn node(&self) -> Option<NodeId> {
        self.proven.map(|(node, _)| node)
    }

    /// Whether this box dialled it.
    pub fn is_dialled(&self) -> bool {
        matches!(self.origin, Origin::Dialled { .. })
    }

    /// What decides whether it stays; none before the peer said hello.
    pub fn candidate(&self, own: NodeId) -> Option<Candidate> {
        let ((node, established), hello) = (self.proven?, self.hello?);
        let dialled_by = if self.is_dialled() { own } else { node };
        Some(Candidate { instance: hello.instance, dialled_by, established })
    }

    /// The lowest round trip so far, `rtt` included.
    pub fn min_rtt(&mut self, rtt: Duration) -> Duration {
        self.min_rtt = self.min_rtt.min(rtt);
        self.min_rtt
    }

    /// Tells the peer who we are, for the first time or again.
    pub fn greet(&mut self, hello: &Hello) {
        if self.stream_out.is_none() {
            self.stream_out = self.quic.streams().open(quic::Dir::Uni);
        }
        let mut frame = [0; MAX_FRAME_LEN];
        let length = hello.encode(&mut frame);
        // A peer that reads nothing is told the news when it reads again, in the next greeting.
        if self.unsent.len() <= 4 * MAX_FRAME_LEN {
            self.unsent.extend_from_slice(&frame[..length]);
        }
        self.flush_greeting();
    }

    /// Sends what the stream takes of the greeting.
    pub fn flush_greeting(&mut self) {
        let Some(id) = self.stream_out else { return };
        if self.unsent.is_empty() {
            return;
        }
        if let Ok(sent) = self.quic.send_stream(id).write(&self.unsent) {
            self.unsent.drain(..sent);
        }
    }

    /// Reads the peer's stream; true when it said something new of itself.
    pub fn read_greeting(&mut self) -> Result<bool, CloseCode> {
        if self.stream_in.is_none() {
            self.stream_in = self.quic.streams().accept(quic::Dir::Uni);
        }
        let Some(id) = self.stream_in else { return Ok(false) };
        let mut stream = self.quic.recv_stream(id);
        if let Ok(mut chunks) = stream.read(true) {
            while let Ok(Some(chunk)) = chunks.next(MAX_FRAME_LEN) {
                self.unread.extend_from_slice(&chunk.bytes);
                if self.unread.len() > 8 * MAX_FRAME_LEN {
                    return Err(CloseCode::BadGreeting);
                }
            }
            let _ = chunks.finalize();
        }
        let mut news = false;
        loop {
            let length = match greeting::decode(&self.unread).map_err(|_| CloseCode::BadGreeting)? {
                Frame::Incomplete => return Ok(news),
                Frame::Unknown(length) => length,
                Frame::Hello(hello, length) => {
                    if hello.wire_version != quicether_wire::WIRE_VERSION as u16 {
                        return Err(CloseCode::WireVersion);
                    }
                    self.hello = Some(hello);
                    news = true;
                    length
                }
            };
            self.unread.drain(..length);
        }
    }

    /// Ends it, telling the peer why.
    pub fn close(&mut self, now: Instant, code: CloseCode) {
        let reason = match code {
            CloseCode::Goodbye => "stopping",
            CloseCode::Duplicate => "another connection stays",
            CloseCode::NotAccepted => "not accepted",
            CloseCode::BadGreeting => "greeting not understood",
            CloseCode::WireVersion => "another version",
            CloseCode::Myself => "the same box",
        };
        self.quic.close(now, quic::VarInt::from_u32(code as u32), bytes::Bytes::from_static(reason.as_bytes()));
    }
}

/// Said when the two releases have no version of the wire format in common.
pub const OTHER_RELEASE: &str = "it runs a release that this one cannot talk to: update the older of the two";

/// Why a connection ended, for a person.
pub fn explain(reason: &quic::ConnectionError) -> String {
    use quic::ConnectionError as E;
    match reason {
        E::TimedOut => "it did not answer any more".into(),
        E::Reset => "its engine was restarted".into(),
        E::LocallyClosed => "closed here".into(),
        E::VersionMismatch => "it speaks no QUIC version 1".into(),
        E::ApplicationClosed(close) => match close.error_code.into_inner() {
            0 => "it is stopping".into(),
            1 => "another connection stays".into(),
            2 => "this box is not accepted there".into(),
            4 => OTHER_RELEASE.into(),
            5 => "the address leads to this box itself".into(),
            code => format!("it closed the connection (code {code})"),
        },
        E::ConnectionClosed(close) => format!("it refused the connection ({})", close.error_code),
        other => other.to_string(),
    }
}
