//! A running gonogo keeps its memory to itself, and what it starts is as its operator would have started it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gonogo::process::{Identity, signal};
use rustix::process::Signal;

const RUNBOOK: &str = r#"
id = "private"
title = "Private"
[secret.token]
env = "TOKEN"
[check.limit]
command = "[ -s by-check ] || ulimit -S -c > by-check; echo ok"
period = "200ms"
expect.matches = ["ok"]
[[stage]]
id = "one"
watch = ["limit"]
  [[stage.step]]
  id = "look"
  run = "ulimit -S -c > by-step; until [ -e go ]; do sleep 0.02; done; echo done"
  env.TOKEN = "${{ secret.token }}"
  expect.matches = ["done"]
"#;

/// A session of the real binary, under a limit of 1024 blocks for core dumps, as root or as somebody else.
struct Session {
    folder: tempfile::TempDir,
    child: Child,
}

impl Session {
    fn start(uid: Option<u32>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("runbook.toml"), RUNBOOK).expect("written");
        std::fs::write(at("answers.toml"), "advance = true\ngate_within = \"30s\"\n").expect("written");
        if uid.is_some() {
            std::os::unix::fs::chown(folder.path(), uid, uid).expect("root may");
        }
        let own_program = at("gonogo");
        // Another process copies it: one that this one holds open for writing could not be executed.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_gonogo")).arg(&own_program).status();
        assert!(copied.expect("cp").success());
        let run = "ulimit -S -c 1024; exec ./gonogo run runbook.toml --headless --answers answers.toml";
        let mut command = match uid {
            None => Command::new("bash"),
            Some(uid) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", &uid.to_string(), "--regid", &uid.to_string()]);
                command.args(["--clear-groups", "bash"]);
                command
            }
        };
        let child = command
            .args(["-c", run])
            .current_dir(folder.path())
            .env("GONOGO_STATE_DIR", at("state"))
            .env("TOKEN", "canary-in-memory")
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(at("told")).expect("created"))
            .stderr(std::fs::File::create(at("errors")).expect("created"))
            .spawn()
            .expect("bash");
        Self { folder, child }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Waits until a file holds something; the limit is only there to end a broken test.
    fn until_written(&mut self, name: &str) {
        let begun = Instant::now();
        while self.text(name).is_empty() {
            let ended = self.child.try_wait().expect("its state");
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(60),
                "{name} is never written: {ended:?}\n{}{}",
                self.text("told"),
                self.text("errors")
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn finish(&mut self) -> Option<i32> {
        std::fs::write(self.path("go"), "").expect("written");
        self.child.wait().expect("its end").code()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = std::fs::write(self.path("go"), "");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn core_limit(pid: u32) -> String {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("it runs");
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    line["Max core file size".len()..].split_whitespace().next().expect("a number").to_owned()
}

fn cores(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("readable").path());
    entries.filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("core"))).collect()
}

#[test]
fn a_running_gonogo_dumps_no_core_and_what_it_starts_keeps_its_own_limit() {
    let mut session = Session::start(None);
    session.until_written("by-step");
    session.until_written("by-check");
    assert_eq!((session.text("by-step").trim(), session.text("by-check").trim()), ("1024", "1024"));
    let pid = session.child.id();
    assert_eq!(core_limit(pid), "0");
    signal(&Identity::of(pid).expect("it runs"), Signal::ABORT).expect("our own child");
    let ended = session.child.wait().expect("its end");
    assert_eq!((ended.signal(), ended.core_dumped()), (Some(Signal::ABORT.as_raw()), false));
    assert!(cores(session.folder.path()).is_empty());
}

#[test]
fn somebody_who_is_not_root_can_work_with_a_private_memory() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut session = Session::start(Some(1000));
    session.until_written("by-step");
    let pid = session.child.id();
    assert_eq!(core_limit(pid), "0");
    let owner = |name: &str| {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(format!("/proc/{pid}/{name}")).expect("it runs").uid()
    };
    assert_eq!(owner("environ"), 0, "the kernel gives what cannot be dumped to root");
    assert_eq!(session.finish(), Some(0), "{}{}", session.text("told"), session.text("errors"));
}
