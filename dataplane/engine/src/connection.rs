//! Connections to the control socket: lines in, lines out, limits on both.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use crate::messages::Request;
use crate::messages::{MAX_LINE_LEN, Message};
use crate::outbox::Outbox;
use crate::request::{Failure, parse_request};
use crate::socket::{ControlSocket, is_allowed};

/// The daemon and a few that look on.
const MAX_CONNECTIONS: usize = 5;
/// A reader that takes nothing for this long is cut off; until then it only loses events.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Tells connections apart; never used twice.
pub type ConnectionId = u64;

/// What reaches the control thread.
pub enum Input {
    /// Somebody connected.
    Opened(ConnectionId, Arc<Outbox>),
    /// A line came, read as far as it could be.
    Request(ConnectionId, Result<Request, Failure>),
    /// The connection is gone.
    Closed(ConnectionId),
    /// The system asks the engine to end.
    Signal(i32),
}

/// Accepts connections for ever; each gets a reader and a writer of its own.
pub fn serve(socket: &ControlSocket, inputs: &SyncSender<Input>) {
    let open = Arc::new(AtomicUsize::new(0));
    let mut next_id: ConnectionId = 1;
    loop {
        let stream = match socket.listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, mostly: asking again at once would burn the processor.
                tracing::warn!(%error, "cannot accept a connection");
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        if socket.check_user && !is_allowed(&stream) {
            refuse(stream, "permission", "only root and the engine's own user may call the engine");
            continue;
        }
        if open.fetch_add(1, Ordering::Relaxed) >= MAX_CONNECTIONS {
            open.fetch_sub(1, Ordering::Relaxed);
            refuse(stream, "busy", "too many connections to the engine: close one of the others");
            continue;
        }
        if let Err(error) = start(stream, next_id, inputs.clone(), Arc::clone(&open)) {
            open.fetch_sub(1, Ordering::Relaxed);
            tracing::warn!(%error, "cannot serve a connection");
        }
        next_id += 1;
    }
}

fn refuse(mut stream: UnixStream, code: &str, message: &str) {
    let failure = Message::Failure { id: 0, code: code.into(), message: message.into() };
    let line = serde_json::to_string(&failure).unwrap_or_default() + "\n";
    // The socket is fresh, its buffer empty: this cannot block.
    let _ = stream.write_all(line.as_bytes());
}

fn start(stream: UnixStream, id: ConnectionId, inputs: SyncSender<Input>, open: Arc<AtomicUsize>) -> io::Result<()> {
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    let outbox = Arc::new(Outbox::default());
    let (mut writer, to_write) = (stream.try_clone()?, Arc::clone(&outbox));
    std::thread::Builder::new().name(format!("control-out-{id}")).spawn(move || {
        while let Some(line) = to_write.pop() {
            if writer.write_all(line.as_bytes()).is_err() {
                break;
            }
        }
        to_write.close();
        // Wakes the reader, which tells the control thread.
        let _ = writer.shutdown(Shutdown::Both);
    })?;
    let spawned = std::thread::Builder::new().name(format!("control-in-{id}")).spawn({
        let outbox = Arc::clone(&outbox);
        move || {
            if inputs.send(Input::Opened(id, Arc::clone(&outbox))).is_ok() {
                read_lines(stream, id, &inputs);
                let _ = inputs.send(Input::Closed(id));
            }
            outbox.close();
            open.fetch_sub(1, Ordering::Relaxed);
        }
    });
    if spawned.is_err() {
        outbox.close();
    }
    spawned.map(drop)
}

/// Hands on every line until the other end closes, or sends one that is too long: after that
/// nobody knows where the next one begins.
fn read_lines(stream: UnixStream, id: ConnectionId, inputs: &SyncSender<Input>) {
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        line.shrink_to(64 * 1024);
        match Read::by_ref(&mut reader).take(MAX_LINE_LEN as u64 + 1).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let complete = line.last() == Some(&b'\n');
        if !complete && line.len() > MAX_LINE_LEN {
            let message = format!("the line is longer than {MAX_LINE_LEN} bytes; the connection ends here");
            let _ = inputs.send(Input::Request(id, Err(Failure::new(0, "bad_request", message))));
            // The answer must get out before the connection is closed.
            std::thread::sleep(Duration::from_millis(100));
            return;
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        if inputs.send(Input::Request(id, parse_request(text))).is_err() || !complete {
            return;
        }
    }
}
