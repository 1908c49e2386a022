//! Every decoder, with what must hold of whatever it makes of any bytes.

mod bundle;
mod door;
mod inner;
mod order;
mod wire;

use crate::run::Target;

/// All targets.
pub fn all() -> Vec<Target> {
    [wire::targets(), inner::targets(), order::targets(), door::targets(), bundle::targets()]
        .into_iter()
        .flatten()
        .collect()
}

/// One number for an outcome, so that new kinds are noticed; sizes count by their magnitude.
fn outcome(parts: &[usize]) -> u64 {
    parts.iter().fold(17, |all, part| all * 67 % (1 << 50) + u64::from((part + 1).ilog2()))
}
