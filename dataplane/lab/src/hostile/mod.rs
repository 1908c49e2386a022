//! Datagrams that a stranger would send to the port, as fast as the machine makes them.

mod initial;
mod kind;

pub use initial::knock;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::args::{Args, Failure, failed};
use crate::datagrams::{BATCH, connect, resolve, send_batch};
use crate::signals;
use kind::{Kind, Maker};

const USAGE: &str =
    "usage: quicether-lab hostile --to HOST:PORT --kind KIND [--count 1] [--rate PACKETS_PER_S] [--seed 1]
    [--from IP:PORT] [--alpn quicether/1] [--callee NODE_ID] [--wait-ms 300]
KIND: garbage truncated initial-wrong-tag initial-untagged initial-tagged (with --callee) version-negotiation
    unknown-version short-header bad-retry-token long-header mixed
Sends and then says in one line of JSON what went out and what came back: kind sent sent_bytes refused seconds
answers answer_bytes (`refused`: ICMP port unreachable).";

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Report {
    kind: String,
    sent: u64,
    sent_bytes: u64,
    /// Times the far kernel said that nobody listens.
    refused: u64,
    seconds: f64,
    /// Datagrams that came back.
    answers: u64,
    answer_bytes: u64,
}

/// Sends hostile datagrams.
pub fn run(words: &[String]) -> Result<(), Failure> {
    let mut args = Args::parse(words, &[], USAGE)?;
    let to: String = args.required("to")?;
    let name: String = args.required("kind")?;
    let kind: Kind = name.parse().map_err(|error| Failure::Usage(format!("--kind: \"{name}\" is {error}")))?;
    let count: u64 = args.flag("count")?.unwrap_or(1);
    let rate: Option<f64> = args.flag("rate")?;
    let seed = args.flag("seed")?.unwrap_or(1);
    let from: Option<SocketAddr> = args.flag("from")?;
    let alpn = args.flag::<String>("alpn")?.unwrap_or_else(|| "quicether/1".to_string()).into_bytes();
    let callee = args.flag::<String>("callee")?.map(|text| parse_node_id(&text)).transpose()?;
    let wait = Duration::from_millis(args.flag("wait-ms")?.unwrap_or(300));
    args.finish()?;
    if kind == Kind::InitialTagged && callee.is_none() {
        return Err(Failure::Usage(format!("--callee is missing: the tag is made for a NodeId\n{USAGE}")));
    }

    signals::watch();
    let socket = connect(resolve(&to)?, from).map_err(failed(&to))?;
    let mut maker = Maker::new(kind, seed, alpn, callee.unwrap_or_default());
    let mut report = Report { kind: name, ..Report::default() };
    let started = Instant::now();
    while report.sent < count && !signals::stopping() {
        let mut wanted = (count - report.sent).min(BATCH as u64);
        if let Some(rate) = rate {
            let due = (started.elapsed().as_secs_f64() * rate) as u64 + 1;
            if due <= report.sent {
                std::thread::sleep(Duration::from_micros(200));
                continue;
            }
            wanted = wanted.min(due - report.sent);
        }
        let datagrams: Vec<Vec<u8>> = (0..wanted).map(|_| maker.make()).collect();
        send_all(&socket, &datagrams, &mut report)?;
        hear(&socket, &mut report);
    }
    report.seconds = started.elapsed().as_secs_f64();
    let until = Instant::now() + wait;
    while Instant::now() < until && !signals::stopping() {
        std::thread::sleep(Duration::from_millis(10));
        hear(&socket, &mut report);
    }
    println!("{}", serde_json::to_string(&report).unwrap_or_default());
    Ok(())
}

/// The 20 bytes of a NodeId, read without the product's own code: this is its check.
pub fn parse_node_id(text: &str) -> Result<Vec<u8>, Failure> {
    match bech32::decode(text) {
        Ok((prefix, bytes)) if prefix.as_str() == "qe" && bytes.len() == 20 => Ok(bytes),
        _ => Err(Failure::Usage(format!("--callee: \"{text}\" is not a NodeId"))),
    }
}

fn send_all(socket: &std::net::UdpSocket, datagrams: &[Vec<u8>], report: &mut Report) -> Result<(), Failure> {
    let mut rest = datagrams;
    while !rest.is_empty() {
        match send_batch(socket, rest) {
            Ok(sent) => {
                report.sent += sent as u64;
                report.sent_bytes += rest[..sent].iter().map(|datagram| datagram.len() as u64).sum::<u64>();
                rest = &rest[sent..];
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => report.refused += 1,
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => std::thread::yield_now(),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::Failed(format!("sending: {error}"))),
        }
    }
    Ok(())
}

/// Counts what came back without waiting for it.
fn hear(socket: &std::net::UdpSocket, report: &mut Report) {
    let mut room = [0; 65_536];
    if socket.set_nonblocking(true).is_err() {
        return;
    }
    loop {
        match socket.recv(&mut room) {
            Ok(len) => {
                report.answers += 1;
                report.answer_bytes += len as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => report.refused += 1,
            Err(_) => break,
        }
    }
    let _ = socket.set_nonblocking(false);
}
