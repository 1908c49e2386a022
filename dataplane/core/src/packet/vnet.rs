//! The virtio net header in front of each packet of a TUN with `IFF_VNET_HDR`.

use super::{Fragment, MAX_HEADER_LEN, Malformed, Packet, TCP, UDP, word};

/// Length of `struct virtio_net_hdr`.
pub const VNET_HEADER_LEN: usize = 10;

/// Smallest segment of a train. Linux never makes smaller TCP ones (48); a hostile peer must not
/// make the kernel cut 64 KB into single bytes.
const MIN_GSO_SIZE: u16 = 8;

const NEEDS_CSUM: u8 = 1;
const GSO_ECN: u8 = 0x80;

/// How a packet that is too long for the wire is to be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum GsoKind {
    /// Not at all.
    #[default]
    None,
    /// Into TCP segments, IPv4.
    Tcp4,
    /// Into TCP segments, IPv6.
    Tcp6,
    /// Into UDP datagrams (`VIRTIO_NET_HDR_GSO_UDP_L4`), either family.
    Udp,
}

/// `struct virtio_net_hdr`, its integers little endian as on x86 and arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VnetHeader {
    /// The layer 4 checksum holds the sum of the pseudo header only.
    pub needs_csum: bool,
    /// How to cut.
    pub gso: GsoKind,
    /// CWR is set and belongs to the first segment only.
    pub ecn: bool,
    /// Payload bytes of a segment; zero without segmentation.
    pub gso_size: u16,
    /// Length of all headers; from the kernel only a hint.
    pub hdr_len: u16,
    /// Where the checksum begins to count.
    pub csum_start: u16,
    /// Where the checksum is stored, from `csum_start`.
    pub csum_offset: u16,
}

impl VnetHeader {
    /// Header from the first bytes of what a TUN gave; unknown kinds of offload are refused.
    pub fn decode(bytes: &[u8; VNET_HEADER_LEN]) -> Result<Self, Malformed> {
        let le = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let gso = match bytes[1] & !GSO_ECN {
            0 => GsoKind::None,
            1 => GsoKind::Tcp4,
            4 => GsoKind::Tcp6,
            5 => GsoKind::Udp,
            _ => return Err(Malformed::Offload),
        };
        Ok(Self {
            needs_csum: bytes[0] & NEEDS_CSUM != 0,
            gso,
            ecn: bytes[1] & GSO_ECN != 0,
            hdr_len: le(2),
            gso_size: le(4),
            csum_start: le(6),
            csum_offset: le(8),
        })
    }

    /// Bytes to write in front of the packet.
    pub fn encode(&self) -> [u8; VNET_HEADER_LEN] {
        let kind = match self.gso {
            GsoKind::None => 0,
            GsoKind::Tcp4 => 1,
            GsoKind::Tcp6 => 4,
            GsoKind::Udp => 5,
        };
        let mut out = [0; VNET_HEADER_LEN];
        out[0] = if self.needs_csum { NEEDS_CSUM } else { 0 };
        out[1] = kind | if self.ecn { GSO_ECN } else { 0 };
        out[2..4].copy_from_slice(&self.hdr_len.to_le_bytes());
        out[4..6].copy_from_slice(&self.gso_size.to_le_bytes());
        out[6..8].copy_from_slice(&self.csum_start.to_le_bytes());
        out[8..10].copy_from_slice(&self.csum_offset.to_le_bytes());
        out
    }

