//! Pieces in any order, from a peer that means ill.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use quicether_core::reassembly::{Arrived, Part, Pushed, Reassembly, Train};
use quicether_wire::cell::TrainId;

use super::outcome;
use crate::run::Target;
use crate::testing::Rng;

/// Bytes of an input that make one step.
const STEP_LEN: usize = 5;
const REORDERING: Duration = Duration::from_millis(5);

pub fn targets() -> Vec<Target> {
    vec![Target { name: "reassembly", corpus: steps, check: check_reassembly }]
}

/// Payload that remembers which train it was sent in.
struct Tagged {
    train: TrainId,
    bytes: Vec<u8>,
}

impl AsRef<[u8]> for Tagged {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn steps(rng: &mut Rng) -> Vec<Vec<u8>> {
    (0..30)
        .map(|round| {
            let mut out = Vec::new();
            for number in 0..6u8 {
                for piece in 0..3u8 {
                    if rng.below(6) > 0 {
                        let last = if piece == 2 { 0x80 } else { 0 };
                        out.extend([round % 4, number, piece * 8, 8 | last, rng.below(3) as u8]);
                    }
                }
            }
            out
        })
        .collect()
}

/// What was delivered so far, and that it was in order.
#[derive(Default)]
struct Delivered {
    latest: HashMap<u16, u16>,
    bytes: usize,
    whole: usize,
    torn: usize,
}

impl Delivered {
    fn take(&mut self, train: &Train<Tagged>) {
        let id = train.parts.first().expect("an empty train is not worth a call").bytes.train;
        let mut end = 0;
        let mut holes = 0;
        for part in &train.parts {
            assert_eq!(part.bytes.train, id, "pieces of two trains in one");
            assert!(usize::from(part.offset) >= end, "parts overlap or are out of order");
            holes += usize::from(part.offset) - end;
            end = usize::from(part.offset) + part.bytes.bytes.len();
            self.bytes += part.bytes.bytes.len();
        }
        assert!(train.length.is_none_or(|length| usize::from(length) >= end));
        assert_eq!(train.is_whole(), holes == 0 && train.length.map(usize::from) == Some(end));
        if let Some(before) = self.latest.insert(id.slot, id.number) {
            let ahead = id.number.wrapping_sub(before);
            assert!(ahead > 0 && ahead < 0x8000, "a train twice, or out of the order of its flow");
        }
        self.whole += usize::from(train.is_whole());
        self.torn += usize::from(!train.is_whole());
    }
}

fn check_reassembly(input: &[u8]) -> u64 {
    let mut now = Instant::now();
    let (mut rules, mut delivered) = (Reassembly::default(), Delivered::default());
    let (mut taken, mut bad, mut late) = (0, 0, 0);
    for step in input.chunks_exact(STEP_LEN).take(300) {
        now += Duration::from_millis(u64::from(step[4] & 15));
        if step[4] & 0x40 != 0 {
            rules.expire(now, REORDERING, &mut |train| delivered.take(train));
            assert!(rules.next_timeout(REORDERING).is_none_or(|at| at > now), "a timeout that is over");
        }
        // The upper bits of the slot reach beyond the table, those of the number beyond the window.
        let slot = u16::from(step[0] & 15) | u16::from(step[0] & 0x80) << 3;
        let number = u16::from(step[1] & 63) | u16::from(step[1] & 0xc0) << 5;
        let train = TrainId { slot, number };
        let bytes = vec![0; usize::from(step[3] & 0x7f)];
        let len = bytes.len();
        let offset = if step[2] == 255 { u16::MAX - 20 } else { step[2].into() };
        let piece = Arrived {
            train,
            part: Part { offset, bytes: Tagged { train, bytes } },
            last: step[3] & 0x80 != 0,
            partial_checksum: false,
            gso_size: None,
            headers: None,
            congested: false,
        };
        match rules.push(now, piece, &mut |train| delivered.take(train)) {
            Pushed::Taken => taken += len,
            Pushed::Late => late += 1,
            Pushed::Bad => bad += 1,
        }
        assert_eq!(rules.held_bytes(), taken - delivered.bytes, "bytes got lost or were counted twice");
    }
    if input.first().is_some_and(|b| b & 1 == 0) {
        rules.flush(&mut |train| delivered.take(train));
    } else {
        rules.expire(now + Duration::from_secs(10), REORDERING, &mut |train| delivered.take(train));
    }
    assert_eq!((rules.held_bytes(), delivered.bytes), (0, taken), "all that was taken is handed over");
    assert_eq!(rules.next_timeout(REORDERING), None);
    outcome(&[delivered.whole, delivered.torn, bad, late])
}
