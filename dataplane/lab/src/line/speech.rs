//! Who may talk to a line: its standard input and clients of a Unix socket.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::control::{Answer, Request};

/// Longest line of a request.
const MAX_LINE_LEN: usize = 64 << 10;

/// Clients of the socket at a time; the oldest goes.
const MAX_CLIENTS: usize = 16;

struct Client {
    stream: UnixStream,
    heard: Vec<u8>,
}

/// Standard input and the control socket.
pub struct Speech {
    input: Option<(File, Vec<u8>)>,
    exit_on_eof: bool,
    listener: Option<(UnixListener, PathBuf)>,
    clients: Vec<Client>,
}

impl Speech {
    /// Opens the socket, when there is to be one; only this user may connect.
    pub fn open(socket: Option<&Path>, exit_on_eof: bool) -> io::Result<Self> {
        let listener = match socket {
            Some(path) => {
                let listener = UnixListener::bind(path)?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
                listener.set_nonblocking(true)?;
                Some((listener, path.to_path_buf()))
            }
            None => None,
        };
        // Unbuffered: poll must know of everything that has not been read.
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        Ok(Self { input: Some((input, Vec::new())), exit_on_eof, listener, clients: Vec::new() })
    }

    /// Adds what is to be watched, before everything else.
    pub fn watch(&self, polled: &mut Vec<libc::pollfd>) {
        let mut watch = |fd| polled.push(libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
        watch(if self.input.is_some() { libc::STDIN_FILENO } else { -1 });
        watch(self.listener.as_ref().map_or(-1, |(listener, _)| listener.as_raw_fd()));
        for client in &self.clients {
            watch(client.stream.as_raw_fd());
        }
    }

    /// Whether any of what [`Self::watch`] added has something.
    pub fn is_ready(&self, polled: &[libc::pollfd]) -> bool {
        polled.iter().take(2 + self.clients.len()).any(|entry| entry.revents != 0)
    }

    /// Answers what was asked; false when the line is to end.
    pub fn serve(&mut self, mut answer: impl FnMut(&Request) -> Answer) -> bool {
        if !self.serve_input(&mut answer) {
            return false;
        }
        if let Some((listener, _)) = &self.listener
            && let Ok((stream, _)) = listener.accept()
            && stream.set_nonblocking(true).is_ok()
        {
            if self.clients.len() == MAX_CLIENTS {
                self.clients.remove(0);
            }
            self.clients.push(Client { stream, heard: Vec::new() });
        }
        self.clients.retain_mut(|client| {
            let Some(lines) = read_lines(&mut client.stream, &mut client.heard) else { return false };
            lines.iter().all(|line| client.stream.write_all(&reply(line, &mut answer)).is_ok())
        });
        true
    }

    fn serve_input(&mut self, answer: &mut impl FnMut(&Request) -> Answer) -> bool {
        let Some((input, heard)) = &mut self.input else { return true };
        if !has_input() {
            return true;
        }
        match read_lines(input, heard) {
            Some(lines) => {
                for line in lines {
                    let _ = io::stdout().write_all(&reply(&line, answer)).and_then(|()| io::stdout().flush());
                }
                true
            }
            None => {
                self.input = None;
                !self.exit_on_eof
            }
        }
    }
}

impl Drop for Speech {
    fn drop(&mut self) {
        if let Some((_, path)) = &self.listener {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn has_input() -> bool {
    let mut entry = libc::pollfd { fd: libc::STDIN_FILENO, events: libc::POLLIN, revents: 0 };
    // SAFETY: the pointer is to one live entry, and the count says one.
    unsafe { libc::poll(&mut entry, 1, 0) > 0 }
}

/// Whole lines that have come; `None` at the end, or when a line is too long.
fn read_lines(from: &mut impl Read, heard: &mut Vec<u8>) -> Option<Vec<Vec<u8>>> {
    let mut part = [0; 4096];
    match from.read(&mut part) {
        Ok(0) => return None,
        Ok(len) => heard.extend_from_slice(&part[..len]),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
        Err(_) => return None,
    }
    let mut lines = Vec::new();
    while let Some(end) = heard.iter().position(|byte| *byte == b'\n') {
        lines.push(heard.drain(..=end).collect());
    }
    (heard.len() <= MAX_LINE_LEN).then_some(lines)
}

fn reply(line: &[u8], answer: &mut impl FnMut(&Request) -> Answer) -> Vec<u8> {
    let answer = match serde_json::from_slice::<Request>(line) {
        Ok(request) => answer(&request),
        Err(error) => Answer { error: Some(error.to_string()), ..Answer::default() },
    };
    let mut text = serde_json::to_vec(&answer).unwrap_or_default();
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_a_flood_without_end_is_cut() {
        let mut heard = Vec::new();
        assert_eq!(read_lines(&mut &b"{\"stats\":"[..], &mut heard), Some(vec![]));
        assert_eq!(read_lines(&mut &b"true}\nab"[..], &mut heard), Some(vec![b"{\"stats\":true}\n".to_vec()]));
        assert_eq!(heard, b"ab");
        assert_eq!(read_lines(&mut &b""[..], &mut heard), None);
        let mut heard = vec![b'x'; MAX_LINE_LEN];
        assert_eq!(read_lines(&mut &b"y"[..], &mut heard), None);
    }

    #[test]
    fn what_cannot_be_read_is_answered_with_why() {
        let text = reply(b"{\"stat\":true}\n", &mut |_| Answer { ok: true, ..Answer::default() });
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("\"ok\":false") && text.contains("stat"), "{text}");
    }
}
