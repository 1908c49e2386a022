//! Memory of the packet path, used again instead of asked for again.

use bytes::{Bytes, BytesMut};

/// Capacities of train buffers; a packet takes the smallest that fits, so that the bytes counted
/// in a queue are close to the memory it takes.
const CLASSES: [usize; 5] = [128, 512, 2048, 16_384, 65_536];
/// Most spare buffers kept of each class.
const SPARE: [usize; 5] = [4096, 2048, 2048, 256, 64];

/// Buffers of trains on their way out.
#[derive(Default)]
pub struct TrainBuffers {
    spare: [Vec<Vec<u8>>; CLASSES.len()],
}

impl TrainBuffers {
    /// A full-size buffer of `65536` bytes to read into.
    pub fn largest(&mut self) -> Vec<u8> {
        let last = CLASSES.len() - 1;
        self.spare[last].pop().unwrap_or_else(|| vec![0; CLASSES[last]])
    }

    /// A smaller buffer with the `length` first bytes of `full`; none when `full` fits best.
    pub fn fitted(&mut self, full: &[u8], length: usize) -> Option<Vec<u8>> {
        let class = CLASSES[..CLASSES.len() - 1].iter().position(|size| *size >= length)?;
        let mut buffer = self.spare[class].pop().unwrap_or_else(|| vec![0; CLASSES[class]]);
        buffer[..length].copy_from_slice(&full[..length]);
        Some(buffer)
    }

    /// Takes a buffer back.
    pub fn give_back(&mut self, buffer: Vec<u8>) {
        if let Some(class) = CLASSES.iter().position(|size| *size == buffer.len())
            && self.spare[class].len() < SPARE[class]
        {
            self.spare[class].push(buffer);
        }
    }
}

/// Length of a receive buffer: the longest chain of datagrams that the kernel merges (GRO).
pub const RECEIVE_LEN: usize = 65_536;
/// Receive buffers in all; when parts of trains that wait for others hold every one of them,
/// those are given up.
const RECEIVE_BUFFERS: usize = 512;

/// Receive buffers. Parts of one live on in trains; it is used again when all of them are gone.
#[derive(Default)]
pub struct ReceiveBuffers {
    all: Vec<BytesMut>,
    next: usize,
    reserve: Vec<u8>,
    ran_out: bool,
}

impl ReceiveBuffers {
    /// A buffer of [`RECEIVE_LEN`] bytes, to be returned with [`Self::give_back`]; none when all
    /// are held.
    pub fn take(&mut self) -> Option<BytesMut> {
        for tried in 0..self.all.len() {
            self.next = (self.next + 1) % self.all.len();
            let buffer = &mut self.all[self.next];
            buffer.clear();
            if buffer.try_reclaim(RECEIVE_LEN) {
                let mut buffer = self.all.swap_remove(self.next);
                // SAFETY: the allocation was zeroed when it was made and its capacity reclaimed,
                // so every byte up to RECEIVE_LEN is initialised.
                unsafe { buffer.set_len(RECEIVE_LEN) };
                return Some(buffer);
            }
            if tried >= 8 && self.all.len() < RECEIVE_BUFFERS {
                break;
            }
        }
        (self.all.len() < RECEIVE_BUFFERS).then(|| BytesMut::zeroed(RECEIVE_LEN))
    }

    /// The one that is never handed out in parts: when all others are held, datagrams are copied
    /// from it, so that nobody who holds buffers can stop the reading.
    pub fn reserve(&mut self) -> &mut [u8] {
        self.ran_out = true;
        self.reserve.resize(RECEIVE_LEN, 0);
        &mut self.reserve
    }

    /// Whether the reserve was needed since the last call.
    pub fn take_ran_out(&mut self) -> bool {
        std::mem::take(&mut self.ran_out)
    }

    /// Takes back what is left of a buffer.
    pub fn give_back(&mut self, buffer: BytesMut) {
        self.all.push(buffer);
    }
}

/// Length of one block that cells are cut from.
const BLOCK_LEN: usize = 256 * 1024;

/// Room for cells on their way into the transport.
#[derive(Default)]
pub struct CellBlocks {
    current: BytesMut,
    used: Vec<BytesMut>,
}

impl CellBlocks {
    /// Makes room for a cell of up to `length` bytes in [`Self::cell`].
    pub fn begin(&mut self, length: usize) -> &mut BytesMut {
        if self.current.capacity() - self.current.len() < length {
            let reused = self.used.iter_mut().position(|block| {
                block.clear();
                block.try_reclaim(BLOCK_LEN)
            });
            let fresh = match reused {
                Some(at) => self.used.swap_remove(at),
                None => BytesMut::with_capacity(BLOCK_LEN),
            };
            let full = std::mem::replace(&mut self.current, fresh);
            // A block too many is freed when its cells are.
            if self.used.len() < 16 {
                self.used.push(full);
            }
        }
        &mut self.current
    }

    /// What was written since [`Self::begin`].
    pub fn finish(&mut self) -> Bytes {
        self.current.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn train_buffers_come_back_in_their_class() {
        let mut buffers = TrainBuffers::default();
        let full = buffers.largest();
        let small = buffers.fitted(&full, 60).unwrap();
        assert_eq!(small.len(), 128);
        let address = small.as_ptr();
        buffers.give_back(small);
        let again = buffers.fitted(&full, 100).unwrap();
        assert_eq!(again.as_ptr(), address);
        assert!(buffers.fitted(&full, 20_000).is_none());
    }

    #[test]
    fn a_receive_buffer_is_used_again_only_when_its_parts_are_gone() {
        let mut buffers = ReceiveBuffers::default();
        let mut first = buffers.take().unwrap();
        let address = first.as_ptr();
        let part = first.split_to(100).freeze();
        buffers.give_back(first);
        let second = buffers.take().unwrap();
        assert_ne!(second.as_ptr(), address);
        buffers.give_back(second);
        drop(part);
        let again = [buffers.take().unwrap(), buffers.take().unwrap()];
        assert!(again.iter().any(|b| b.as_ptr() == address && b.len() == RECEIVE_LEN));
    }

    #[test]
    fn receive_buffers_end_at_their_limit() {
        let mut buffers = ReceiveBuffers::default();
        let mut parts = Vec::new();
        while let Some(mut buffer) = buffers.take() {
            parts.push(buffer.split_to(1).freeze());
            buffers.give_back(buffer);
        }
        assert_eq!(parts.len(), RECEIVE_BUFFERS);
        assert_eq!(
            (buffers.reserve().len(), buffers.take_ran_out(), buffers.take_ran_out()),
            (RECEIVE_LEN, true, false)
        );
        parts.clear();
        assert!(buffers.take().is_some());
    }

    #[test]
    fn cell_blocks_are_used_again() {
        let mut blocks = CellBlocks::default();
        let mut addresses = std::collections::BTreeSet::new();
        for _ in 0..10_000 {
            let block = blocks.begin(1400);
            block.extend_from_slice(&[0; 1400]);
            let cell = blocks.finish();
            addresses.insert(cell.as_ptr() as usize / BLOCK_LEN);
        }
        assert!(addresses.len() < 10, "{}", addresses.len());
    }
}
