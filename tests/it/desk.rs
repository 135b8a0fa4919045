//! A terminal with gonogo on it, for tests that press keys and read the screen.

use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pty_process::{Command, Size};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::grammar::Judge;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

/// How long anything that a test waits for may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal with gonogo on it. Dropping it takes the terminal away.
pub struct Desk {
    pty: pty_process::Pty,
    child: tokio::process::Child,
    screen: vt100::Parser,
    /// Every byte that came.
    pub raw: Vec<u8>,
}

impl Desk {
    /// Runs gonogo on a terminal of its own, with its sessions in `state`.
    pub fn new(state: &Path, args: &[&str], cols: u16, rows: u16) -> Self {
        Self::with(state, args, cols, rows, &[])
    }

    /// The same, with these variables besides.
    pub fn with(state: &Path, args: &[&str], cols: u16, rows: u16, env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(GONOGO).args(args).env("GONOGO_STATE_DIR", state);
        command = command.envs(env.iter().copied());
        Self::of(command, cols, rows)
    }

    /// A command that leads to gonogo, as whoever it makes it run.
    pub fn of(command: Command, cols: u16, rows: u16) -> Self {
        let (pty, pts) = pty_process::open().expect("a terminal");
        pty.resize(Size::new(rows, cols)).expect("a size");
        let child = command
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .kill_on_drop(true)
            .spawn(pts)
            .expect("gonogo runs");
        let (rows, cols) = (NonZeroU16::new(rows).expect("not 0"), NonZeroU16::new(cols).expect("not 0"));
        Self { pty, child, screen: vt100::Parser::new(rows, cols, 0), raw: Vec::new() }
    }

    /// Takes the terminal away, and waits until the cockpit has seen to that.
    pub async fn hangs_up(self) {
        let Self { pty, mut child, .. } = self;
        drop(pty);
        child.wait().await.expect("its end");
    }

    /// Kills the cockpit as nothing else does.
    pub fn kill(&mut self) {
        self.child.start_kill().expect("killed");
    }

    /// Whether no frame is half drawn.
    fn is_whole(&self) -> bool {
        let last = |mark: &[u8]| self.raw.windows(mark.len()).rposition(|bytes| bytes == mark);
        last(b"\x1b[?2026h") <= last(b"\x1b[?2026l")
    }

    /// Reads the terminal until it shows what is waited for, in a whole frame.
    pub async fn until(&mut self, what: &str, shown: impl Fn(&str) -> bool) {
        let mut buf = [0; 8192];
        let patience = tokio::time::Instant::now() + PATIENCE;
        while !self.is_whole() || !shown(&self.screen.screen().contents()) {
            let count = tokio::time::timeout_at(patience, self.pty.read(&mut buf))
                .await
                .unwrap_or_else(|_| {
                    panic!("waited for {what}; the screen is:\n{}", self.screen.screen().contents())
                })
                .unwrap_or(0);
            assert!(count > 0, "the terminal ended before {what}:\n{}", self.screen.screen().contents());
            self.raw.extend(&buf[..count]);
            self.screen.process(&buf[..count]);
        }
    }

    pub async fn shows(&mut self, text: &str) {
        self.until(text, |screen| screen.contains(text)).await;
    }

    /// The line on which a text is shown, from 1 as the terminal counts.
    pub fn line(&self, text: &str) -> usize {
        let found = self.screen.screen().contents().lines().position(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("{text} is not shown")) + 1
    }

    /// The column at which a text begins, from 1 as the terminal counts.
    pub fn column(&self, text: &str) -> usize {
        let contents = self.screen.screen().contents();
        let before = contents.lines().find_map(|line| Some(line.split_once(text)?.0));
        before.unwrap_or_else(|| panic!("{text} is not shown")).chars().count() + 1
    }

    pub async fn press(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).await.expect("written");
    }

    /// Opens a dialog, reads it to its end, and says yes.
    pub async fn go(&mut self, key: &str, title: &str) {
        self.press(key).await;
        self.shows(title).await;
        // End: a dialog is armed once all of it was on the screen.
        self.press("\x1b[F").await;
        self.until("an armed button", |s| !s.contains("y  (not armed)") && !s.contains("·]")).await;
        self.press("y").await;
        self.until("the dialog gone", |screen| !screen.contains(title)).await;
    }

    /// Every button of the open dialog acts.
    pub async fn armed(&mut self) {
        self.until("armed buttons", |s| !s.contains("(not armed)") && !s.contains("·]")).await;
    }

    /// Reads until the cockpit leaves; its exit code.
    pub async fn leaves(&mut self) -> Option<i32> {
        let mut buf = [0; 8192];
        let patience = tokio::time::Instant::now() + PATIENCE;
        loop {
            match tokio::time::timeout_at(patience, self.pty.read(&mut buf)).await {
                Ok(Ok(count @ 1..)) => {
                    self.raw.extend(&buf[..count]);
                    self.screen.process(&buf[..count]);
                }
                Ok(_) => break,
                Err(_) => panic!("it does not leave; the screen is:\n{}", self.screen.screen().contents()),
            }
        }
        let ended = tokio::time::timeout_at(patience, self.child.wait()).await;
        ended.expect("it ends with its terminal").expect("its end").code()
    }

    /// Reads until nothing has come for a moment: what the keys so far led to is on the screen.
    pub async fn quiet(&mut self) {
        let mut buf = [0; 8192];
        let moment = Duration::from_millis(80);
        while let Ok(Ok(count @ 1..)) = tokio::time::timeout(moment, self.pty.read(&mut buf)).await {
            self.raw.extend(&buf[..count]);
            self.screen.process(&buf[..count]);
        }
    }

    /// Every escape sequence that was sent is one of ours, and nothing was asked of the terminal.
    pub fn spoke_only_our_grammar(&self) {
        let judge = Judge::of(&self.raw);
        assert!(judge.wrong.is_empty() && judge.asked.is_empty(), "{judge:?}");
    }
}

/// The log of the newest session in `state`; a session that is just being made has none yet.
pub fn log_so_far(state: &Path) -> Option<PathBuf> {
    let sessions = std::fs::read_dir(state.join("sessions")).ok()?;
    sessions.flatten().map(|session| session.path().join("audit.jsonl")).filter(|log| log.exists()).max()
}

/// The log of the newest session in `state`, once there is one.
pub fn newest_log(state: &Path) -> PathBuf {
    let patience = Instant::now() + PATIENCE;
    loop {
        if let Some(log) = log_so_far(state) {
            return log;
        }
        assert!(Instant::now() < patience, "there is no session in {}", state.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}
