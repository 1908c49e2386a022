//! UDP sockets with segmentation and receive offload.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

use bytes::BytesMut;
use noq_proto as quic;
use noq_udp::{RecvMeta, UdpSocketState};
use socket2::{Domain, Protocol, SockRef, Type};

use crate::buffers::{RECEIVE_LEN, ReceiveBuffers};
use crate::state::ApplyError;

/// Chains of datagrams taken by one call.
pub const BATCH: usize = 8;
/// Kernel buffer each way: 60 ms at 1 Gbit/s, so that a thread that was away loses nothing.
const KERNEL_BUFFER_LEN: usize = 8 << 20;

/// A bound socket.
pub struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
}

/// Datagrams of one sender, one behind the other.
pub struct Received {
    /// Their bytes.
    pub bytes: BytesMut,
    /// Length of each but the last.
    pub stride: usize,
    /// Sender.
    pub remote: SocketAddr,
    /// Address they were sent to.
    pub local_ip: Option<IpAddr>,
    /// ECN bits of all of them.
    pub ecn: Option<quic::EcnCodepoint>,
}

impl Socket {
    /// Binds `address`; IPv6 sockets take IPv6 only.
    pub fn bind(address: SocketAddr) -> Result<Self, ApplyError> {
        Self::bind_with(address, false)
    }

    /// Binds `address` while `old`, which has the same port and is about to go, still serves: nothing is
    /// given up before the new one is there.
    pub fn bind_beside(address: SocketAddr, old: &[&Self]) -> Result<Self, ApplyError> {
        // The kernel looks at both sides of a conflict, at the moment of binding only; nobody else gets
        // in between, because a socket of another program would have to ask for sharing too.
        let share = |wanted: bool| -> Result<(), ApplyError> {
            for socket in old {
                let shared = SockRef::from(&socket.socket).set_reuse_address(wanted);
                shared.map_err(|e| ApplyError::System(format!("UDP {}: {e}", socket.local)))?;
            }
            Ok(())
        };
        share(true)?;
        let bound = Self::bind_with(address, true);
        share(false)?;
        let new = bound?;
        let alone = SockRef::from(&new.socket).set_reuse_address(false);
        alone.map_err(|e| ApplyError::System(format!("UDP {address}: {e}")))?;
        Ok(new)
    }

