//! Small packets as fast as they go, counted where they arrive.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::args::{Args, Failure, failed};
use crate::datagrams::{BATCH, connect, receive_batch, resolve, send_batch, set_room};
use crate::signals;

const USAGE: &str = "usage: quicether-lab flood --to HOST:PORT [--size 160] [--seconds 5] [--rate PACKETS_PER_S]
       quicether-lab flood --listen IP:PORT [--seconds 60]
Sends UDP packets of --size bytes of payload, or counts those that come; the counter ends after --seconds or half
a second after the last packet. One line of JSON: packets bytes seconds packets_per_s.";

/// Silence after which the counter ends.
const SILENCE: Duration = Duration::from_millis(500);

#[derive(Serialize)]
struct Report {
    packets: u64,
    bytes: u64,
    /// From the first to the last packet.
    seconds: f64,
    packets_per_s: f64,
}

/// Sends or counts.
pub fn run(words: &[String]) -> Result<(), Failure> {
    let mut args = Args::parse(words, &[], USAGE)?;
    let to: Option<String> = args.flag("to")?;
    let listen: Option<SocketAddr> = args.flag("listen")?;
    let size: usize = args.flag("size")?.unwrap_or(160);
    let seconds: Option<f64> = args.flag("seconds")?;
    let rate: Option<f64> = args.flag("rate")?;
    args.finish()?;
    signals::watch();
    let report = match (to, listen) {
        (Some(to), None) if (1..=1472).contains(&size) => {
            let socket = connect(resolve(&to)?, None).map_err(failed(&to))?;
            send(&socket, size, Duration::from_secs_f64(seconds.unwrap_or(5.0).clamp(0.0, 3600.0)), rate)
        }
        (None, Some(listen)) => {
            let socket = UdpSocket::bind(listen).map_err(failed("listen"))?;
            set_room(&socket, 4 << 20);
            println!("{{\"ready\":true}}");
            count(&socket, Duration::from_secs_f64(seconds.unwrap_or(60.0).clamp(0.0, 3600.0)))?
        }
        _ => return Err(Failure::Usage(USAGE.to_string())),
    };
    println!("{}", serde_json::to_string(&report).unwrap_or_default());
    Ok(())
}

fn report(packets: u64, bytes: u64, seconds: f64) -> Report {
    let packets_per_s = if seconds > 0.0 { packets as f64 / seconds } else { 0.0 };
    Report { packets, bytes, seconds, packets_per_s }
}

fn send(socket: &UdpSocket, size: usize, how_long: Duration, rate: Option<f64>) -> Report {
    let datagrams = vec![vec![0x51; size]; BATCH];
    let started = Instant::now();
    let mut packets = 0;
    while started.elapsed() < how_long && !signals::stopping() {
        let mut wanted = BATCH;
        if let Some(rate) = rate {
            let due = (started.elapsed().as_secs_f64() * rate) as u64 + 1;
            wanted = due.saturating_sub(packets).min(BATCH as u64) as usize;
            if wanted == 0 {
                std::thread::sleep(Duration::from_micros(100));
                continue;
            }
        }
        // A full queue or a refusal is part of a flood.
        packets += send_batch(socket, &datagrams[..wanted]).unwrap_or(0) as u64;
    }
    report(packets, packets * size as u64, started.elapsed().as_secs_f64())
}

fn count(socket: &UdpSocket, how_long: Duration) -> Result<Report, Failure> {
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    let mut room = Box::new([[0; 2048]; BATCH]);
    let (mut packets, mut bytes) = (0, 0);
    let started = Instant::now();
    let (mut first, mut last) = (None, started);
    while started.elapsed() < how_long && !signals::stopping() {
        match receive_batch(socket, &mut room) {
            Ok((taken, len)) => {
                last = Instant::now();
                first.get_or_insert(last);
                packets += taken as u64;
                bytes += len;
            }
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted) => {
                if first.is_some() && last.elapsed() > SILENCE {
                    break;
                }
            }
            Err(error) => return Err(Failure::Failed(format!("receiving: {error}"))),
        }
    }
    Ok(report(packets, bytes, first.map_or(0.0, |first| (last - first).as_secs_f64())))
}
