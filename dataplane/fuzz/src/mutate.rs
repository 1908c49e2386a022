//! New inputs from old ones.

use crate::testing::Rng;

/// Longest input: more than any datagram.
const MAX_LEN: usize = 4096;

/// Numbers at whose side decoders go wrong.
const RIMS: [u16; 12] = [0, 1, 7, 8, 20, 40, 127, 128, 255, 0x7fff, 0x8000, 0xffff];

/// An input made from a member of `corpus` by a few changes, now and then from nothing.
pub fn mutate(rng: &mut Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    if corpus.is_empty() || rng.below(50) == 0 {
        let len = rng.below(200);
        return rng.bytes(len);
    }
    let mut input = corpus[rng.below(corpus.len())].clone();
    // Most changes are few, so that what comes behind the first check is reached.
    for _ in 0..=rng.below(4) {
        change(rng, &mut input, corpus);
    }
    input.truncate(MAX_LEN);
    input
}

fn change(rng: &mut Rng, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    if input.is_empty() {
        *input = rng.bytes(8);
        return;
    }
    // Headers decide; half of the changes go there.
    let reach = if rng.below(2) == 0 { input.len().min(64) } else { input.len() };
    let at = rng.below(reach);
    match rng.below(9) {
        0 => input[at] ^= 1 << rng.below(8),
        1 => input[at] = rng.next() as u8,
        2 => input[at] = input[at].wrapping_add([1, 255][rng.below(2)]),
        3 => {
            let rim = RIMS[rng.below(RIMS.len())].to_be_bytes();
            let end = input.len().min(at + 2);
            input[at..end].copy_from_slice(&rim[..end - at]);
        }
        4 => input.truncate(at),
        5 => {
            let len = 1 + rng.below(40);
            let more = rng.bytes(len);
            input.splice(at..at, more);
        }
        6 => {
            let end = (at + 1 + rng.below(16)).min(input.len());
            input.drain(at..end);
        }
        7 => {
            let end = (at + 1 + rng.below(32)).min(input.len());
            let again = input[at..end].to_vec();
            input.splice(at..at, again);
        }
        _ => {
            let other = &corpus[rng.below(corpus.len())];
            input.truncate(at);
            input.extend(other.iter().skip(at));
        }
    }
}
