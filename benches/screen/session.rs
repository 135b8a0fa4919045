//! A session to look at: a runbook with so many checks and steps, and the engine that runs it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use pty_process::blocking::Command;

use super::terminal::Terminal;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

/// How large a runbook is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub checks: usize,
    pub period: &'static str,
    pub stages: usize,
    pub steps: usize,
}

impl Size {
    /// A runbook whose first step prints without end, all of whose checks are watched from its first stage on.
    fn runbook(self) -> String {
        let mut book = String::from("id = \"bench\"\ntitle = \"Bench\"\n");
        let checks: Vec<String> = (0..self.checks).map(|n| format!("c{n:03}")).collect();
        for check in &checks {
            let _ = writeln!(book, "[check.{check}]\nfile = \".\"\nperiod = \"{}\"", self.period);
        }
        for stage in 0..self.stages {
            let _ = writeln!(book, "[[stage]]\nid = \"g{stage}\"");
            if stage == 0 {
                let _ = writeln!(book, "watch = {checks:?}");
            }
            for step in 0..self.steps {
                let does = match (stage, step) {
                    (0, 0) => {
                        "run = [\"yes\", \"a line of a step that prints without end\"]\ntimeout = \"1h\""
                    }
                    _ => "wait = \"1s\"",
                };
                let _ = writeln!(book, "[[stage.step]]\nid = \"s{step:03}\"\n{does}");
            }
        }
        book
    }
}

/// A folder of sessions, one of them live.
pub struct Session {
    folder: tempfile::TempDir,
}

impl Session {
    /// A folder with a runbook in it; nothing runs yet.
    pub fn new(size: Size) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        fs::write(folder.path().join("bench.toml"), size.runbook()).expect("written");
        Self { folder }
    }

    /// gonogo, with its sessions in this folder.
    pub fn gonogo(&self, args: &[&str]) -> Command {
        let at = |name: &str| self.folder.path().join(name);
        let command = Command::new(GONOGO).args(args).current_dir(self.folder.path());
        command.env("GONOGO_STATE_DIR", at("state")).env("XDG_CONFIG_HOME", at("config"))
    }

    /// `gonogo run`, as the first command of a session.
    pub fn run(&self) -> Terminal {
        Terminal::start(self.gonogo(&["run", "bench.toml"]))
    }

    /// Starts the session and leaves its cockpit: the engine goes on by itself.
    pub fn started(size: Size) -> Self {
        let session = Self::new(size);
        let mut cockpit = session.run();
        cockpit.until("the cockpit", |screen| screen.contents().contains("1 Stages"));
        cockpit.press("d");
        cockpit.until("the end", |screen| !screen.alternate_screen());
        session
    }

    /// `gonogo attach`.
    pub fn attach(&self) -> Terminal {
        Terminal::start(self.gonogo(&["attach"]))
    }

    /// A command to the engine.
    pub fn ctl(&self, args: &[&str]) {
        let path = self.path();
        let done = std::process::Command::new(GONOGO)
            .args(["ctl", path.to_str().expect("ours is UTF-8")])
            .args(args)
            .env("GONOGO_STATE_DIR", self.folder.path().join("state"))
            .output()
            .expect("gonogo runs");
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Ends the step that prints without end.
    pub fn stop_flood(&self) {
        self.ctl(&["kill", "g0.s000"]);
        let end = Instant::now() + Duration::from_secs(60);
        while !self.processes("shim").is_empty() {
            assert!(Instant::now() < end, "the step does not end");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// How much that step has printed, in bytes.
    pub fn printed(&self) -> u64 {
        let Some(shim) = self.processes("shim").first().copied() else { return 0 };
        let io = fs::read_to_string(format!("/proc/{shim}/io")).unwrap_or_default();
        let read = io.lines().find_map(|line| line.strip_prefix("rchar: "));
        read.and_then(|bytes| bytes.parse().ok()).unwrap_or(0)
    }

    /// The session's own folder.
    pub fn path(&self) -> PathBuf {
        let sessions = fs::read_dir(self.folder.path().join("state/sessions")).expect("sessions");
        sessions.map(|session| session.expect("a session").path()).next().expect("one session")
    }

    /// The engine's process.
    pub fn engine(&self) -> u32 {
        self.processes("engine").into_iter().next().expect("an engine runs")
    }

    /// The processes that were started for a session of this folder, by the first word of what they are to do.
    fn processes(&self, word: &str) -> Vec<u32> {
        let here = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
            let folder = self.folder.path().as_os_str().as_encoded_bytes();
            words.get(1) == Some(&word.as_bytes()) && words.get(2).is_some_and(|at| at.starts_with(folder))
        };
        let all = fs::read_dir(Path::new("/proc")).expect("a Linux machine");
        all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter(here).collect()
    }
}

impl Drop for Session {
    /// Nothing of it may go on: neither the engine nor a step, which outlives its engine.
    fn drop(&mut self) {
        let end = Instant::now() + Duration::from_secs(10);
        for word in ["engine", "shim"] {
            loop {
                let pids = self.processes(word);
                if pids.is_empty() || Instant::now() > end {
                    break;
                }
                for pid in pids.into_iter().filter_map(|pid| i32::try_from(pid).ok()) {
                    let pid = nix::unistd::Pid::from_raw(pid);
                    let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
}
