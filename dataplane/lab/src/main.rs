//! Tools of the lab and of the bench: what the product is measured with and attacked with.
//!
//! - `line`: a line emulator, two interfaces bridged with rate, delay, loss and queue;
//! - `probe`: the limit probe, the packet path of the product without QUIC;
//! - `hostile`: datagrams that a stranger would send to the port;
//! - `capture`, `replay`: datagrams kept in a file and sent again from another address;
//! - `sniff`: what left a port, for "not one byte out";
//! - `flood`: small packets counted at the far end;
//! - `crowd`: many idle peers in one process.
//!
//! Nothing here is part of the product: it may need root and may end with an error.

mod args;
mod capture;
mod crowd;
mod datagrams;
mod flood;
mod hostile;
mod line;
mod packet_socket;
mod probe;
mod rng;
mod signals;

use std::process::ExitCode;

const USAGE: &str = "usage: quicether-lab line|probe|hostile|capture|replay|sniff|flood|crowd [--help]";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(tool) = words.next() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let words: Vec<String> = words.collect();
    let result = match tool.as_str() {
        "line" => line::run(&words),
        "probe" => probe::run(&words),
        "hostile" => hostile::run(&words),
        "capture" => capture::run_capture(&words),
        "replay" => capture::run_replay(&words),
        "sniff" => capture::run_sniff(&words),
        "crowd" => crowd::run(&words),
        "flood" => flood::run(&words),
        other => Err(args::Failure::Usage(format!("\"{other}\" is not a tool; {USAGE}"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(args::Failure::Usage(text)) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
        Err(args::Failure::Failed(text)) => {
            eprintln!("quicether-lab {tool}: {text}");
            ExitCode::from(1)
        }
    }
}
