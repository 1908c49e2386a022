//! Ethernet frames of an interface, many with one call (AF_PACKET with recvmmsg and sendmmsg).

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Frames taken or given with one call.
pub const BATCH: usize = 64;

/// `virtio_net_hdr` in front of every frame: it carries checksums that the sender's kernel
/// left for the card, so that they may be left for the receiver's as well.
pub const OFFLOAD_HEADER: usize = 10;

/// Room for a frame with its offload header.
pub const FRAME_ROOM: usize = 2048;

/// One frame.
pub struct Frame {
    bytes: Box<[u8; FRAME_ROOM]>,
    len: usize,
}

impl Frame {
    /// Room for a frame.
    pub fn empty() -> Self {
        Self { bytes: Box::new([0; FRAME_ROOM]), len: 0 }
    }

    /// The Ethernet frame, without the offload header.
    pub fn ethernet(&self) -> &[u8] {
        &self.bytes[OFFLOAD_HEADER..self.len.max(OFFLOAD_HEADER)]
    }

    /// See [`Self::ethernet`].
    pub fn ethernet_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[OFFLOAD_HEADER..self.len.max(OFFLOAD_HEADER)]
    }

    /// Whether this is a train that a card would cut: `gso_type` of the offload header is set.
    fn is_train(&self) -> bool {
        self.bytes[1] != 0
    }
}

/// What a call of [`PacketSocket::receive`] brought.
#[derive(Debug, Default, Clone, Copy)]
pub struct Received {
    /// Whole frames, now in the front of the buffers.
    pub frames: usize,
    /// Frames that were too long: the sender's segmentation offload is on.
    pub oversized: usize,
    /// Whether more may be waiting.
    pub more: bool,
}

/// An interface, opened for all its frames.
pub struct PacketSocket {
    fd: OwnedFd,
}

/// The index of an interface of this namespace.
pub fn interface_index(name: &str) -> io::Result<i32> {
    let text = CString::new(name)?;
    // SAFETY: the pointer is to a string that ends in zero and lives over the call.
    match unsafe { libc::if_nametoindex(text.as_ptr()) } {
        0 => Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no interface \"{name}\" here"))),
        index => Ok(index as i32),
    }
}

fn set_option<T>(fd: RawFd, level: i32, name: i32, value: &T) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of a live value.
    let result = unsafe { libc::setsockopt(fd, level, name, std::ptr::from_ref(value).cast(), size_of::<T>() as u32) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

impl PacketSocket {
    /// Opens an interface; promiscuous, not seeing what is sent from here.
    pub fn open(name: &str, see_outgoing: bool) -> io::Result<Self> {
        let index = interface_index(name)?;
        let protocol = (libc::ETH_P_ALL as u16).to_be();
        // SAFETY: constant arguments; the result is checked below.
        let raw =
            unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0) };
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `raw` is a descriptor that was just made and that nothing else owns.
        let fd = unsafe { OwnedFd::from_raw_fd(raw) };
        set_option(raw, libc::SOL_PACKET, libc::PACKET_VNET_HDR, &1i32)?;
        if !see_outgoing {
            set_option(raw, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1i32)?;
            set_option(raw, libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, &1i32)?;
        }
        let room = 16i32 << 20;
        set_option(raw, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &room)?;
        set_option(raw, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, &room)?;
        // SAFETY: an address of zeros is a valid value of this plain struct.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = protocol;
        address.sll_ifindex = index;
        // SAFETY: the pointer and the length are those of the address above.
        if unsafe { libc::bind(raw, std::ptr::from_ref(&address).cast(), size_of_val(&address) as u32) } < 0 {
            return Err(io::Error::last_os_error());
        }
        let promiscuous = libc::packet_mreq {
            mr_ifindex: index,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        set_option(raw, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &promiscuous)?;
        Ok(Self { fd })
    }

    /// Takes up to [`BATCH`] frames that wait. A link that is down has none.
    pub fn receive(&self, frames: &mut [Frame; BATCH]) -> io::Result<Received> {
        // SAFETY: zeros are a valid value of this plain struct.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        let mut parts = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; BATCH];
        for ((header, part), frame) in headers.iter_mut().zip(&mut parts).zip(frames.iter_mut()) {
            part.iov_base = frame.bytes.as_mut_ptr().cast();
            part.iov_len = FRAME_ROOM;
            header.msg_hdr.msg_iov = part;
            header.msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: every header points to a part above, every part to the room of a live frame.
        let taken = unsafe {
            libc::recvmmsg(
                self.fd.as_raw_fd(),
                headers.as_mut_ptr(),
                BATCH as u32,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        if taken < 0 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::EAGAIN | libc::EINTR | libc::ENETDOWN) => Ok(Received::default()),
                // A train of a kind that the offload header cannot describe.
                Some(libc::EINVAL) => Ok(Received { oversized: 1, more: true, ..Received::default() }),
                _ => Err(error),
            };
        }
        let taken = taken as usize;
        let mut received = Received { more: taken == BATCH, ..Received::default() };
        for at in 0..taken {
            let header = &headers[at];
            frames[at].len = header.msg_len as usize;
            if header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 || frames[at].is_train() {
                received.oversized += 1;
            } else {
                frames.swap(received.frames, at);
                received.frames += 1;
            }
        }
        Ok(received)
    }

    /// Gives up to [`BATCH`] frames to the interface and says how many it took.
    pub fn send(&self, frames: &[Frame]) -> usize {
        let frames = &frames[..frames.len().min(BATCH)];
        // SAFETY: zeros are a valid value of this plain struct.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        let mut parts = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; BATCH];
        for ((header, part), frame) in headers.iter_mut().zip(&mut parts).zip(frames) {
            part.iov_base = frame.bytes.as_ptr().cast_mut().cast();
            part.iov_len = frame.len;
            header.msg_hdr.msg_iov = part;
            header.msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: as in `receive`; the kernel only reads the parts.
        let sent = unsafe {
            libc::sendmmsg(self.fd.as_raw_fd(), headers.as_mut_ptr(), frames.len() as u32, libc::MSG_DONTWAIT as _)
        };
        sent.max(0) as usize
    }
}

impl AsRawFd for PacketSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// Sets an interface up or down.
pub fn set_link(name: &str, up: bool) -> io::Result<()> {
    // SAFETY: constant arguments; the result is checked below.
    let raw = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if raw < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `raw` is a descriptor that was just made and that nothing else owns.
    let socket = unsafe { OwnedFd::from_raw_fd(raw) };
    // SAFETY: zeros are a valid value of this plain struct.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("\"{name}\" is too long for an interface")));
    }
    for (slot, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *slot = byte as libc::c_char;
    }
    // SAFETY: the request is a live ifreq with a name that ends in zero.
    if unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &mut request) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let bit = libc::IFF_UP as libc::c_short;
    // SAFETY: SIOCGIFFLAGS filled this member of the union.
    unsafe {
        if up {
            request.ifr_ifru.ifru_flags |= bit;
        } else {
            request.ifr_ifru.ifru_flags &= !bit;
        }
    }
    // SAFETY: as above.
    if unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
