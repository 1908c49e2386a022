//! Datagrams kept from a wire, sent again from elsewhere, and counted as they leave a port.

mod file;
mod parse;
mod tap;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::args::{Args, Failure, failed};
use crate::datagrams::{BATCH, connect, resolve, send_batch};
use crate::signals;
use parse::{Packet, parse};
use tap::Tap;

const CAPTURE: &str =
    "usage: quicether-lab capture IF --out FILE [--to-port PORT] [--from-port PORT] [--count 1000] [--seconds 60]
    [--initials]
Keeps the payloads of UDP datagrams seen on IF; --initials: only first packets of QUIC version 1. Prints
{\"ready\":true}, and at the end {\"captured\":N,\"bytes\":N}.";

const REPLAY: &str = "usage: quicether-lab replay FILE --to HOST:PORT [--from IP:PORT] [--times 1] [--rate PACKETS_PER_S] [--wait-ms 300]
Sends the datagrams of FILE in their order. Prints {\"sent\":N,\"answers\":N,\"answer_bytes\":N}.";

const SNIFF: &str = "usage: quicether-lab sniff IF [--from-port 9000] [--to IP] [--seconds 60]
Counts UDP packets that leave a port (and go to IP), and ICMP errors, until --seconds have passed, a signal, or the
end of standard input when that is a pipe. Prints {\"ready\":true}, and at the end
{\"packets\":N,\"bytes\":N,\"icmp_errors\":N,\"missed\":N}; `missed` are packets that the kernel could not show.";

/// Keeps datagrams in a file.
pub fn run_capture(words: &[String]) -> Result<(), Failure> {
    let mut args = Args::parse(words, &["initials"], CAPTURE)?;
    let interface: String = args.word("IF")?;
    let path: PathBuf = args.required("out")?;
    let to_port: Option<u16> = args.flag("to-port")?;
    let from_port: Option<u16> = args.flag("from-port")?;
    let count: u64 = args.flag("count")?.unwrap_or(1000);
    let seconds: f64 = args.flag("seconds")?.unwrap_or(60.0);
    let initials = args.switch("initials");
    args.finish()?;

    signals::watch();
    let mut tap = Tap::open(&interface, true).map_err(failed(&interface))?;
    let mut writer = file::Writer::create(&path).map_err(failed("--out"))?;
    println!("{{\"ready\":true}}");
    let until = Instant::now() + Duration::from_secs_f64(seconds.clamp(0.0, 3600.0));
    let (mut captured, mut bytes) = (0, 0);
    while captured < count && Instant::now() < until && !signals::stopping() {
        let Some((packet, segment_len)) = tap.next(until)? else { continue };
        let Packet::Udp { source_port, destination_port, payload, .. } = parse(packet) else { continue };
        if to_port.is_some_and(|port| port != destination_port) || from_port.is_some_and(|port| port != source_port) {
            continue;
        }
        for datagram in payload.chunks(segment_len.unwrap_or(payload.len()).max(1)) {
            if captured < count && (!initials || is_initial(datagram)) {
                writer.add(datagram).map_err(failed("--out"))?;
                captured += 1;
                bytes += datagram.len();
            }
        }
    }
    writer.finish().map_err(failed("--out"))?;
    println!("{{\"captured\":{captured},\"bytes\":{bytes}}}");
    Ok(())
}

fn is_initial(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| first & 0xf0 == 0xc0) && datagram.get(1..5) == Some(&[0, 0, 0, 1])
}

/// Sends what a file holds.
pub fn run_replay(words: &[String]) -> Result<(), Failure> {
    let mut args = Args::parse(words, &[], REPLAY)?;
    let path: PathBuf = args.word("FILE")?;
    let to: String = args.required("to")?;
    let from: Option<SocketAddr> = args.flag("from")?;
    let times: u64 = args.flag("times")?.unwrap_or(1);
    let rate: Option<f64> = args.flag("rate")?;
    let wait = Duration::from_millis(args.flag("wait-ms")?.unwrap_or(300));
    args.finish()?;

    signals::watch();
    let datagrams = file::read(&path).map_err(failed("FILE"))?;
    let socket = connect(resolve(&to)?, from).map_err(failed(&to))?;
    socket.set_nonblocking(false)?;
    let mut sent = 0u64;
    let started = Instant::now();
    for _ in 0..times {
        let mut rest = &datagrams[..];
        while !rest.is_empty() && !signals::stopping() {
            let mut wanted = BATCH.min(rest.len());
            if let Some(rate) = rate {
                let due = (started.elapsed().as_secs_f64() * rate) as u64 + 1;
                wanted = wanted.min(due.saturating_sub(sent) as usize);
                if wanted == 0 {
                    std::thread::sleep(Duration::from_micros(200));
                    continue;
                }
            }
            // A refusal is about an earlier datagram; it is counted by nobody and sent on.
            let went = send_batch(&socket, &rest[..wanted]).unwrap_or(0);
            sent += went as u64;
            rest = &rest[went..];
        }
    }
    socket.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
    let (mut answers, mut answer_bytes) = (0, 0);
    let mut room = [0; 65_536];
    while let Ok(len) = socket.recv(&mut room) {
        answers += 1;
        answer_bytes += len;
    }
    println!("{{\"sent\":{sent},\"answers\":{answers},\"answer_bytes\":{answer_bytes}}}");
    Ok(())
}

/// Counts what leaves a port.
pub fn run_sniff(words: &[String]) -> Result<(), Failure> {
    let mut args = Args::parse(words, &[], SNIFF)?;
    let interface: String = args.word("IF")?;
    let port: u16 = args.flag("from-port")?.unwrap_or(9000);
    let to: Option<IpAddr> = args.flag("to")?;
    let seconds: f64 = args.flag("seconds")?.unwrap_or(60.0);
    args.finish()?;

    signals::watch();
    let mut tap = Tap::open(&interface, false).map_err(failed(&interface))?;
    println!("{{\"ready\":true}}");
    let until = Instant::now() + Duration::from_secs_f64(seconds.clamp(0.0, 86_400.0));
    let (mut packets, mut bytes, mut icmp_errors) = (0, 0, 0);
    while Instant::now() < until && !signals::stopping() && !tap.input_ended() {
        let Some((packet, _)) = tap.next(until)? else { continue };
        match parse(packet) {
            Packet::Udp { source_port, destination, payload, .. }
                if source_port == port && to.is_none_or(|to| to == destination) =>
            {
                packets += 1;
                bytes += payload.len();
            }
            Packet::Icmp { destination, is_error: true } if to.is_none_or(|to| to == destination) => icmp_errors += 1,
            _ => {}
        }
    }
    let missed = tap.missed()?;
    println!("{{\"packets\":{packets},\"bytes\":{bytes},\"icmp_errors\":{icmp_errors},\"missed\":{missed}}}");
    Ok(())
}
