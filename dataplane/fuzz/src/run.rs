//! Runs a target over mutated inputs and says which input broke it.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use crate::mutate::mutate;
use crate::testing::Rng;

/// Inputs that showed something new are kept as seeds of others, so many.
const MAX_CORPUS: usize = 2000;

/// A decoder takes microseconds; one that takes this long hangs.
const HANGS: Duration = Duration::from_secs(5);

/// A decoder with what must hold of it.
pub struct Target {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Valid inputs, to be mutated.
    pub corpus: fn(&mut Rng) -> Vec<Vec<u8>>,
    /// Panics when something does not hold; gives a number for what kind of outcome it was.
    pub check: fn(&[u8]) -> u64,
}

/// What a run did.
pub struct Done {
    /// Inputs tried.
    pub inputs: u64,
    /// Different outcomes seen.
    pub outcomes: usize,
}

struct Attempt {
    target: &'static str,
    seed: u64,
    round: u64,
    input: Vec<u8>,
    since: Instant,
}

static CURRENT: Mutex<Option<Attempt>> = Mutex::new(None);

/// Tries inputs for `time`.
pub fn for_time(target: &Target, seed: u64, time: Duration) -> Done {
    let start = Instant::now();
    run(target, seed, |round| !round.is_multiple_of(256) || start.elapsed() < time)
}

/// Tries one input.
pub fn once(target: &Target, input: &[u8]) -> u64 {
    report_failures();
    set_current(Some(Attempt { target: target.name, seed: 0, round: 0, input: input.to_vec(), since: Instant::now() }));
    let outcome = (target.check)(input);
    set_current(None);
    outcome
}

/// Tries inputs as long as `go_on` says; the same seed gives the same inputs.
pub fn run(target: &Target, seed: u64, go_on: impl Fn(u64) -> bool) -> Done {
    report_failures();
    let mut rng = Rng(seed);
    let mut corpus = (target.corpus)(&mut rng);
    let mut outcomes = HashSet::new();
    for input in &corpus {
        outcomes.insert((target.check)(input));
    }
    let mut round = 0;
    while go_on(round) {
        let input = mutate(&mut rng, &corpus);
        set_current(Some(Attempt { target: target.name, seed, round, input: input.clone(), since: Instant::now() }));
        if outcomes.insert((target.check)(&input)) && corpus.len() < MAX_CORPUS {
            corpus.push(input);
        }
        round += 1;
    }
    set_current(None);
    Done { inputs: round, outcomes: outcomes.len() }
}

fn current() -> MutexGuard<'static, Option<Attempt>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set_current(attempt: Option<Attempt>) {
    *current() = attempt;
}

/// Prints the input when a check panics (which ends a release build at once) or hangs.
fn report_failures() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            before(info);
            describe("failed");
        }));
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(HANGS);
                let hangs = current().as_ref().is_some_and(|a| a.since.elapsed() > HANGS);
                if hangs {
                    describe("hangs");
                    std::process::exit(1);
                }
            }
        });
    });
}

fn describe(what: &str) {
    if let Some(attempt) = current().as_ref() {
        let hex: String = attempt.input.iter().map(|b| format!("{b:02x}")).collect();
        let Attempt { target, seed, round, .. } = attempt;
        eprintln!("target {target} {what}: seed {seed}, round {round}\nquicether-fuzz {target} --replay {hex}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets;

    #[test]
    fn every_target_holds_and_sees_more_than_refusals() {
        for target in targets::all() {
            let done = run(&target, 1, |round| round < 3000);
            assert!(done.outcomes >= 3, "{} only ever gives {} outcomes", target.name, done.outcomes);
        }
    }

    #[test]
    fn a_decoder_with_a_hole_is_caught() {
        // Reads a length and trusts it, but only behind two checks.
        fn check(bytes: &[u8]) -> u64 {
            if bytes.len() < 4 || bytes[0] != 0x45 {
                return 0;
            }
            bytes[usize::from(bytes[1])..].len() as u64
        }
        let target = Target { name: "hole", corpus: |_| vec![vec![0x45, 2, 3, 4]], check };
        let caught = std::panic::catch_unwind(|| run(&target, 1, |round| round < 10_000));
        assert!(caught.is_err(), "ten thousand mutations did not find it");
    }

    #[test]
    fn a_seed_gives_the_same_inputs_again() {
        let target = targets::all().swap_remove(0);
        let rounds = |seed| {
            let mut rng = Rng(seed);
            let corpus = (target.corpus)(&mut rng);
            (0..50).map(|_| mutate(&mut rng, &corpus)).collect::<Vec<_>>()
        };
        assert_eq!(rounds(5), rounds(5));
        assert_ne!(rounds(5), rounds(6));
    }
}
