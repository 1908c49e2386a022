//! UDP datagrams, many with one call.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::os::fd::AsRawFd;

use crate::args::Failure;

/// Datagrams sent or taken with one call.
pub const BATCH: usize = 64;

/// What a name and port stand for; the first address counts.
pub fn resolve(text: &str) -> Result<SocketAddr, Failure> {
    let mut found = text.to_socket_addrs().map_err(|error| Failure::Failed(format!("{text}: {error}")))?;
    found.next().ok_or_else(|| Failure::Failed(format!("{text}: no address")))
}

/// A socket to one destination, from an address of this host when one is given.
pub fn connect(to: SocketAddr, from: Option<SocketAddr>) -> io::Result<UdpSocket> {
    let any = if to.is_ipv4() { SocketAddr::from(([0; 4], 0)) } else { SocketAddr::from(([0; 16], 0)) };
    let socket = UdpSocket::bind(from.unwrap_or(any))?;
    socket.connect(to)?;
    set_room(&socket, 8 << 20);
    Ok(socket)
}

/// Asks for room in both directions; without the right to it, the usual room does.
pub fn set_room(socket: &UdpSocket, bytes: libc::c_int) {
    for name in [libc::SO_RCVBUFFORCE, libc::SO_SNDBUFFORCE] {
        // SAFETY: pointer and length are those of a live integer.
        unsafe {
            let value = std::ptr::from_ref(&bytes).cast();
            libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, name, value, size_of_val(&bytes) as u32)
        };
    }
}

/// Sends up to [`BATCH`] datagrams of a connected socket; says how many went.
///
/// A refusal that an earlier datagram met (`ECONNREFUSED`) is an error of this call.
pub fn send_batch(socket: &UdpSocket, datagrams: &[Vec<u8>]) -> io::Result<usize> {
    let datagrams = &datagrams[..datagrams.len().min(BATCH)];
    // SAFETY: zeros are a valid value of this plain struct.
    let mut headers: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
    let mut parts = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; BATCH];
    for ((header, part), datagram) in headers.iter_mut().zip(&mut parts).zip(datagrams) {
        part.iov_base = datagram.as_ptr().cast_mut().cast();
        part.iov_len = datagram.len();
        header.msg_hdr.msg_iov = part;
        header.msg_hdr.msg_iovlen = 1;
    }
    // SAFETY: every header points to a part above, every part to a live datagram that is only read.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), datagrams.len() as u32, 0) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(sent as usize) }
}

/// Takes up to [`BATCH`] datagrams into one room; their sum in bytes tells nothing but length.
pub fn receive_batch(socket: &UdpSocket, room: &mut [[u8; 2048]; BATCH]) -> io::Result<(usize, u64)> {
    // SAFETY: zeros are a valid value of this plain struct.
    let mut headers: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
    let mut parts = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; BATCH];
    for ((header, part), slot) in headers.iter_mut().zip(&mut parts).zip(room.iter_mut()) {
        part.iov_base = slot.as_mut_ptr().cast();
        part.iov_len = slot.len();
        header.msg_hdr.msg_iov = part;
        header.msg_hdr.msg_iovlen = 1;
    }
    // SAFETY: every header points to a part above, every part to a live room of that length.
    let taken = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            BATCH as u32,
            libc::MSG_WAITFORONE as _,
            std::ptr::null_mut(),
        )
    };
    if taken < 0 {
        return Err(io::Error::last_os_error());
    }
    let taken = taken as usize;
    Ok((taken, headers[..taken].iter().map(|header| u64::from(header.msg_len)).sum()))
}
