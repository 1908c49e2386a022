//! The interface of the probe and its socket, set up as the product sets up its own.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

const TUNSETIFF: libc::c_ulong = 0x4004_54ca;
const TUNSETOFFLOAD: libc::c_ulong = 0x4004_54d0;
const TUNSETVNETHDRSZ: libc::c_ulong = 0x4004_54d8;
const TUN_F_CSUM: libc::c_uint = 1;
const TUN_F_TSO4: libc::c_uint = 2;
const TUN_F_TSO6: libc::c_uint = 4;

/// Attaches to a TUN interface with offload header and segmentation offload.
pub fn open_tun(name: &str) -> io::Result<File> {
    let tun = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
    // SAFETY: zeros are a valid value of this plain struct.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.is_empty() || name.len() >= request.ifr_name.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("\"{name}\" cannot be an interface's name")));
    }
    for (slot, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *slot = byte as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI | libc::IFF_VNET_HDR) as libc::c_short;
    let header_len: libc::c_int = 10;
    // SAFETY: the request and the integer live over the calls and have the types that these
    // calls read.
    let result = unsafe {
        check(libc::ioctl(tun.as_raw_fd(), TUNSETIFF as _, &request))
            .and_then(|()| check(libc::ioctl(tun.as_raw_fd(), TUNSETVNETHDRSZ as _, &header_len)))
            .and_then(|()| {
                check(libc::ioctl(tun.as_raw_fd(), TUNSETOFFLOAD as _, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6))
            })
    };
    result.map(|()| tun)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A connected socket that coalesces what it receives.
pub fn open_socket(port: u16, peer: SocketAddr) -> io::Result<UdpSocket> {
    let any = if peer.is_ipv4() { SocketAddr::from(([0; 4], port)) } else { SocketAddr::from(([0; 16], port)) };
    let socket = UdpSocket::bind(any)?;
    socket.connect(peer)?;
    socket.set_nonblocking(true)?;
    let fd = socket.as_raw_fd();
    set(fd, libc::SOL_UDP, libc::UDP_GRO, 1)?;
    set(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, 8 << 20)?;
    set(fd, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, 8 << 20)?;
    Ok(socket)
}

fn set(fd: RawFd, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: pointer and length are those of a live integer.
    check(unsafe { libc::setsockopt(fd, level, name, std::ptr::from_ref(&value).cast(), size_of_val(&value) as u32) })
}

/// Room for one control message, aligned for its header.
#[repr(align(8))]
struct Control([u8; 64]);

/// Sends a run of datagrams of `segment_len` (the last may be shorter) with one call.
pub fn send_segments(fd: RawFd, bytes: &[u8], segment_len: usize) -> io::Result<()> {
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = Control([0; 64]);
    // SAFETY: zeros are a valid value of this plain struct.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    if bytes.len() > segment_len {
        message.msg_control = control.0.as_mut_ptr().cast();
        // SAFETY: CMSG_SPACE only computes; the room above is larger and aligned, so the first
        // header and its two bytes of data lie inside it.
        unsafe {
            message.msg_controllen = libc::CMSG_SPACE(2) as _;
            let header = libc::CMSG_FIRSTHDR(&message);
            (*header).cmsg_level = libc::SOL_UDP;
            (*header).cmsg_type = libc::UDP_SEGMENT;
            (*header).cmsg_len = libc::CMSG_LEN(2) as _;
            libc::CMSG_DATA(header).cast::<u16>().write_unaligned(segment_len as u16);
        }
    }
    // SAFETY: the message points to live rooms; the kernel only reads them.
    if unsafe { libc::sendmsg(fd, &message, 0) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Receives a run of datagrams: its length, and that of each datagram but the last.
pub fn receive_segments(fd: RawFd, room: &mut [u8]) -> io::Result<(usize, usize)> {
    let mut part = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
    let mut control = Control([0; 64]);
    // SAFETY: zeros are a valid value of this plain struct.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len() as _;
    // SAFETY: the message points to live rooms of the lengths it states.
    let len = unsafe { libc::recvmsg(fd, &mut message, 0) };
    if len < 0 {
        return Err(io::Error::last_os_error());
    }
    let len = len as usize;
    let mut segment_len = len;
    // SAFETY: the kernel filled the control room; these walk it within msg_controllen.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_UDP && (*header).cmsg_type == libc::UDP_GRO {
                segment_len = libc::CMSG_DATA(header).cast::<libc::c_int>().read_unaligned() as usize;
            }
            header = libc::CMSG_NXTHDR(&message, header);
        }
    }
    Ok((len, segment_len.max(1)))
}
