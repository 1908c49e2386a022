//! The loop of a line: frames from one interface through the rules to the other.

use std::io;
use std::os::fd::AsRawFd;

use super::control::{Answer, DirectionStats, Link, Request, Stats, decide};
use super::ecn;
use super::settings::Settings;
use super::shaper::{Payload, Shaper};
use super::speech::Speech;
use crate::packet_socket::{BATCH, Frame, PacketSocket, set_link};
use crate::signals::{now_ns, stopping};

impl Payload for Frame {
    fn frame_len(&self) -> usize {
        self.ethernet().len()
    }
    fn mark_congestion(&mut self) -> bool {
        ecn::mark_congestion(self.ethernet_mut())
    }
}

/// Batches taken from one side before the other side has its turn.
const TURNS: usize = 4;

/// Under load frames are taken and given once in this time, as a card moderates its interrupts.
/// Watching the interfaces instead costs a wake-up for nearly every frame, more than the frame.
const TICK_NS: u64 = 100_000;

/// Load begins with this many frames in [`LOAD_WINDOW_NS`].
const LOAD_FRAMES: usize = 10;

/// See [`LOAD_FRAMES`].
const LOAD_WINDOW_NS: u64 = 1_000_000;

/// Longest sleep, so that a signal between check and sleep is noticed.
const LONGEST_SLEEP_NS: u64 = 100_000_000;

struct Direction {
    from: usize,
    shaper: Shaper<Frame>,
    arriving: [Frame; BATCH],
    leaving: Vec<Frame>,
    complained: bool,
}

impl Direction {
    fn new(from: usize, settings: Settings, seed: u64) -> Self {
        Self {
            from,
            shaper: Shaper::new(settings, seed),
            arriving: std::array::from_fn(|_| Frame::empty()),
            leaving: Vec::with_capacity(BATCH),
            complained: false,
        }
    }

    /// Takes what waits; says how many frames came and whether there may be more.
    fn take(&mut self, from: &PacketSocket, pool: &mut Pool, link: Link) -> io::Result<(usize, bool)> {
        let mut taken = 0;
        for _ in 0..TURNS {
            let received = from.receive(&mut self.arriving)?;
            if received.oversized > 0 {
                self.shaper.counters.oversized += received.oversized as u64;
                if !std::mem::replace(&mut self.complained, true) {
                    eprintln!(
                        "quicether-lab line: frames longer than a card would send are dropped: on the far end of this \
                         interface run: ip link set dev IF gso_max_segs 1 and: ethtool -K IF tso off gso off"
                    );
                }
            }
            taken += received.frames;
            let now_ns = now_ns();
            for slot in &mut self.arriving[..received.frames] {
                if link == Link::Down {
                    self.shaper.counters.offered += 1;
                    self.shaper.counters.blackholed += 1;
                    continue;
                }
                let frame = std::mem::replace(slot, pool.take());
                if let Some(frame) = self.shaper.offer(now_ns, frame) {
                    pool.put(frame);
                }
            }
            if !received.more {
                return Ok((taken, false));
            }
        }
        Ok((taken, true))
    }

    /// Gives what is due.
    fn give(&mut self, to: &PacketSocket, pool: &mut Pool) {
        let now_ns = now_ns();
        loop {
            while self.leaving.len() < BATCH {
                let Some(frame) = self.shaper.pop(now_ns) else { break };
                if self.shaper.swallows() {
                    pool.put(frame);
                } else {
                    self.leaving.push(frame);
                }
            }
            if self.leaving.is_empty() {
                return;
            }
            let sent = to.send(&self.leaving);
            if sent < self.leaving.len() {
                // The one it stopped at is given up; sendmmsg would stop there again.
                self.shaper.not_delivered(self.leaving[sent].frame_len());
            }
            let done = (sent + 1).min(self.leaving.len());
            for frame in self.leaving.drain(..done) {
                pool.put(frame);
            }
        }
    }
}

/// Rooms for frames, used again.
struct Pool(Vec<Frame>);

impl Pool {
    fn take(&mut self) -> Frame {
        self.0.pop().unwrap_or_else(Frame::empty)
    }
    fn put(&mut self, frame: Frame) {
        self.0.push(frame);
    }
}

/// Whether many frames pass, so that the loop works in ticks.
#[derive(Default)]
struct Load {
    since_ns: u64,
    frames: usize,
    high: bool,
}

