//! What boxes send each other inside QUIC, as bytes: no I/O, no clock, no allocation.
//!
//! * A QUIC DATAGRAM frame carries one [`cell`]: small packets whole, a piece of a train, or an
//!   echo.
//! * A unidirectional stream from each side carries [`greeting`] frames: who I am, what I can,
//!   whether I accept you.
//!
//! All numbers are big endian. Every decoder is total: any bytes give a value or an error.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate alloc;

pub mod cell;
pub mod greeting;

/// Versions of the bytes between boxes. A box refuses an association whose version it does not
/// have, and says so to its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum WireVersion {
    /// Cells of trains and small packets over one path.
    V1 = 1,
}

/// The version spoken by this code.
pub const WIRE_VERSION: WireVersion = WireVersion::V1;

/// Application protocol of the TLS handshake (RFC 7301).
pub const ALPN: &[u8] = b"quicether/1";
