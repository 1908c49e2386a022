//! Greetings: what each side says on its stream, first and whenever it changes.
//!
//! A frame is `length:16 | type:8 | body`; unknown types are skipped, trailing bytes of a known
//! one are ignored, so that later versions can say more.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest frame, length field included.
pub const MAX_FRAME_LEN: usize = 512;
/// Longest name, bytes of UTF-8.
pub const MAX_NAME_LEN: usize = 64;
/// Most overlay addresses a box tells.
pub const MAX_ADDRESSES: usize = 4;

const TYPE_HELLO: u8 = 1;

/// What a box says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// [`crate::WireVersion`] of the sender.
    pub wire_version: u16,
    /// Random for each start of the engine: tells a restarted peer from a second connection.
    pub instance: u64,
    /// Largest inner packet that it takes, in bytes.
    pub mtu: u16,
    /// Whether it accepts the reader; nothing but greetings flows until both do.
    pub accepted: bool,
    name: [u8; MAX_NAME_LEN],
    name_len: u8,
    addresses: [IpAddr; MAX_ADDRESSES],
    address_count: u8,
}

/// A frame that breaks the rules; the association ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadGreeting;

/// What the front of a buffer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// A hello of this many bytes in all.
    Hello(Hello, usize),
    /// Something of a later version, of this many bytes in all.
    Unknown(usize),
    /// More bytes are wanted.
    Incomplete,
}

impl Hello {
    /// A hello; of a longer name or list the front is taken.
    pub fn new(wire_version: u16, instance: u64, mtu: u16, accepted: bool, name: &str, addresses: &[IpAddr]) -> Self {
        let mut end = name.len().min(MAX_NAME_LEN);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        let mut hello = Self {
            wire_version,
            instance,
            mtu,
            accepted,
            name: [0; MAX_NAME_LEN],
            name_len: end as u8,
            addresses: [IpAddr::V4(Ipv4Addr::UNSPECIFIED); MAX_ADDRESSES],
            address_count: addresses.len().min(MAX_ADDRESSES) as u8,
        };
        hello.name[..end].copy_from_slice(&name.as_bytes()[..end]);
        for (slot, address) in hello.addresses.iter_mut().zip(addresses) {
            *slot = *address;
        }
        hello
    }

    /// What the box calls itself: text from a peer, to be distrusted.
    pub fn name(&self) -> &str {
        core::str::from_utf8(&self.name[..usize::from(self.name_len)]).unwrap_or("")
    }

    /// Overlay addresses that the box says it has.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses[..usize::from(self.address_count)]
    }

    /// Writes the frame; returns its length.
    pub fn encode(&self, out: &mut [u8; MAX_FRAME_LEN]) -> usize {
        let mut writer = Writer { out, at: 2 };
        writer.put(&[TYPE_HELLO]);
        writer.put(&self.wire_version.to_be_bytes());
        writer.put(&self.instance.to_be_bytes());
        writer.put(&self.mtu.to_be_bytes());
        writer.put(&[u8::from(self.accepted), self.name_len]);
        writer.put(&self.name[..usize::from(self.name_len)]);
        writer.put(&[self.address_count]);
        for address in self.addresses() {
            match address {
                IpAddr::V4(a) => {
                    writer.put(&[4]);
                    writer.put(&a.octets());
                }
                IpAddr::V6(a) => {
                    writer.put(&[6]);
                    writer.put(&a.octets());
                }
            }
        }
        let length = writer.at;
        out[..2].copy_from_slice(&((length - 2) as u16).to_be_bytes());
        length
    }
}

/// Reads the frame at the front of `bytes`.
pub fn decode(bytes: &[u8]) -> Result<Frame, BadGreeting> {
    let Some(length) = bytes.get(..2) else { return Ok(Frame::Incomplete) };
    let total = 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
    if !(3..=MAX_FRAME_LEN).contains(&total) {
        return Err(BadGreeting);
    }
    let Some(body) = bytes.get(2..total) else { return Ok(Frame::Incomplete) };
    if body[0] != TYPE_HELLO {
        return Ok(Frame::Unknown(total));
    }
    decode_hello(&mut Reader { rest: &body[1..] }).map(|hello| Frame::Hello(hello, total))
}

