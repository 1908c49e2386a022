//! A netlink socket: requests and their answers, or the kernel's news.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::message::{Received, Request, messages};

const NETLINK_GET_STRICT_CHK: libc::c_int = 12;
const NLM_F_DUMP_INTR: u16 = 0x10;
/// Requests sent before their answers are read: the answers fit the socket's buffer.
const BATCH_LEN: usize = 64;
/// A dump that the kernel changed under is asked for again this often.
const DUMP_TRIES: usize = 5;
/// The kernel answers at once; this is for a kernel that does not.
const TIMEOUT_S: i64 = 5;
const BUFFER_LEN: usize = 64 * 1024;

/// Groups of news: links, addresses, routes and rules of both families (linux/rtnetlink.h).
const NEWS_GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | (1 << 18);

/// A socket to rtnetlink.
pub struct Netlink {
    fd: OwnedFd,
    buffer: Vec<u8>,
    sequence: u32,
}

impl Netlink {
    /// For requests.
    pub fn requests() -> io::Result<Self> {
        let netlink = Self::open(0, 0)?;
        netlink.set_option(libc::SOL_NETLINK, NETLINK_GET_STRICT_CHK, &1i32)?;
        let timeout = libc::timeval { tv_sec: TIMEOUT_S, tv_usec: 0 };
        netlink.set_option(libc::SOL_SOCKET, libc::SO_RCVTIMEO, &timeout)?;
        netlink.set_option(libc::SOL_SOCKET, libc::SO_RCVBUF, &(1i32 << 20))?;
        Ok(netlink)
    }

    /// For news; never blocks.
    pub fn news() -> io::Result<Self> {
        Self::open(libc::SOCK_NONBLOCK, NEWS_GROUPS)
    }

    fn open(flags: libc::c_int, groups: u32) -> io::Result<Self> {
        // SAFETY: socket has no memory effects; a descriptor that it returns is ours alone.
        let fd = unsafe {
            let fd = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC | flags, libc::NETLINK_ROUTE);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(fd)
        };
        // SAFETY: all zeroes is a valid sockaddr_nl.
        let mut address: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        address.nl_groups = groups;
        // SAFETY: the address is valid for its length and outlives the call.
        let bound = unsafe {
            libc::bind(fd.as_raw_fd(), (&raw const address).cast(), size_of::<libc::sockaddr_nl>() as libc::socklen_t)
        };
        if bound != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { fd, buffer: vec![0; BUFFER_LEN], sequence: 0 })
    }

    fn set_option<T>(&self, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
        // SAFETY: `value` is valid for its size and outlives the call.
        let result = unsafe {
            libc::setsockopt(
                self.fd.as_raw_fd(),
                level,
                name,
                std::ptr::from_ref(value).cast(),
                size_of::<T>() as libc::socklen_t,
            )
        };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        // SAFETY: the bytes are valid for their length and outlive the call.
        let sent = unsafe { libc::send(self.fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// One datagram into the buffer; its length.
    fn receive(&mut self) -> io::Result<usize> {
        // SAFETY: the buffer is valid for its length and outlives the call.
        let got = unsafe {
            libc::recv(self.fd.as_raw_fd(), self.buffer.as_mut_ptr().cast(), self.buffer.len(), libc::MSG_TRUNC)
        };
        match usize::try_from(got) {
            Err(_) => Err(io::Error::last_os_error()),
            Ok(len) if len > self.buffer.len() => Err(io::Error::other("the kernel sent more than fits")),
            Ok(len) => Ok(len),
        }
    }

    /// Makes every change; what came of each, in the same order.
    pub fn change(&mut self, requests: Vec<Request>) -> io::Result<Vec<io::Result<()>>> {
        let mut outcomes: Vec<io::Result<()>> = Vec::with_capacity(requests.len());
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let first = self.sequence.wrapping_add(1);
            let mut bytes = Vec::new();
            let mut waiting = 0;
            for request in requests.by_ref().take(BATCH_LEN) {
                self.sequence = self.sequence.wrapping_add(1);
                bytes.extend(request.finish(self.sequence));
                waiting += 1;
            }
            let base = outcomes.len();
            outcomes.extend((0..waiting).map(|_| Ok(())));
            self.send(&bytes)?;
            while waiting > 0 {
                let len = self.receive()?;
                for received in messages(&self.buffer[..len]) {
                    let place = received.sequence.wrapping_sub(first) as usize;
                    if i32::from(received.kind) == libc::NLMSG_ERROR
                        && let Some(outcome) = outcomes.get_mut(base..).and_then(|own| own.get_mut(place))
                    {
                        *outcome = acknowledged(&received);
                        waiting -= 1;
                    }
                }
            }
        }
        Ok(outcomes)
    }

    /// Everything the kernel has to say to a dump request, each message given to `decode`.
    pub fn dump<T>(
        &mut self,
        request: impl Fn() -> Request,
        decode: impl Fn(&[u8]) -> Option<T>,
    ) -> io::Result<Vec<T>> {
        for _ in 0..DUMP_TRIES {
            if let Some(found) = self.dump_once(request(), &decode)? {
                return Ok(found);
            }
        }
        Err(io::Error::other("the kernel's tables change faster than they can be read"))
    }

    /// `None` when the tables changed meanwhile.
    fn dump_once<T>(&mut self, request: Request, decode: impl Fn(&[u8]) -> Option<T>) -> io::Result<Option<Vec<T>>> {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        self.send(&request.finish(sequence))?;
        let (mut found, mut interrupted) = (Vec::new(), false);
        loop {
            let len = self.receive()?;
            for received in messages(&self.buffer[..len]).filter(|received| received.sequence == sequence) {
                interrupted |= received.flags & NLM_F_DUMP_INTR != 0;
                match i32::from(received.kind) {
                    libc::NLMSG_DONE => return Ok((!interrupted).then_some(found)),
                    libc::NLMSG_ERROR => return acknowledged(&received).map(|()| Some(found)),
                    _ => found.extend(decode(received.body)),
                }
            }
        }
    }

    /// Whether there is news that `matters`; true as well when some was lost.
    pub fn drain(&mut self, matters: impl Fn(u16, &[u8]) -> bool) -> bool {
        let mut any = false;
        loop {
            match self.receive() {
                Ok(len) => any |= messages(&self.buffer[..len]).any(|received| matters(received.kind, received.body)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return any,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // ENOBUFS: more happened than fits; look at everything. Others: likewise, and no loop.
                Err(_) => return true,
            }
        }
    }
}

fn acknowledged(received: &Received<'_>) -> io::Result<()> {
    let code = received.body.first_chunk::<4>().map_or(0, |code| i32::from_ne_bytes(*code));
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-code)) }
}