    /// The header that tells the kernel what `packet` is, from nothing but its own headers.
    ///
    /// A packet of one segment or less needs no cutting, whatever `gso_size` says.
    pub fn derive(packet: &Packet, headers: &[u8], gso_size: u16, partial: bool) -> Result<Self, Malformed> {
        if !partial {
            // Kernels refuse or redo trains without a partial checksum, and never make them.
            return if gso_size == 0 { Ok(Self::default()) } else { Err(Malformed::Offload) };
        }
        let place = csum_offset(packet).ok_or(Malformed::Offload)?;
        let header_len = packet.header_len(headers)?;
        let mut vnet = Self {
            needs_csum: true,
            hdr_len: header_len as u16,
            csum_start: packet.l4_offset,
            csum_offset: place,
            ..Self::default()
        };
        if gso_size == 0 {
            return Ok(vnet);
        }
        let payload_len = usize::from(packet.total_len) - header_len;
        check_train(packet, headers, header_len, gso_size)?;
        if payload_len > usize::from(gso_size) {
            vnet.gso_size = gso_size;
            vnet.gso = match (packet.protocol, packet.src.is_ipv4()) {
                (UDP, _) => GsoKind::Udp,
                (_, true) => GsoKind::Tcp4,
                (_, false) => GsoKind::Tcp6,
            };
            vnet.ecn = packet.protocol == TCP && headers[usize::from(packet.l4_offset) + 13] & 0x80 != 0;
        }
        Ok(vnet)
    }
}

/// What travels with a train so that the other side can write it into its TUN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainInfo {
    /// Bytes of IP and layer 4 headers, sent once.
    pub header_len: u16,
    /// Payload bytes of a segment; zero: the packet is one piece.
    pub gso_size: u16,
    /// The layer 4 checksum is to be finished at the last hop.
    pub partial_checksum: bool,
}

/// What the kernel's `vnet` says of `packet`, checked against the packet itself.
///
/// `Malformed::Offload` for a partial checksum at another place than TCP's or UDP's own:
/// [`super::finish_checksum`] makes such a packet an ordinary one.
pub fn describe(vnet: &VnetHeader, packet: &Packet, bytes: &[u8]) -> Result<TrainInfo, Malformed> {
    if vnet.needs_csum && (vnet.csum_start != packet.l4_offset || csum_offset(packet) != Some(vnet.csum_offset)) {
        return Err(Malformed::Offload);
    }
    let gso_size = if vnet.gso == GsoKind::None { 0 } else { vnet.gso_size };
    let fits = match vnet.gso {
        GsoKind::None => true,
        GsoKind::Tcp4 => packet.protocol == TCP && packet.src.is_ipv4(),
        GsoKind::Tcp6 => packet.protocol == TCP && packet.src.is_ipv6(),
        GsoKind::Udp => packet.protocol == UDP,
    };
    if !fits || (vnet.gso != GsoKind::None && gso_size == 0) {
        return Err(Malformed::Offload);
    }
    // What cannot be rebuilt over there must not leave.
    let derived = VnetHeader::derive(packet, bytes, gso_size, vnet.needs_csum)?;
    Ok(TrainInfo {
        header_len: packet.header_len(bytes)? as u16,
        gso_size: derived.gso_size,
        partial_checksum: vnet.needs_csum,
    })
}

/// The header for the TUN of a packet that a peer sent, of which nobody vouches for anything.
///
/// `packet_headers` holds at least IP and layer 4 headers of a packet of `total_len` bytes.
pub fn rebuild_vnet(
    packet_headers: &[u8],
    total_len: usize,
    gso_size: u16,
    partial: bool,
) -> Result<VnetHeader, Malformed> {
    let packet = Packet::parse_headers(packet_headers, total_len)?;
    VnetHeader::derive(&packet, packet_headers, gso_size, partial)
}

fn csum_offset(packet: &Packet) -> Option<u16> {
    match (packet.protocol, packet.fragment) {
        (TCP, Fragment::Whole) => Some(16),
        (UDP, Fragment::Whole) => Some(6),
        _ => None,
    }
}

fn check_train(packet: &Packet, headers: &[u8], header_len: usize, gso_size: u16) -> Result<(), Malformed> {
    let segment_max = usize::from(u16::MAX) - header_len;
    if gso_size < MIN_GSO_SIZE || usize::from(gso_size) > segment_max || header_len > MAX_HEADER_LEN {
        return Err(Malformed::Offload);
    }
    let l4 = usize::from(packet.l4_offset);
    // Cutting rewrites UDP's own length, which must therefore be the truth.
    if packet.protocol == UDP && usize::from(word(headers, l4 + 4)) != usize::from(packet.total_len) - l4 {
        return Err(Malformed::Offload);
    }
    Ok(())
}
