//! The limit probe: what the packet path could reach on this machine if QUIC cost nothing.
//!
//! Same TUN with segmentation offload, same cut into pieces, same cipher, same UDP
//! segmentation and coalescing as the product; no acknowledgements, no congestion control, no
//! queue. The product's throughput is stated as a share of the probe's, because absolute
//! figures hold only for one machine and one hour.

mod cut;
mod device;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

use crate::args::{Args, Failure, failed};
use crate::signals;
use cut::{Cutter, Joiner, MAX_TRAIN, SEALED_LEN};

const USAGE: &str = "usage: quicether-lab probe TUN PEER_IP [--port 7000] [--die-with-parent]
Attaches to the TUN interface and exchanges its packets with the probe on PEER_IP. Prints
{\"ready\":true} once it is attached; addresses and routes are the caller's. Not secret, not safe: it measures.";

/// Reads from one side before the other has its turn.
const TURNS: usize = 16;

/// Datagrams sent with one call; 64 KB is the kernel's limit.
const SEGMENTS: usize = 44;

/// Runs the probe until a signal.
pub fn run(words: &[String]) -> Result<(), Failure> {
    let mut args = Args::parse(words, &["die-with-parent"], USAGE)?;
    let name: String = args.word("TUN")?;
    let peer: IpAddr = args.word("PEER_IP")?;
    let port = args.flag("port")?.unwrap_or(7000);
    let die_with_parent = args.switch("die-with-parent");
    args.finish()?;

    if die_with_parent {
        signals::die_with_parent();
    }
    signals::watch();
    let tun = device::open_tun(&name).map_err(failed(&name))?;
    let socket = device::open_socket(port, SocketAddr::new(peer, port)).map_err(failed("socket"))?;
    println!("{{\"ready\":true}}");
    io::stdout().flush()?;
    let mut probe = Probe {
        tun,
        socket,
        cutter: Cutter::new(),
        joiner: Joiner::new(),
        train: vec![0; MAX_TRAIN].into(),
        run: vec![0; 1 << 16].into(),
    };
    let result = probe.carry().map_err(failed("probe"));
    eprintln!(
        "quicether-lab probe: {} trains incomplete, {} pieces forged",
        probe.joiner.incomplete, probe.joiner.forged
    );
    result
}

struct Probe {
    tun: std::fs::File,
    socket: UdpSocket,
    cutter: Cutter,
    joiner: Joiner,
    train: Box<[u8]>,
    run: Box<[u8]>,
}

impl Probe {
    fn carry(&mut self) -> io::Result<()> {
        let (tun, socket) = (self.tun.as_raw_fd(), self.socket.as_raw_fd());
        while !signals::stopping() {
            wait(&mut [(tun, libc::POLLIN), (socket, libc::POLLIN)], 200)?;
            for _ in 0..TURNS {
                if !self.send_train()? {
                    break;
                }
            }
            for _ in 0..TURNS {
                if !self.receive_run()? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// One train from inside to outside; false when there is none.
    fn send_train(&mut self) -> io::Result<bool> {
        let len = match self.tun.read(&mut self.train) {
            Ok(len) => len,
            Err(error) if nothing(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        let socket = self.socket.as_raw_fd();
        for run in self.cutter.cut(&self.train[..len]).chunks(SEGMENTS * SEALED_LEN) {
            loop {
                match device::send_segments(socket, run, SEALED_LEN) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock && !signals::stopping() => {
                        wait(&mut [(socket, libc::POLLOUT)], 10)?;
                    }
                    // The other end has not started yet, or has ended.
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => break,
                    Err(error) => return Err(error),
                    Ok(()) => break,
                }
            }
        }
        Ok(true)
    }

    /// One run of datagrams from outside to inside; false when there is none.
    fn receive_run(&mut self) -> io::Result<bool> {
        let (len, segment_len) = match device::receive_segments(self.socket.as_raw_fd(), &mut self.run) {
            Ok(received) => received,
            Err(error) if nothing(&error) || error.kind() == ErrorKind::ConnectionRefused => return Ok(false),
            Err(error) => return Err(error),
        };
        for piece in self.run[..len].chunks(segment_len) {
            if let Some(train) = self.joiner.join(piece) {
                // A train that the kernel does not want is a lost packet, no reason to end.
                let _ = self.tun.write(train);
            }
        }
        Ok(true)
    }
}

fn nothing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn wait(wanted: &mut [(RawFd, libc::c_short)], timeout_ms: i32) -> io::Result<()> {
    let mut polled = [libc::pollfd { fd: -1, events: 0, revents: 0 }; 2];
    for (entry, (fd, events)) in polled.iter_mut().zip(wanted.iter()) {
        entry.fd = *fd;
        entry.events = *events;
    }
    // SAFETY: the list is live and the count is its length; entries with fd -1 are ignored.
    let ready = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as u64, timeout_ms) };
    if ready < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(())
}
