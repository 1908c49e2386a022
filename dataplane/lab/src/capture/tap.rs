//! IP packets of an interface, both directions, with what a card would be told about them.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Instant;

use crate::packet_socket::{OFFLOAD_HEADER, interface_index};

/// `gso_type` of a train of UDP datagrams.
const GSO_UDP_L4: u8 = 5;

/// Addresses and type of an Ethernet frame; the loopback interface has them too.
const ETHERNET_HEADER: usize = 14;

/// Longest time without a look at signals and standard input.
const SLICE_MS: i32 = 50;

/// An interface, opened for its IP packets.
pub struct Tap {
    fd: OwnedFd,
    room: Box<[u8]>,
    header_len: usize,
    input_is_pipe: bool,
}

impl Tap {
    /// Opens an interface. With `offload`, trains come with the length of their segments; without,
    /// no packet is refused for being of a kind that cannot be described.
    pub fn open(name: &str, offload: bool) -> io::Result<Self> {
        let index = interface_index(name)?;
        // The kernel gives offload headers only together with Ethernet headers.
        let kind = if offload { libc::SOCK_RAW } else { libc::SOCK_DGRAM };
        // SAFETY: constant arguments; the result is checked below.
        let raw = unsafe { libc::socket(libc::AF_PACKET, kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0) };
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `raw` is a descriptor that was just made and that nothing else owns.
        let fd = unsafe { OwnedFd::from_raw_fd(raw) };
        let options =
            [(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, 64 << 20), (libc::SOL_PACKET, libc::PACKET_VNET_HDR, 1)];
        for (level, option, value) in options.into_iter().take(1 + usize::from(offload)) {
            // SAFETY: pointer and length are those of a live integer.
            let result = unsafe { libc::setsockopt(raw, level, option, std::ptr::from_ref(&value).cast(), 4) };
            if result < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        // SAFETY: an address of zeros is a valid value of this plain struct.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = index;
        // SAFETY: the pointer and the length are those of the address above.
        if unsafe { libc::bind(raw, std::ptr::from_ref(&address).cast(), size_of_val(&address) as u32) } < 0 {
            return Err(io::Error::last_os_error());
        }
        let header_len = if offload { OFFLOAD_HEADER + ETHERNET_HEADER } else { 0 };
        Ok(Self { fd, room: vec![0; 1 << 17].into(), header_len, input_is_pipe: input_is_pipe() })
    }

    /// The next IP packet, and the length of a segment when it is a train of datagrams; `None`
    /// after a short while without one.
    pub fn next(&mut self, until: Instant) -> io::Result<Option<(&[u8], Option<usize>)>> {
        // SAFETY: the pointer and the length are those of the room.
        let mut len = unsafe { libc::recv(self.fd.as_raw_fd(), self.room.as_mut_ptr().cast(), self.room.len(), 0) };
        if len < 0 {
            let left_ms = until.saturating_duration_since(Instant::now()).as_millis() as i32;
            let mut entry = libc::pollfd { fd: self.fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one live entry, and the count says one.
            unsafe { libc::poll(&mut entry, 1, left_ms.clamp(1, SLICE_MS)) };
            // SAFETY: as above.
            len = unsafe { libc::recv(self.fd.as_raw_fd(), self.room.as_mut_ptr().cast(), self.room.len(), 0) };
        }
        if len < 0 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::EAGAIN | libc::EINTR | libc::ENETDOWN | libc::EINVAL) => Ok(None),
                _ => Err(error),
            };
        }
        let packet = &self.room[..len as usize];
        if packet.len() < self.header_len {
            return Ok(None);
        }
        let (header, packet) = packet.split_at(self.header_len);
        let segment_len = match header {
            [_, GSO_UDP_L4, _, _, low, high, ..] => Some(usize::from(u16::from_ne_bytes([*low, *high]))),
            _ => None,
        };
        Ok(Some((packet, segment_len)))
    }

    /// Whether standard input was a pipe and has ended.
    pub fn input_ended(&self) -> bool {
        let mut entry = libc::pollfd { fd: libc::STDIN_FILENO, events: libc::POLLIN, revents: 0 };
        // SAFETY: one live entry, and the count says one.
        self.input_is_pipe && unsafe { libc::poll(&mut entry, 1, 0) } > 0 && entry.revents & libc::POLLHUP != 0
    }

    /// Packets that the kernel had no room for.
    pub fn missed(&self) -> io::Result<u64> {
        let mut stats = [0u32; 2];
        let mut len = size_of_val(&stats) as u32;
        // SAFETY: the room is that of `tpacket_stats`, two u32, and the length says so.
        let result = unsafe {
            libc::getsockopt(
                self.fd.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                stats.as_mut_ptr().cast(),
                &mut len,
            )
        };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(u64::from(stats[1])) }
    }
}

fn input_is_pipe() -> bool {
    // SAFETY: zeros are a valid value of this plain struct, which the call fills.
    unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        libc::fstat(libc::STDIN_FILENO, &mut stat) == 0 && stat.st_mode & libc::S_IFMT == libc::S_IFIFO
    }
}
