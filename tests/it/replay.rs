//! The cockpit over recorded sessions, on a real terminal.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gonogo::event::{Event, EventKind};

use crate::desk::{Desk, newest_log};
use crate::headless;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

/// A step that prints, waits to be let go on, prints again and exits 0 without what it was to print.
const RUNBOOK: &str = r#"
id = "talk"
title = "A step that talks"

[check.here]
file = "/etc/passwd"
period = "200ms"

[[stage]]
id = "only"
watch = ["here"]
  [[stage.step]]
  id = "talks"
  run = "echo the first words; while [ ! -e go ]; do sleep 0.02; done; sleep 0.3; echo the last words"
  expect.matches = ['^all is well$']
"#;

// An output's index tells times to a tenth of a second: what comes sooner after what was before comes with it.

/// What it printed, as the output panel alone shows it.
const FIRST: &str = "| the first words";
const LAST: &str = "| the last words";

const ANSWERS: &str = "advance = true\n[on_hold]\ndefault = \"stop\"\n";

/// A session that was recorded for a test.
struct Recorded {
    folder: tempfile::TempDir,
    log: PathBuf,
    events: Vec<Event>,
}

fn until(what: &str, is: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(120);
    while !is() {
        assert!(Instant::now() < patience, "waited for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Recorded {
    /// The runbook above, with a note while its step talks.
    fn new() -> Self {
        let made = tempfile::tempdir().expect("a folder");
        let folder = made.path();
        let state = headless::state(folder);
        let mut run = headless::run(folder, "talk", RUNBOOK, ANSWERS).spawn().expect("gonogo runs");
        let spoken = || {
            let sessions = std::fs::read_dir(state.join("sessions")).into_iter().flatten().flatten();
            let outputs = sessions.map(|session| session.path().join("steps/only.talks.1/output.log"));
            outputs
                .into_iter()
                .any(|output| std::fs::read_to_string(output).is_ok_and(|text| text.contains("first")))
        };
        until("the first words", spoken);
        let mut note = Command::new(GONOGO);
        note.args(["ctl", "talk", "note", "a word between", "--tag", "decision"]);
        let noted = note.env("GONOGO_STATE_DIR", &state).stdout(Stdio::null()).status();
        assert!(noted.expect("gonogo runs").success());
        std::fs::write(folder.join("go"), "").expect("written");
        assert_eq!(run.wait().expect("it ends").code(), Some(3), "it holds on the step that failed");
        let log = newest_log(&state);
        let lines = std::fs::read_to_string(&log).expect("a log");
        let events = lines.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
        Self { folder: made, log, events }
    }

    fn seq(&self, is: impl Fn(&EventKind) -> bool) -> u64 {
        self.events.iter().find(|event| is(&event.event)).expect("it happened").seq
    }

    fn replay(&self, args: &[&str], cols: u16, rows: u16) -> Desk {
        let args: Vec<&str> = ["replay", "talk"].iter().chain(args).copied().collect();
        Desk::new(&headless::state(self.folder.path()), &args, cols, rows)
    }
}

#[tokio::test]
async fn a_recorded_session_is_looked_at_moment_by_moment_and_left_as_it_was() {
    let recorded = Recorded::new();
    let before = std::fs::read(&recorded.log).expect("a log");
    let noted = recorded.seq(|kind| matches!(kind, EventKind::NoteAdded { .. }));
    let failed = recorded.seq(|kind| matches!(kind, EventKind::StepFinished(finish) if !finish.passed));
    let count = recorded.events.len();

    let mut desk = recorded.replay(&["--at", &noted.to_string(), "--speed", "50"], 120, 36);
    desk.shows(&format!("event {noted} of {count}")).await;
    desk.shows(&format!("chain ok {count}/{count}")).await;
    desk.shows("REPLAY (read-only)").await;
    desk.shows("speed 50x").await;
    desk.shows("KNEW").await;
    // The output as it had grown by then.
    desk.shows(FIRST).await;
    desk.until("no later words", |screen| !screen.contains(LAST)).await;

    // To the failure, where all of it was there, and back again.
    desk.press("n").await;
    desk.shows(&format!("event {failed} of {count}")).await;
    desk.shows(LAST).await;
    desk.press("[").await;
    desk.shows(&format!("event {noted} of {count}")).await;
    desk.until("the later words gone", |screen| screen.contains(FIRST) && !screen.contains(LAST)).await;

    desk.press("\x1b[C").await;
    desk.shows(&format!("event {} of {count}", noted + 1)).await;
    desk.press("\x1b[D\x1b[D").await;
    desk.shows(&format!("event {} of {count}", noted - 1)).await;

    // Only some events, then those that failed, then all again.
    desk.press("fkind:note_added\r").await;
    desk.shows("1 listed").await;
    desk.press("\x1b").await;
    desk.until("all are listed", |screen| !screen.contains("1 listed")).await;
    desk.press("e").await;
    desk.shows("e errors only").await;
    desk.press("e").await;
    desk.until("all are listed", |screen| !screen.contains("errors only")).await;
    desk.press("/word between\r").await;
    desk.shows(&format!("event {noted} of {count}")).await;
    desk.until("it is searched for", |screen| screen.contains("/word between")).await;
    desk.press("\x1b").await;
    desk.until("nothing is searched for", |screen| !screen.contains("/word between")).await;

    // The cockpit as it was, whose keys do nothing.
    desk.press("o").await;
    desk.shows("1 Stages").await;
    desk.shows("RUNNING: only.talks").await;
    desk.press("a").await;
    desk.shows("this is a recording: it cannot be commanded").await;
    desk.press("o").await;
    desk.shows("Timeline").await;

    // It plays to its end, and stands still there.
    desk.press(">>>>>> ").await;
    desk.shows(&format!("event {count} of {count}")).await;
    desk.shows("HALTED").await;
    desk.press("q").await;
    assert_eq!(desk.leaves().await, Some(0));
    desk.spoke_only_our_grammar();
    assert_eq!(std::fs::read(&recorded.log).expect("a log"), before, "nothing was written");
}

#[tokio::test]
async fn a_replay_leaves_its_terminal_as_it_was_at_any_size() {
    let recorded = Recorded::new();
    for (cols, rows) in [(80, 24), (60, 15), (30, 5)] {
        let notes = tempfile::tempdir().expect("a folder");
        let script =
            r#"stty -g > "$0/before"; "$1" replay talk --at 3; echo "$?" > "$0/code"; stty -g > "$0/after""#;
        let command = pty_process::Command::new("sh")
            .args(["-c", script])
            .arg(notes.path())
            .arg(GONOGO)
            .env("GONOGO_STATE_DIR", headless::state(recorded.folder.path()));
        let mut desk = Desk::of(command, cols, rows);
        desk.until("the moment", |screen| screen.contains("#3 of") || screen.contains("#0003")).await;
        desk.press("q").await;
        desk.leaves().await;
        let noted = |name: &str| std::fs::read_to_string(notes.path().join(name)).expect("noted");
        assert_eq!(noted("code"), "0\n");
        assert_eq!(noted("before"), noted("after"), "{cols}x{rows}");
    }
}

#[test]
fn what_cannot_be_replayed_is_said_in_a_sentence() {
    let state = tempfile::tempdir().expect("a folder");
    let empty = state.path().join("empty.jsonl");
    std::fs::write(&empty, "").expect("written");
    let said = |args: &[&str]| {
        let output = Command::new(GONOGO)
            .arg("replay")
            .args(args)
            .env("GONOGO_STATE_DIR", state.path())
            .stdin(Stdio::null())
            .output()
            .expect("gonogo runs");
        assert!(!output.status.success(), "{args:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(said(&["nothing"]).contains("there is no session `nothing`"));
    assert!(said(&[empty.to_str().expect("a path")]).contains("needs a terminal"));
    assert!(said(&["x", "--at", "yesterday"]).contains("is no moment"));
    assert!(said(&["x", "--speed", "1001"]).contains("1001 is not in 1..=1000"));
}
