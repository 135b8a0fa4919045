//! A terminal with a program on it, and a clock that starts before the program does.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::process::Child;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

const COLS: u16 = 120;
const ROWS: u16 = 40;

/// How long anything may take to be seen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program on a terminal of 120x40.
pub struct Terminal {
    pty: Pty,
    child: Child,
    screen: vt100::Parser,
    since: Instant,
    /// How many bytes it has sent.
    pub bytes: u64,
}

impl Terminal {
    /// Starts the program; the clock starts before it.
    pub fn start(command: Command) -> Self {
        let (pty, pts) = open().expect("a terminal");
        pty.resize(Size::new(ROWS, COLS)).expect("a size");
        let command = command.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
        let since = Instant::now();
        let child = command.spawn(pts).expect("it runs");
        let size = |n| NonZeroU16::new(n).expect("not 0");
        Self { pty, child, screen: vt100::Parser::new(size(ROWS), size(COLS), 0), since, bytes: 0 }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the screen shows what `shown` looks for; how long after the start, or the last key.
    pub fn until(&mut self, what: &str, shown: impl Fn(&vt100::Screen) -> bool) -> Duration {
        while !shown(self.screen.screen()) {
            let left = PATIENCE.saturating_sub(self.since.elapsed());
            let seen = self.read(left);
            assert!(seen, "waited for {what}; on the screen is:\n{}", self.screen.screen().contents());
        }
        self.since.elapsed()
    }

    /// Presses keys; the clock starts anew.
    pub fn press(&mut self, keys: &str) {
        self.since = Instant::now();
        self.pty.write_all(keys.as_bytes()).expect("written");
    }

    /// Reads what comes for so long.
    pub fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.read(left);
        }
    }

    /// Reads once, and answers what the program asks of its terminal; whether anything came in time.
    fn read(&mut self, within: Duration) -> bool {
        let within = Timespec::try_from(within).expect("short");
        let ready = poll(&mut [PollFd::new(&self.pty, PollFlags::IN)], Some(&within)).unwrap_or(0);
        if ready == 0 {
            return false;
        }
        let mut buf = [0; 1 << 16];
        let Ok(count @ 1..) = self.pty.read(&mut buf) else { return false };
        self.bytes += count as u64;
        self.screen.process(&buf[..count]);
        for (asked, answer) in
            [(&b"\x1b[6n"[..], "\x1b[1;1R"), (b"\x1b[c", "\x1b[?1;2c"), (b"\x1b[?u", "\x1b[?0u")]
        {
            if buf[..count].windows(asked.len()).any(|part| part == asked) {
                self.pty.write_all(answer.as_bytes()).expect("written");
            }
        }
        true
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that has ended already needs no signal.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