fn decode_hello(reader: &mut Reader<'_>) -> Result<Hello, BadGreeting> {
    let wire_version = u16::from_be_bytes(reader.take()?);
    let instance = u64::from_be_bytes(reader.take()?);
    let mtu = u16::from_be_bytes(reader.take()?);
    let [accepted, name_len] = reader.take()?;
    let name = reader.slice(usize::from(name_len))?;
    let name = core::str::from_utf8(name).map_err(|_| BadGreeting)?;
    if accepted > 1 || name.len() > MAX_NAME_LEN || mtu < 576 {
        return Err(BadGreeting);
    }
    let [count] = reader.take()?;
    let mut addresses = [IpAddr::V4(Ipv4Addr::UNSPECIFIED); MAX_ADDRESSES];
    for slot in addresses.get_mut(..usize::from(count)).ok_or(BadGreeting)? {
        *slot = match reader.take::<1>()? {
            [4] => IpAddr::V4(Ipv4Addr::from(reader.take::<4>()?)),
            [6] => IpAddr::V6(Ipv6Addr::from(reader.take::<16>()?)),
            _ => return Err(BadGreeting),
        };
    }
    Ok(Hello::new(wire_version, instance, mtu, accepted == 1, name, &addresses[..usize::from(count)]))
}

struct Writer<'a> {
    out: &'a mut [u8; MAX_FRAME_LEN],
    at: usize,
}

impl Writer<'_> {
    // A hello is at most 2 + 1 + 12 + 2 + 64 + 1 + 4 * 17 = 150 bytes, so this cannot overrun.
    fn put(&mut self, bytes: &[u8]) {
        self.out[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn slice(&mut self, length: usize) -> Result<&'a [u8], BadGreeting> {
        let (front, rest) = self.rest.split_at_checked(length).ok_or(BadGreeting)?;
        self.rest = rest;
        Ok(front)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], BadGreeting> {
        self.slice(N)?.try_into().map_err(|_| BadGreeting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Hello {
        Hello::new(1, 99, 1500, true, "Leeds", &["100.64.1.2".parse().unwrap(), "fd71::1".parse().unwrap()])
    }

    #[test]
    fn hello_round_trips_and_waits_for_the_rest() {
        let mut out = [0; MAX_FRAME_LEN];
        let length = sample().encode(&mut out);
        assert_eq!(decode(&out[..length]), Ok(Frame::Hello(sample(), length)));
        for end in 0..length {
            assert_eq!(decode(&out[..end]), Ok(Frame::Incomplete), "{end}");
        }
        assert_eq!((sample().name(), sample().addresses().len()), ("Leeds", 2));
    }

    #[test]
    fn a_name_is_cut_at_a_character() {
        let long = Hello::new(1, 0, 1500, false, &"ä".repeat(33), &[]);
        assert_eq!(long.name().len(), 64);
        let odd = Hello::new(1, 0, 1500, false, &alloc::format!("a{}", "ä".repeat(33)), &[]);
        assert_eq!(odd.name().len(), 63);
    }

    #[test]
    fn what_breaks_the_rules_is_refused_and_what_is_new_is_skipped() {
        let mut out = [0; MAX_FRAME_LEN];
        let length = sample().encode(&mut out);
        out[15] = 2;
        assert_eq!(decode(&out[..length]), Err(BadGreeting), "accepted is neither yes nor no");
        assert_eq!(decode(&[0, 0, 0]), Err(BadGreeting), "no type");
        assert_eq!(decode(&[2, 0]), Err(BadGreeting), "too long");
        assert_eq!(decode(&[0, 2, 200, 0, 9]), Ok(Frame::Unknown(4)));
    }
}
