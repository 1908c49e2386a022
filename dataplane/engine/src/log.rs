//! The engine's log: one JSON object a line, bounded in size and in rate, never a secret.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Event, Level, Metadata, Subscriber};

/// The file is put aside as `.1` beyond this, and the one put aside before is gone.
const MAX_FILE_LEN: u64 = 8 << 20;
/// Lines at once, and lines a second after that; more are counted.
const BURST_LINES: f64 = 200.0;
/// Of these, kept for warnings and errors: what a flood buries is what was looked for.
const RESERVED_LINES: f64 = 50.0;
const LINES_PER_S: f64 = 20.0;
/// A value longer than this is cut.
const MAX_VALUE_LEN: usize = 1024;

/// Sends everything that is logged from now on to `file`, or to standard error.
pub fn start(file: Option<&Path>, level: Level) -> io::Result<()> {
    let sink = match file {
        Some(path) => Sink::File { file: open(path)?, path: path.into(), len: std::fs::metadata(path)?.len() },
        None => Sink::Stderr,
    };
    let writer = Mutex::new(Writer { sink, allowance: BURST_LINES, last: Instant::now(), skipped: 0 });
    tracing::subscriber::set_global_default(JsonLines { level, writer })
        .map_err(|_| io::Error::other("the log was started twice"))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

enum Sink {
    Stderr,
    File { file: File, path: PathBuf, len: u64 },
}

struct Writer {
    sink: Sink,
    allowance: f64,
    last: Instant,
    skipped: u64,
}

impl Writer {
    /// Whether a line may be written now, and how many were not before it.
    fn admit(&mut self, now: Instant, level: Level) -> Option<u64> {
        let elapsed_s = now.saturating_duration_since(self.last).as_secs_f64();
        self.last = now;
        self.allowance = (self.allowance + elapsed_s * LINES_PER_S).min(BURST_LINES);
        let reserved = if level <= Level::WARN { 0.0 } else { RESERVED_LINES };
        if self.allowance < 1.0 + reserved {
            self.skipped += 1;
            return None;
        }
        self.allowance -= 1.0;
        Some(std::mem::take(&mut self.skipped))
    }

    fn write(&mut self, line: &str) {
        // A full disk or a closed terminal must not stop the tunnel.
        let _ = match &mut self.sink {
            Sink::Stderr => io::stderr().lock().write_all(line.as_bytes()),
            Sink::File { file, path, len } => {
                if *len + line.len() as u64 > MAX_FILE_LEN {
                    let mut aside = path.as_os_str().to_owned();
                    aside.push(".1");
                    if std::fs::rename(&*path, aside).is_ok()
                        && let Ok(fresh) = open(path)
                    {
                        (*file, *len) = (fresh, 0);
                    }
                }
                *len += line.len() as u64;
                file.write_all(line.as_bytes())
            }
        };
    }
}

struct JsonLines {
    level: Level,
    writer: Mutex<Writer>,
}

impl Subscriber for JsonLines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata.target().starts_with("quicether");
        // Libraries on the packet path log per packet below info.
        *metadata.level() <= if ours { self.level } else { self.level.min(Level::WARN) }
    }

    fn event(&self, event: &Event<'_>) {
        let Ok(mut writer) = self.writer.lock() else { return };
        let Some(skipped) = writer.admit(Instant::now(), *event.metadata().level()) else { return };
        let line = encode_line(event, SystemTime::now(), skipped);
        writer.write(&line);
    }

    // Spans carry nothing here: events say what they need themselves.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Level as pino counts, so that one reader does for daemon and engine.
fn level_number(level: Level) -> u8 {
    match level {
        Level::ERROR => 50,
        Level::WARN => 40,
        Level::INFO => 30,
        Level::DEBUG => 20,
        Level::TRACE => 10,
    }
}

fn encode_line(event: &Event<'_>, now: SystemTime, skipped: u64) -> String {
    let time_ms = now.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
    let mut line = format!(
        r#"{{"level":{},"time":{time_ms},"pid":{},"name":"engine""#,
        level_number(*event.metadata().level()),
        std::process::id()
    );
    if skipped > 0 {
        let _ = write!(line, r#","skipped_lines":{skipped}"#);
    }
    event.record(&mut Fields(&mut line));
    line.push_str("}\n");
    line
}

struct Fields<'a>(&'a mut String);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: &str) {
        let name = if field.name() == "message" { "msg" } else { field.name() };
        let mut end = value.len().min(MAX_VALUE_LEN);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        let value = serde_json::Value::from(&value[..end]);
        let _ = write!(self.0, r#","{name}":{value}"#);
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, &format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        let _ = write!(self.0, r#","{}":{value}"#, field.name());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        let _ = write!(self.0, r#","{}":{value}"#, field.name());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        let _ = write!(self.0, r#","{}":{value}"#, field.name());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_of_lines_is_cut_and_counted() {
        let start = Instant::now();
        let mut writer = Writer { sink: Sink::Stderr, allowance: BURST_LINES, last: start, skipped: 0 };
        let written = (0..10_000).filter(|_| writer.admit(start, Level::INFO).is_some()).count();
        assert_eq!(written, 150);
        assert_eq!(writer.admit(start, Level::ERROR), Some(9_850), "an error is still told");
        let later = start + Duration::from_secs(1);
        assert_eq!(writer.admit(later, Level::INFO), Some(0));
    }

    #[test]
    fn the_file_is_put_aside_when_it_is_full() {
        let path = std::env::temp_dir().join(format!("qe-log-{}", std::process::id()));
        let aside = PathBuf::from(format!("{}.1", path.display()));
        let sink = Sink::File { file: open(&path).unwrap(), path: path.clone(), len: 0 };
        let mut writer = Writer { sink, allowance: 0.0, last: Instant::now(), skipped: 0 };
        let line = "x".repeat(1 << 20);
        for _ in 0..9 {
            writer.write(&line);
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 1 << 20);
        assert_eq!(std::fs::metadata(&aside).unwrap().len(), MAX_FILE_LEN);
        std::fs::remove_file(path).unwrap();
        std::fs::remove_file(aside).unwrap();
    }
}
