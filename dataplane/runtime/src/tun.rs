//! The TUN device with segmentation offload: whole trains in, whole trains out.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use quicether_core::packet::{VNET_HEADER_LEN, VnetHeader};

use crate::state::ApplyError;

/// Longest packet that a TUN gives or takes.
pub const MAX_PACKET_LEN: usize = 65_535;

const TUNSETIFF: libc::c_ulong = 0x4004_54ca;
const TUNSETOFFLOAD: libc::c_ulong = 0x4004_54d0;
const TUNSETVNETHDRSZ: libc::c_ulong = 0x4004_54d8;
const TUN_F_CSUM: libc::c_ulong = 1;
const TUN_F_TSO4: libc::c_ulong = 2;
const TUN_F_TSO6: libc::c_ulong = 4;
const TUN_F_TSO_ECN: libc::c_ulong = 8;

/// An open TUN device; it disappears with this value.
pub struct Tun {
    fd: OwnedFd,
    name: String,
    index: u32,
}

impl Tun {
    /// Makes the device `name`, which must not exist.
    pub fn open(name: &str) -> Result<Self, ApplyError> {
        let wanted = CString::new(name).map_err(|_| ApplyError::System(format!("{name:?} is no interface name")))?;
        if wanted.as_bytes().len() >= libc::IFNAMSIZ {
            return Err(ApplyError::System(format!(
                "network.tun_name: \"{name}\" is too long: at most {} characters",
                libc::IFNAMSIZ - 1
            )));
        }
        // SAFETY: a NUL-terminated name; no memory is touched.
        if unsafe { libc::if_nametoindex(wanted.as_ptr()) } != 0 {
            return Err(ApplyError::TunTaken(name.into()));
        }
        let fd = open_device().map_err(|e| refused(&e, name))?;
        set_up(fd.as_raw_fd(), &wanted).map_err(|e| refused(&e, name))?;
        // SAFETY: as above.
        let index = unsafe { libc::if_nametoindex(wanted.as_ptr()) };
        Ok(Self { fd, name: name.into(), index })
    }

    /// Name of the device.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its kernel index.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Reads one packet or train into `packet`; `WouldBlock` when there is none.
    pub fn read(&self, packet: &mut [u8]) -> io::Result<([u8; VNET_HEADER_LEN], usize)> {
        let mut vnet = [0u8; VNET_HEADER_LEN];
        let parts = [
            libc::iovec { iov_base: vnet.as_mut_ptr().cast(), iov_len: vnet.len() },
            libc::iovec { iov_base: packet.as_mut_ptr().cast(), iov_len: packet.len() },
        ];
        // SAFETY: both parts are exclusively borrowed for the call and have the lengths given.
        let read = unsafe { libc::readv(self.fd.as_raw_fd(), parts.as_ptr(), 2) };
        match usize::try_from(read) {
            Err(_) => Err(io::Error::last_os_error()),
            Ok(n) if n <= VNET_HEADER_LEN => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => Ok((vnet, n - VNET_HEADER_LEN)),
        }
    }

    /// Writes one packet or train whose bytes are `parts` behind each other.
    ///
    /// `scratch` is cleared and used for the list, so that nothing is allocated.
    pub fn write<'a>(
        &self,
        vnet: &VnetHeader,
        parts: impl Iterator<Item = &'a [u8]>,
        scratch: &mut Vec<libc::iovec>,
    ) -> io::Result<()> {
        let vnet = vnet.encode();
        scratch.clear();
        scratch.push(iovec(&vnet));
        scratch.extend(parts.map(iovec));
        // SAFETY: the parts are borrowed for `'a`, longer than this call, and only read from.
        let written = unsafe { libc::writev(self.fd.as_raw_fd(), scratch.as_ptr(), scratch.len() as libc::c_int) };
        scratch.clear();
        if written < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl AsRawFd for Tun {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

fn iovec(bytes: &[u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
}

fn open_device() -> io::Result<OwnedFd> {
    // SAFETY: a constant path; the result is checked before it is owned.
    let fd = unsafe { libc::open(c"/dev/net/tun".as_ptr(), libc::O_RDWR | libc::O_NONBLOCK | libc::O_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just opened, owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn set_up(fd: RawFd, name: &CString) -> io::Result<()> {
    // SAFETY: all-zero is a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.as_bytes()) {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI | libc::IFF_VNET_HDR) as i16;
    // SAFETY: the descriptor is open and the request lives for the call.
    check(unsafe { libc::ioctl(fd, TUNSETIFF, &request) })?;
    let header_len = VNET_HEADER_LEN as libc::c_int;
    // SAFETY: as above.
    check(unsafe { libc::ioctl(fd, TUNSETVNETHDRSZ, &header_len) })?;
    let offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    // SAFETY: takes a number.
    check(unsafe { libc::ioctl(fd, TUNSETOFFLOAD, offloads) })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn refused(error: &io::Error, name: &str) -> ApplyError {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => ApplyError::Permission,
        Some(libc::EBUSY | libc::EEXIST) => ApplyError::TunTaken(name.into()),
        Some(libc::ENOENT | libc::ENODEV) => {
            ApplyError::System("this kernel has no /dev/net/tun: load the module with modprobe tun".into())
        }
        _ => ApplyError::System(format!("making the interface {name}: {error}")),
    }
}
