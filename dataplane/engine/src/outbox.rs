//! What waits to be written to one connection: bounded, events dropped first.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::messages::{Event, MAX_LINE_LEN, Message};

/// Events that wait at most; what comes after is dropped and counted.
const MAX_EVENTS: usize = 256;
/// Answers that wait at most, in bytes; a daemon that asks and does not read is cut off.
const MAX_ANSWER_BYTES: usize = 2 * MAX_LINE_LEN;

/// Lines for one connection, filled by the control thread, emptied by the connection's writer.
#[derive(Default)]
pub struct Outbox {
    state: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Line>,
    events: usize,
    answer_bytes: usize,
    dropped_events: u64,
    writing: bool,
    closed: bool,
}

enum Line {
    Answer(String),
    Event(Event, u64),
}

impl Outbox {
    /// Queues an answer. False when the connection is closed, or is closed now because it does
    /// not read.
    pub fn answer(&self, message: &Message) -> bool {
        let line = encode(message);
        let mut waiting = self.lock();
        if waiting.answer_bytes > 0 && waiting.answer_bytes + line.len() > MAX_ANSWER_BYTES {
            waiting.closed = true;
        }
        if !waiting.closed {
            waiting.answer_bytes += line.len();
            waiting.lines.push_back(Line::Answer(line));
        }
        self.changed.notify_all();
        !waiting.closed
    }

    /// Queues an event. False when it was dropped, which the next one that is not will say.
    pub fn event(&self, event: &Event) -> bool {
        let mut waiting = self.lock();
        if waiting.closed {
            return true;
        }
        if waiting.events >= MAX_EVENTS {
            waiting.dropped_events += 1;
            return false;
        }
        waiting.events += 1;
        let dropped = std::mem::take(&mut waiting.dropped_events);
        waiting.lines.push_back(Line::Event(event.clone(), dropped));
        self.changed.notify_all();
        true
    }

    /// The next line with its newline; waits for it. `None` when the connection is closed.
    pub fn pop(&self) -> Option<String> {
        let mut waiting = self.lock();
        waiting.writing = false;
        self.changed.notify_all();
        loop {
            if waiting.closed {
                return None;
            }
            match waiting.lines.pop_front() {
                Some(Line::Answer(line)) => {
                    waiting.answer_bytes -= line.len();
                    waiting.writing = true;
                    return Some(line);
                }
                Some(Line::Event(event, dropped_events)) => {
                    waiting.events -= 1;
                    waiting.writing = true;
                    return Some(encode(&Message::Event { event, dropped_events }));
                }
                None => waiting = self.wait(waiting, Duration::from_secs(3600)),
            }
        }
    }

    /// Nothing more comes and nothing that waits is sent.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits until everything was written, at most until `deadline`.
    pub fn flush(&self, deadline: Instant) {
        let mut waiting = self.lock();
        while !waiting.closed && (waiting.writing || !waiting.lines.is_empty()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            waiting = self.wait(waiting, left);
        }
    }

    fn wait<'a>(&self, guard: MutexGuard<'a, Waiting>, timeout: Duration) -> MutexGuard<'a, Waiting> {
        match self.changed.wait_timeout(guard, timeout) {
            Ok((guard, _)) => guard,
            Err(poisoned) => poisoned.into_inner().0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn encode(message: &Message) -> String {
    let mut line = serde_json::to_string(message).expect("messages have string keys and finite numbers");
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Answer;

    #[test]
    fn events_beyond_the_bound_are_dropped_and_counted() {
        let outbox = Outbox::default();
        let taken = (0..1000).filter(|_| outbox.event(&Event::LeaseExpired)).count();
        assert_eq!(taken, MAX_EVENTS);
        assert!(outbox.answer(&Message::Answer { id: 7, answer: Answer::Done }), "answers are not dropped with them");
        for _ in 0..MAX_EVENTS {
            assert!(outbox.pop().unwrap().contains("\"dropped_events\":0"));
        }
        assert!(outbox.pop().unwrap().contains("\"id\":7"));
        assert!(outbox.event(&Event::LeaseExpired));
        assert!(outbox.pop().unwrap().contains("\"dropped_events\":744"));
    }

    #[test]
    fn who_asks_and_never_reads_is_cut_off() {
        let outbox = Outbox::default();
        let message = "x".repeat(1 << 20);
        let taken = (0..1000)
            .take_while(|_| {
                outbox.answer(&Message::Failure { id: 1, code: "internal".into(), message: message.clone() })
            })
            .count();
        assert!(taken <= MAX_ANSWER_BYTES >> 20, "{taken}");
        assert_eq!(outbox.pop(), None);
        outbox.flush(Instant::now() + Duration::from_secs(5));
    }
}
