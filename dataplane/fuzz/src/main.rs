//! Feeds hostile bytes to every decoder, on stable Rust, for as long as one likes.
//!
//! `quicether-fuzz TARGET|all SECONDS [SEED]` mutates valid inputs and checks what must hold of
//! the outcome; `quicether-fuzz TARGET --replay HEX` tries one input again. A failure prints
//! target, seed, round and bytes, and the run ends with a status other than 0.

mod mutate;
mod run;
mod targets;
#[path = "../../core/src/packet/testing.rs"]
mod testing;

use std::process::ExitCode;
use std::time::Duration;

// Where the shared packet builders look for them.
use quicether_core::packet::{TCP, UDP};

use run::Target;

const USAGE: &str = "usage: quicether-fuzz TARGET|all SECONDS [SEED]\n       quicether-fuzz TARGET --replay HEX";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        [name, "--replay", hex] => replay(name, hex),
        [name, seconds] => fuzz(name, seconds, None),
        [name, seconds, seed] => fuzz(name, seconds, Some(seed)),
        _ => Err(format!("{USAGE}\ntargets: {}", names())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

fn fuzz(name: &str, seconds: &str, seed: Option<&str>) -> Result<(), String> {
    let seconds: f64 = seconds.parse().map_err(|_| format!("{seconds:?} is not a number of seconds"))?;
    let time = Duration::try_from_secs_f64(seconds).map_err(|_| format!("{seconds} seconds cannot be waited for"))?;
    let seed = match seed {
        Some(text) => text.parse().map_err(|_| format!("{text:?} is not a seed: a whole number is"))?,
        None => fresh_seed(),
    };
    let chosen = find(name)?;
    for target in &chosen {
        let done = run::for_time(target, seed, time / chosen.len() as u32);
        println!("{:<12} {:>10} inputs, {:>4} kinds of outcome, seed {seed}", target.name, done.inputs, done.outcomes);
    }
    Ok(())
}

fn replay(name: &str, hex: &str) -> Result<(), String> {
    let bytes = decode_hex(hex).ok_or("what follows --replay is not an even number of hex digits")?;
    for target in find(name)? {
        println!("{}: outcome {:#x}", target.name, run::once(&target, &bytes));
    }
    Ok(())
}

fn find(name: &str) -> Result<Vec<Target>, String> {
    let chosen: Vec<Target> = targets::all().into_iter().filter(|t| name == "all" || t.name == name).collect();
    if chosen.is_empty() { Err(format!("no target {name:?}; there are: {}", names())) } else { Ok(chosen) }
}

fn names() -> String {
    targets::all().iter().map(|t| t.name).collect::<Vec<_>>().join(" ")
}

fn fresh_seed() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |d| d.as_nanos() as u64 >> 10)
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
