//! Connections: who may, lines in, lines out, limits on both.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::failure::Failure;
use crate::protocol::{Call, MAX_LINE_LEN, Message, parse_call};
use crate::service::Service;

/// The daemon, and somebody who looks.
pub const MAX_CONNECTIONS: usize = 4;
/// A caller that says nothing for this long is left.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// One that is refused is given this long to say what it wanted.
const REFUSAL_TIME: Duration = Duration::from_millis(50);
/// An update goes on without a caller that does not read.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// The users that may call, besides root: the daemon's.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// Number of the daemon's user; none: root alone.
    pub daemon_uid: Option<u32>,
}

impl Access {
    /// Whether this user may. Members of the group of the socket reach it, and are refused here.
    pub fn allows(self, uid: u32) -> bool {
        uid == 0 || self.daemon_uid == Some(uid)
    }
}

/// Serves one connection in a thread of its own, unless it may not or there are too many.
pub fn start(stream: UnixStream, access: Access, service: Arc<Service>, open: Arc<AtomicUsize>) {
    let uid = match observe_uid(&stream) {
        Ok(uid) if access.allows(uid) => uid,
        Ok(uid) => {
            eprintln!("quicether-system: refused user {uid}");
            let message = format!("user {uid} may not call quicether-system");
            return refuse(&stream, Failure::new("permission.system", message).remedy("ask the daemon"));
        }
        Err(error) => {
            eprintln!("quicether-system: cannot tell who is calling: {error}");
            return;
        }
    };
    if open.fetch_add(1, Ordering::SeqCst) >= MAX_CONNECTIONS {
        open.fetch_sub(1, Ordering::SeqCst);
        return refuse(&stream, Failure::new("system.busy", "too many connections to quicether-system"));
    }
    let counted = Counted(open);
    let spawned = std::thread::Builder::new().name("caller".into()).spawn(move || {
        let _counted = counted;
        if let Err(error) = serve(stream, uid, &service) {
            eprintln!("quicether-system: connection of user {uid}: {error}");
        }
    });
    if let Err(error) = spawned {
        eprintln!("quicether-system: cannot serve a connection: {error}");
    }
}

/// One less when it goes, however that happens.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn serve(stream: UnixStream, uid: u32, service: &Service) -> std::io::Result<()> {
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = MAX_LINE_LEN as u64 + 1;
        if Read::by_ref(&mut reader).take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') {
            let message = format!("a line has no end within {MAX_LINE_LEN} bytes");
            return send(
                &mut writer,
                &Message::Failure { id: 0, failure: Failure::new("system.bad-request", message) },
            );
        }
        let (id, call) = parse_call(line.trim_ascii());
        // Pages ask for the state every few seconds.
        if let Ok(call) = call.as_ref()
            && *call != Call::State
        {
            eprintln!("quicether-system: user {uid} asks for {}", call.name());
        }
        // Once it is not read any more, the work goes on in silence.
        let mut is_read = true;
        let result = call.and_then(|call| {
            service.carry_out(&call, uid == 0, &mut |progress| {
                is_read = is_read && send(&mut writer, &Message::Progress { id, progress }).is_ok();
            })
        });
        let message = match result {
            Ok(answer) => Message::Answer { id, answer },
            Err(failure) => {
                eprintln!("quicether-system: {failure}");
                Message::Failure { id, failure }
            }
        };
        send(&mut writer, &message)?;
    }
}

fn send(writer: &mut UnixStream, message: &Message) -> std::io::Result<()> {
    let mut line = serde_json::to_string(message).expect("messages have string keys and finite numbers");
    line.push('\n');
    writer.write_all(line.as_bytes())
}

fn refuse(mut stream: &UnixStream, failure: Failure) {
    let line = serde_json::to_string(&Message::Failure { id: 0, failure }).unwrap_or_default() + "\n";
    // The socket is fresh, its buffer empty: this cannot block.
    let _ = stream.write_all(line.as_bytes());
    // Closed with something unread in it, the caller would get an error instead of the reason.
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(REFUSAL_TIME));
    let _ = stream.read(&mut [0; 4096]);
}

/// The user at the other end, as the kernel says.
fn observe_uid(stream: &UnixStream) -> std::io::Result<u32> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    let (place, len_place) = ((&raw mut credentials).cast(), &raw mut len);
    // SAFETY: `credentials` has room for `len` bytes and both outlive the call.
    let result = unsafe { libc::getsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, place, len_place) };
    if result == 0 { Ok(credentials.uid) } else { Err(std::io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::place::Place;

    #[test]
    fn only_root_and_the_daemon_may() {
        let access = Access { daemon_uid: Some(990) };
        assert!(access.allows(0) && access.allows(990));
        assert!(!access.allows(991) && !access.allows(u32::MAX));
        assert!(!Access { daemon_uid: None }.allows(990));
    }

    fn connect(open: &Arc<AtomicUsize>) -> BufReader<UnixStream> {
        let (ours, theirs) = UnixStream::pair().unwrap();
        // SAFETY: getuid has no preconditions.
        let access = Access { daemon_uid: Some(unsafe { libc::getuid() }) };
        let service = Arc::new(Service::new(Place::new(Path::new("/nowhere"))));
        start(theirs, access, service, Arc::clone(open));
        ours.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        BufReader::new(ours)
    }

    fn ask(caller: &mut BufReader<UnixStream>, line: &[u8]) -> String {
        let _ = caller.get_mut().write_all(line);
        let mut said = String::new();
        let _ = caller.read_line(&mut said);
        said
    }

    #[test]
    fn every_line_gets_an_answer_and_the_next_one_is_heard() {
        let open = Arc::default();
        let mut caller = connect(&open);
        for (line, named) in [
            (&b"{\"id\":7,\"call\":\"state\"}\n"[..], r#""id":7,"code":"system.not-an-appliance""#),
            (b"\n", "bad-request"),
            (b"\xff\xfe\n", "bad-request"),
            (b"{\"id\":1,\"call\":\"sh\"}\n", "there is no call"),
        ] {
            let said = ask(&mut caller, line);
            assert!(said.contains(named), "{said}");
        }
        let said = ask(&mut caller, &[b'x'; MAX_LINE_LEN + 1]);
        assert!(said.contains("no end"), "{said}");
        assert_eq!(ask(&mut caller, b"{}\n"), "", "nobody knows where the next line begins");
    }

    #[test]
    fn there_are_so_many_connections_and_each_that_ends_makes_room() {
        let open = Arc::default();
        let state = b"{\"id\":1,\"call\":\"state\"}\n";
        let mut callers: Vec<_> = (0..MAX_CONNECTIONS).map(|_| connect(&open)).collect();
        assert!(ask(&mut connect(&open), state).contains("system.busy"));
        assert!(ask(&mut callers[0], state).contains("system.not-an-appliance"));
        callers.pop();
        let deadline = std::time::Instant::now() + Duration::from_secs(5);
        while open.load(Ordering::SeqCst) >= MAX_CONNECTIONS && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(ask(&mut connect(&open), state).contains("system.not-an-appliance"));
    }
}
