//! Whole cutovers in the cockpit, by keys alone, on a real terminal.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use pty_process::{Command, Size};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

/// A terminal with gonogo on it.
struct Desk {
    pty: pty_process::Pty,
    child: tokio::process::Child,
    screen: vt100::Parser,
    raw: Vec<u8>,
    state: tempfile::TempDir,
}

impl Desk {
    fn new(args: &[&str], cols: u16, rows: u16) -> Self {
        let state = tempfile::tempdir().expect("a folder");
        let (pty, pts) = pty_process::open().expect("a terminal");
        pty.resize(Size::new(rows, cols)).expect("a size");
        let child = Command::new(GONOGO)
            .args(args)
            .env("GONOGO_STATE_DIR", state.path())
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .kill_on_drop(true)
            .spawn(pts)
            .expect("gonogo runs");
        let (rows, cols) = (NonZeroU16::new(rows).expect("not 0"), NonZeroU16::new(cols).expect("not 0"));
        Self { pty, child, screen: vt100::Parser::new(rows, cols, 0), raw: Vec::new(), state }
    }

    /// Reads the terminal until it shows what is waited for.
    async fn until(&mut self, what: &str, shown: impl Fn(&str) -> bool) {
        let mut buf = [0; 8192];
        let patience = tokio::time::Instant::now() + Duration::from_secs(60);
        while !shown(&self.screen.screen().contents()) {
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

    async fn shows(&mut self, text: &str) {
        self.until(text, |screen| screen.contains(text)).await;
    }

    async fn press(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).await.expect("written");
    }

    /// Opens a dialog, reads it to its end, and says yes.
    async fn go(&mut self, key: &str, title: &str) {
        self.press(key).await;
        self.shows(title).await;
        // End: a dialog is armed once all of it was on the screen.
        self.press("\x1b[F").await;
        self.until("an armed button", |screen| !screen.contains("y  (not armed)")).await;
        self.press("y").await;
        self.until("the dialog gone", |screen| !screen.contains(title)).await;
    }

    /// Acknowledges the demo's policy and goes on to the gate of its first stage.
    async fn begin(&mut self) {
        self.shows("1 Stages").await;
        self.shows("POLICY").await;
        self.go("a", "┏ POLICY").await;
        self.shows("READY").await;
        self.go("a", "GO / NO-GO").await;
        self.shows("QUESTION").await;
        self.go("\r", "┏ QUESTION").await;
        self.shows("GO: everything that preconditions asks for").await;
    }

    async fn leaves(&mut self) -> Option<i32> {
        let mut buf = [0; 8192];
        while let Ok(count @ 1..) = self.pty.read(&mut buf).await {
            self.raw.extend(&buf[..count]);
            self.screen.process(&buf[..count]);
        }
        self.child.wait().await.expect("its end").code()
    }

    fn log(&self) -> PathBuf {
        let sessions = std::fs::read_dir(self.state.path().join("sessions")).expect("sessions");
        sessions.map(|s| s.expect("a session").path().join("audit.jsonl")).max().expect("a session")
    }

    /// Every escape sequence that was sent is one of ours.
    fn spoke_only_our_grammar(&self) {
        let raw = String::from_utf8_lossy(&self.raw);
        for never in ["\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1b[6n", "\x1b[c", "\u{202e}", "\u{9b}"] {
            assert!(!raw.contains(never), "{never:?} was sent to the terminal");
        }
    }
}

#[tokio::test]
async fn the_demo_is_driven_forward_paused_and_rolled_back_by_keys_alone() {
    let mut desk = Desk::new(&["demo"], 120, 36);
    desk.begin().await;
    desk.go("a", "GO / NO-GO").await;
    desk.shows("GO: everything that prepare asks for").await;
    desk.press("p").await;
    desk.shows("PAUSED").await;
    desk.press("p").await;
    desk.go("P", "┏ RESUME").await;
    desk.until("it is not paused", |screen| !screen.contains("PAUSED")).await;
    desk.go("a", "GO / NO-GO").await;
    desk.shows("GO: everything that switch asks for").await;
    desk.press("b").await;
    desk.shows("switch.start-legacy").await;
    desk.press("\x1b").await;
    desk.until("nothing is rolled back by looking", |screen| !screen.contains("switch.start-legacy")).await;
    // All the way: the farthest target, and its name typed, for it goes beyond a stage's boundary.
    desk.press("b").await;
    desk.shows("┏ ROLL BACK").await;
    roll_all_the_way_back(&mut desk).await;
    desk.shows("ROLLED BACK, closed").await;
    desk.press("q").await;
    assert_eq!(desk.leaves().await, Some(4));
    desk.spoke_only_our_grammar();
    let report = gonogo::audit::verify::verify(&desk.log(), &[]).expect("readable");
    assert_eq!(report.code(), 0, "{report:?}");
}

/// Picks the farthest stage in the rollback dialog, types its name, and rolls back.
async fn roll_all_the_way_back(desk: &mut Desk) {
    // The first field says how far; to the right lies farther.
    desk.press("\t\x1b[C\x1b[C").await;
    desk.shows("3 of 3").await;
    // Past the reason to the stage's name, which is to be typed.
    desk.press("\t\tpreconditions").await;
    // PgDn: the dialog is armed once all of it was on the screen.
    desk.press("\x1b[6~\x1b[6~\x1b[6~").await;
    desk.until("an armed button", |screen| !screen.contains("(not armed)")).await;
    desk.press("\t\r").await;
}

#[tokio::test]
async fn a_service_that_dies_under_observation_is_rolled_back_by_its_trigger_at_80_by_24() {
    let mut desk = Desk::new(&["demo"], 80, 24);
    desk.begin().await;
    for stage in ["prepare", "switch"] {
        desk.go("a", "GO / NO-GO").await;
        desk.shows(&format!("GO: everything that {stage}")).await;
    }
    desk.go("a", "GO / NO-GO").await;
    // Its step has run; from here on the trigger is armed.
    desk.shows("the soak of 15s").await;
    let work = demo_folder(&desk);
    let pid = std::fs::read_to_string(work.join("next.pid")).expect("next runs");
    let killed = std::process::Command::new("kill").args(["-9", pid.trim()]).status().expect("kill");
    assert!(killed.success());
    desk.shows("TRIGGER").await;
    desk.shows("ROLLED BACK, closed").await;
    desk.press("q").await;
    assert_eq!(desk.leaves().await, Some(4));
}

/// The demo's scratch folder, as its log names it.
fn demo_folder(desk: &Desk) -> PathBuf {
    let log = std::fs::read_to_string(desk.log()).expect("a log");
    let opened: serde_json::Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON");
    PathBuf::from(opened["event"]["vars"]["work"].as_str().expect("the demo's folder"))
}
