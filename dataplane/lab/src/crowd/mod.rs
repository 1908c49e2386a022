//! Many peers in one process: each proves a key of its own, says hello, and then is idle.
//!
//! For what a box pays for a peer that does nothing. Sans-IO QUIC from the library, one socket.

mod identity;

use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noq_proto as quic;
use quicether_wire::greeting::{Hello, MAX_FRAME_LEN};

use crate::args::{Args, Failure, failed};
use crate::datagrams::{resolve, set_room};
use crate::hostile::{knock, parse_node_id};
use crate::rng::Rng;
use crate::signals;
use identity::Identity;

const USAGE: &str = "usage: quicether-lab crowd --list --count N [--seed 1]
       quicether-lab crowd --to HOST:PORT --callee NODE_ID --count N [--seed 1] [--at-once 32]
--list prints the NodeIds of the crowd, one a line. Otherwise connects all of them and keeps them idle until a
signal; prints {\"connected\":N,\"lost\":N} whenever that changed, at most twice a second.";

/// How often all timers are looked at.
const TICK: Duration = Duration::from_millis(20);

/// Between two reports.
const REPORT: Duration = Duration::from_millis(500);

/// Lists or connects the crowd.
pub fn run(words: &[String]) -> Result<(), Failure> {
    let mut args = Args::parse(words, &["list"], USAGE)?;
    let count: u64 = args.required("count")?;
    let seed: u64 = args.flag("seed")?.unwrap_or(1);
    if args.switch("list") {
        args.finish()?;
        let ids: String = (0..count).map(|number| Identity::of(seed, number).node_id() + "\n").collect();
        return io::stdout().write_all(ids.as_bytes()).map_err(Failure::from);
    }
    let to: String = args.required("to")?;
    let callee = parse_node_id(&args.required::<String>("callee")?)?;
    let at_once: usize = args.flag("at-once")?.unwrap_or(32);
    args.finish()?;

    signals::watch();
    signals::die_with_parent();
    let remote = resolve(&to)?;
    let mut crowd = Crowd::new(remote, callee, seed).map_err(failed(&to))?;
    crowd.keep(count, at_once.max(1)).map_err(failed("crowd"))
}

struct Member {
    number: u64,
    quic: quic::Connection,
    connected: bool,
    lost: bool,
}

struct Crowd {
    remote: SocketAddr,
    callee: Vec<u8>,
    seed: u64,
    socket: UdpSocket,
    endpoint: quic::Endpoint,
    provider: Arc<rustls::crypto::CryptoProvider>,
    transport: Arc<quic::TransportConfig>,
    members: HashMap<quic::ConnectionHandle, Member>,
    /// Members that are to be connected, next first.
    waiting: VecDeque<u64>,
    lost: u64,
    out: Vec<u8>,
}

impl Crowd {
    fn new(remote: SocketAddr, callee: Vec<u8>, seed: u64) -> io::Result<Self> {
        let any = if remote.is_ipv4() { SocketAddr::from(([0; 4], 0)) } else { SocketAddr::from(([0; 16], 0)) };
        let socket = UdpSocket::bind(any)?;
        socket.set_nonblocking(true)?;
        set_room(&socket, 8 << 20);
        let mut transport = quic::TransportConfig::default();
        transport
            .max_idle_timeout(Some(quic::VarInt::from_u32(20_000).into()))
            .keep_alive_interval(Some(Duration::from_secs(5)))
            .datagram_receive_buffer_size(Some(1 << 20));
        Ok(Self {
            remote,
            callee,
            seed,
            socket,
            endpoint: quic::Endpoint::new(Arc::new(quic::EndpointConfig::default()), None, true),
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            transport: Arc::new(transport),
            members: HashMap::new(),
            waiting: VecDeque::new(),
            lost: 0,
            out: Vec::new(),
        })
    }

    /// Connects `count` members, `at_once` at a time, and serves them until a signal.
    fn keep(&mut self, count: u64, at_once: usize) -> io::Result<()> {
        let (mut reported, mut said) = (Instant::now(), (0, 0));
        let mut room = vec![0; 65_536];
        self.waiting = (0..count).collect();
        while !signals::stopping() {
            let connected = self.members.values().filter(|member| member.connected).count();
            while self.members.len() - connected < at_once
                && let Some(number) = self.waiting.pop_front()
            {
                self.begin(number);
            }
            let lost = self.lost;
            if said != (connected, lost) && reported.elapsed() > REPORT {
                (said, reported) = ((connected, lost), Instant::now());
                println!("{{\"connected\":{connected},\"lost\":{lost}}}");
                io::stdout().flush()?;
            }
            let mut entry = libc::pollfd { fd: self.socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one live entry, and the count says one.
            unsafe { libc::poll(&mut entry, 1, TICK.as_millis() as i32) };
            self.hear(&mut room);
            let now = Instant::now();
            for member in self.members.values_mut() {
                if member.quic.poll_timeout().is_some_and(|due| due <= now) {
                    member.quic.handle_timeout(now);
                }
            }
            self.serve(now);
        }
        Ok(())
    }

    fn begin(&mut self, number: u64) {
        let identity = Identity::of(self.seed, number);
        let mut config = quic::ClientConfig::new(identity.tls(&self.provider, quicether_wire::ALPN));
        config.transport_config(self.transport.clone());
        let callee = self.callee.clone();
        // The knock must differ from run to run: a box remembers those that it has heard.
        let seed = self.seed ^ number ^ signals::now_ns();
        config
            .initial_dst_cid_provider(Arc::new(move || quic::ConnectionId::new(&knock(&mut Rng::new(seed), &callee))));
        match self.endpoint.connect(Instant::now(), config, self.remote, "quicether") {
            Ok((handle, quic)) => {
                self.members.insert(handle, Member { number, quic, connected: false, lost: false });
            }
            Err(error) => eprintln!("quicether-lab crowd: member {number}: {error}"),
        }
    }

    fn hear(&mut self, room: &mut [u8]) {
        while let Ok((len, from)) = self.socket.recv_from(room) {
            let datagram = bytes::BytesMut::from(&room[..len]);
            let path = quic::FourTuple::new(from, None);
            let event = self.endpoint.handle(Instant::now(), path, None, datagram, &mut self.out);
            self.out.clear();
            if let Some(quic::DatagramEvent::ConnectionEvent(handle, event)) = event
                && let Some(member) = self.members.get_mut(&handle)
            {
                member.quic.handle_event(event);
            }
        }
    }

    fn serve(&mut self, now: Instant) {
        let one = std::num::NonZeroUsize::MIN;
        for (handle, member) in &mut self.members {
            while let Some(event) = member.quic.poll() {
                match event {
                    quic::Event::Connected => {
                        member.connected = true;
                        greet(&mut member.quic);
                    }
                    quic::Event::ConnectionLost { reason } => {
                        // It comes back at the end of the line, as a box would.
                        member.lost = true;
                        self.lost += 1;
                        self.waiting.push_back(member.number);
                        eprintln!("quicether-lab crowd: lost: {reason}");
                    }
                    _ => {}
                }
            }
            while let Some(transmit) = member.quic.poll_transmit(now, one, &mut self.out) {
                // A full socket loses a datagram as a line would.
                let _ = self.socket.send_to(&self.out[..transmit.size], transmit.destination);
                self.out.clear();
            }
            while let Some(event) = member.quic.poll_endpoint_events() {
                if let Some(event) = self.endpoint.handle_event(*handle, event) {
                    member.quic.handle_event(event);
                }
            }
        }
        self.members.retain(|_, member| !member.lost);
    }
}

/// Says hello, accepting whoever is there.
fn greet(quic: &mut quic::Connection) {
    let Some(stream) = quic.streams().open(quic::Dir::Uni) else { return };
    let mut frame = [0; MAX_FRAME_LEN];
    let version = quicether_wire::WIRE_VERSION as u16;
    let len = Hello::new(version, signals::now_ns(), 1500, true, "crowd", &[]).encode(&mut frame);
    if let Err(error) = quic.send_stream(stream).write(&frame[..len]) {
        eprintln!("quicether-lab crowd: hello: {error}");
    }
}