    fn bind_with(address: SocketAddr, share: bool) -> Result<Self, ApplyError> {
        let refused = |e: io::Error| match e.kind() {
            io::ErrorKind::AddrInUse => ApplyError::AddressInUse(address),
            _ => ApplyError::System(format!("binding UDP {address}: {e}")),
        };
        let socket =
            socket2::Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP)).map_err(refused)?;
        if address.is_ipv6() {
            socket.set_only_v6(true).map_err(refused)?;
        }
        socket.set_reuse_address(share).map_err(refused)?;
        socket.bind(&address.into()).map_err(refused)?;
        let socket = UdpSocket::from(socket);
        let state = UdpSocketState::new((&socket).into()).map_err(refused)?;
        force_buffers(&socket);
        let local = socket.local_addr().map_err(refused)?;
        Ok(Self { socket, state, local })
    }

    /// Address as bound.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Takes what has come, up to [`BATCH`] chains; false when there was nothing (more).
    pub fn receive(&self, buffers: &mut ReceiveBuffers, out: &mut Vec<Received>) -> io::Result<bool> {
        let mut taken: [Option<BytesMut>; BATCH] = Default::default();
        let mut count = 0;
        for slot in &mut taken {
            *slot = buffers.take();
            count += usize::from(slot.is_some());
        }
        if count == 0 {
            return self.receive_copied(buffers.reserve(), out);
        }
        let mut metas = [RecvMeta::default(); BATCH];
        let mut empty: [[u8; 0]; BATCH] = Default::default();
        let received = {
            let mut slots: [IoSliceMut<'_>; BATCH] = {
                let mut filled = taken.iter_mut().zip(&mut empty);
                std::array::from_fn(|_| match filled.next() {
                    Some((Some(buffer), _)) => IoSliceMut::new(&mut buffer[..RECEIVE_LEN]),
                    Some((None, nothing)) => IoSliceMut::new(nothing),
                    None => unreachable!("as many buffers as slots"),
                })
            };
            self.state.recv((&self.socket).into(), &mut slots[..count], &mut metas[..count])
        };
        let length = *received.as_ref().unwrap_or(&0);
        for (at, (buffer, meta)) in taken.into_iter().zip(&metas).enumerate() {
            let Some(mut buffer) = buffer else { continue };
            if at < length && meta.len > 0 {
                out.push(received_as(buffer.split_to(meta.len), meta));
            }
            buffers.give_back(buffer);
        }
        match received {
            Ok(n) => Ok(n == count),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Takes one chain through a buffer that stays here.
    fn receive_copied(&self, buffer: &mut [u8], out: &mut Vec<Received>) -> io::Result<bool> {
        let mut metas = [RecvMeta::default()];
        match self.state.recv((&self.socket).into(), &mut [IoSliceMut::new(buffer)], &mut metas) {
            Ok(_) => {
                out.push(received_as(BytesMut::from(&buffer[..metas[0].len]), &metas[0]));
                Ok(true)
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Sends what QUIC wants sent.
    ///
    /// A source address that has gone is tried again without; anything else that fails is a loss
    /// like one on the line, which QUIC repairs.
    pub fn send(&self, transmit: &quic::Transmit, bytes: &[u8]) -> io::Result<()> {
        let mut message = noq_udp::Transmit {
            destination: transmit.destination,
            ecn: transmit.ecn.and_then(|e| noq_udp::EcnCodepoint::from_bits(e as u8)),
            contents: &bytes[..transmit.size],
            segment_size: transmit.segment_size,
            src_ip: transmit.src_ip,
        };
        match self.state.try_send((&self.socket).into(), &message) {
            Err(e) if message.src_ip.is_some() && is_address_gone(&e) => {
                message.src_ip = None;
                self.state.try_send((&self.socket).into(), &message)
            }
            result => result,
        }
    }

    /// Segments that one call may carry.
    pub fn max_segments(&self) -> usize {
        self.state.max_gso_segments().get()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

fn received_as(bytes: BytesMut, meta: &RecvMeta) -> Received {
    Received {
        bytes,
        stride: meta.stride.max(1),
        remote: meta.addr,
        local_ip: meta.dst_ip,
        ecn: meta.ecn.and_then(|e| quic::EcnCodepoint::from_bits(e as u8)),
    }
}

fn is_address_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EADDRNOTAVAIL | libc::ENETUNREACH | libc::ENODEV))
}

/// Asks for large kernel buffers, past the system's limit where that is allowed.
fn force_buffers(socket: &UdpSocket) {
    let length = KERNEL_BUFFER_LEN as libc::c_int;
    for (forced, plain) in [(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF), (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)] {
        for option in [forced, plain] {
            // SAFETY: the option's value is a c_int that lives for the call.
            let set = unsafe {
                libc::setsockopt(
                    socket.as_raw_fd(),
                    libc::SOL_SOCKET,
                    option,
                    (&raw const length).cast(),
                    size_of::<libc::c_int>() as libc::socklen_t,
                )
            };
            if set == 0 {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_replaced_by_one_in_its_way_without_a_gap_and_nobody_else_gets_in() {
        let everywhere = Socket::bind("0.0.0.0:0".parse().unwrap()).unwrap();
        let here = SocketAddr::new("127.0.0.1".parse().unwrap(), everywhere.local().port());
        let in_use = |result: Result<Socket, ApplyError>| matches!(result, Err(ApplyError::AddressInUse(_)));
        assert!(in_use(Socket::bind(here)));
        let new = Socket::bind_beside(here, &[&everywhere]).unwrap();
        assert_eq!(new.local(), here);
        assert!(in_use(Socket::bind(here)));
        drop(everywhere);
        let again = Socket::bind_beside(SocketAddr::new("0.0.0.0".parse().unwrap(), here.port()), &[&new]).unwrap();
        drop(new);
        assert!(in_use(Socket::bind(here)));
        drop(again);
        Socket::bind(here).unwrap();
    }

    #[test]
    fn what_another_program_has_is_not_taken() {
        let theirs = Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let ours = Socket::bind("0.0.0.0:0".parse().unwrap()).unwrap();
        assert!(matches!(Socket::bind_beside(theirs.local(), &[&ours]), Err(ApplyError::AddressInUse(_))));
    }
}