impl Load {
    fn count(&mut self, now_ns: u64, frames: usize) {
        self.frames += frames;
        if now_ns - self.since_ns >= LOAD_WINDOW_NS {
            let windows = (now_ns - self.since_ns) / LOAD_WINDOW_NS;
            self.high = self.frames as u64 >= LOAD_FRAMES as u64 * windows;
            self.frames = 0;
            self.since_ns = now_ns;
        }
    }
}

/// A line between two interfaces.
pub struct Bridge {
    names: [String; 2],
    sockets: [PacketSocket; 2],
    directions: [Direction; 2],
    pool: Pool,
    link: Link,
    load: Load,
}

impl Bridge {
    /// Opens both interfaces; nothing passes before [`Self::run`].
    pub fn open(names: [String; 2], settings: [Settings; 2], seed: u64) -> Result<Self, String> {
        let open = |name: &String| PacketSocket::open(name, false).map_err(|error| format!("{name}: {error}"));
        let sockets = [open(&names[0])?, open(&names[1])?];
        let [ab, ba] = settings;
        let directions = [Direction::new(0, ab, seed), Direction::new(1, ba, seed ^ 0xba)];
        Ok(Self { names, sockets, directions, pool: Pool(Vec::new()), link: Link::Up, load: Load::default() })
    }

    /// Carries frames until a signal or the end of the controlling input.
    pub fn run(&mut self, speech: &mut Speech) -> io::Result<()> {
        let mut polled = Vec::new();
        while !stopping() {
            let mut more = false;
            let mut taken = 0;
            for direction in &mut self.directions {
                let from = direction.from;
                let (frames, rest) = direction.take(&self.sockets[from], &mut self.pool, self.link)?;
                taken += frames;
                more |= rest;
                direction.give(&self.sockets[1 - from], &mut self.pool);
            }
            self.load.count(now_ns(), taken);
            if speech.is_ready(&polled) && !speech.serve(|request| self.answer(request)) {
                return Ok(());
            }
            self.sleep(more, speech, &mut polled)?;
        }
        Ok(())
    }

    fn sleep(&self, more: bool, speech: &Speech, polled: &mut Vec<libc::pollfd>) -> io::Result<()> {
        polled.clear();
        speech.watch(polled);
        for socket in self.sockets.iter().filter(|_| !self.load.high) {
            polled.push(libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 });
        }
        let now_ns = now_ns();
        let next_ns = self.directions.iter().filter_map(|direction| direction.shaper.next_due_ns()).min();
        let wait_ns = match next_ns {
            _ if more => 0,
            _ if self.load.high => TICK_NS,
            Some(next_ns) => next_ns.saturating_sub(now_ns).min(LONGEST_SLEEP_NS),
            None => LONGEST_SLEEP_NS,
        };
        let timeout = libc::timespec { tv_sec: 0, tv_nsec: wait_ns as i64 };
        // SAFETY: the list and the timeout live over the call; the length is the list's.
        let ready = unsafe { libc::ppoll(polled.as_mut_ptr(), polled.len() as u64, &timeout, std::ptr::null()) };
        if ready < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
            polled.clear();
        }
        Ok(())
    }

    fn answer(&mut self, request: &Request) -> Answer {
        if let Some(set) = &request.set {
            let current = [self.directions[0].shaper.settings(), self.directions[1].shaper.settings()];
            let next = match decide(set, current) {
                Ok(next) => next,
                Err(error) => return Answer { error: Some(error), ..Answer::default() },
            };
            if let Some(link) = set.link
                && let Err(error) = self.plug(link)
            {
                return Answer { error: Some(format!("link: {error}")), ..Answer::default() };
            }
            let now_ns = now_ns();
            for (direction, settings) in self.directions.iter_mut().zip(next) {
                direction.shaper.set(now_ns, settings);
            }
        }
        Answer { ok: true, error: None, stats: request.stats.then(|| self.stats()) }
    }

    /// Pulls the plug or puts it back: the far ends see the carrier go and come.
    fn plug(&mut self, link: Link) -> io::Result<()> {
        for name in &self.names {
            set_link(name, link == Link::Up)?;
        }
        self.link = link;
        Ok(())
    }

    /// How things stand.
    pub fn stats(&self) -> Stats {
        let [ab, ba] = self.directions.each_ref().map(|direction| DirectionStats {
            settings: direction.shaper.settings().clone(),
            queued: direction.shaper.queued(),
            counters: direction.shaper.counters,
        });
        Stats { link: self.link, ab, ba }
    }
}
