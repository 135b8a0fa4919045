//! `gonogo report` over real records: of a session, of a lone log, of a torn and of a broken one.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use gonogo::report::Report;

const GONOGO: &str = env!("CARGO_BIN_EXE_gonogo");

const RUNBOOK: &str = r#"
id = "reported"
title = "Told <b>afterwards</b>"
[check.always]
command = ["true"]
period = "1s"
[[stage]]
id = "only"
  [[stage.step]]
  id = "do-it"
  run = ["true"]
  [stage.gate]
  checks = ["always"]
"#;

/// A folder with one simulated session that has ended.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        fs::write(place.path("reported.toml"), RUNBOOK).expect("written");
        fs::write(place.path("answers.toml"), "acknowledge = true\nadvance = true\n").expect("written");
        let ran =
            place.gonogo(&["run", "reported.toml", "--simulate", "--headless", "--answers", "answers.toml"]);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn gonogo(&self, args: &[&str]) -> Output {
        let mut command = Command::new(GONOGO);
        command.args(args).current_dir(self.0.path()).env("GONOGO_STATE_DIR", self.path("state"));
        command.stdin(Stdio::null()).output().expect("gonogo runs")
    }

    fn said(&self, args: &[&str]) -> String {
        let output = self.gonogo(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn report(&self, of: &str) -> Report {
        let json = self.said(&["report", of, "--format", "json"]);
        serde_json::from_str(&json).expect("a report")
    }

    fn session(&self) -> PathBuf {
        let mut sessions = fs::read_dir(self.path("state/sessions")).expect("there are sessions");
        sessions.next().expect("there is one").expect("readable").path()
    }
}

#[test]
fn a_session_is_reported_in_every_form_and_never_into_its_own_folder() {
    let place = Place::new();
    let markdown = place.said(&["report", "reported"]);
    assert!(
        markdown.starts_with("# COMPLETED (simulated): Told &lt;b&gt;afterwards&lt;/b&gt;"),
        "{markdown}"
    );
    assert!(markdown.contains("only.do-it") && markdown.contains("CLEAN"));
    let report = place.report("reported");
    assert!(report.session.closed && report.missing.is_empty());
    assert!(report.checks[0].samples.total > 0);
    assert!(place.said(&["report", "reported", "--format", "html"]).starts_with("<!doctype html>"));
    let against = place.said(&["report", "reported", "--against", "reported"]);
    assert!(against.contains("Nothing but how long it took"));

    place.said(&["report", "reported", "-o", "report.md"]);
    fs::write(place.path("report.md"), "an older one").expect("written");
    place.said(&["report", "reported", "-o", "report.md"]);
    assert_eq!(fs::read_to_string(place.path("report.md")).expect("written"), markdown);
    let log = place.session().join("audit.jsonl");
    let before = fs::read(&log).expect("the log");
    for into in [log.clone(), place.session().join("steps/new.md")] {
        let refused = place.gonogo(&["report", "reported", "-o", into.to_str().expect("UTF-8")]);
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("the session's own folder"));
    }
    assert_eq!(fs::read(&log).expect("the log"), before);
    assert!(place.said(&["verify", "reported"]).starts_with("CLEAN"));
}

#[test]
fn a_lone_a_torn_and_a_broken_log_are_reported_as_far_as_they_go() {
    let place = Place::new();
    let whole = fs::read(place.session().join("audit.jsonl")).expect("the log");
    let lone = |bytes: &[u8]| {
        fs::write(place.path("lone.jsonl"), bytes).expect("written");
        place.report("lone.jsonl")
    };
    let report = lone(&whole);
    assert!(report.session.closed && report.missing.len() == 2, "{:?}", report.missing);
    let events = report.record.events;

    let torn = lone(&whole[..whole.len() - 9]);
    assert_eq!(torn.record.code, 5);
    assert!(!torn.session.closed && torn.session.last.seq == events - 1);

    let mut broken = whole.clone();
    let at = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(4).expect("lines").0 + 40;
    broken[at] ^= 1;
    let broken = lone(&broken);
    assert_eq!((broken.record.code, broken.session.last.seq), (6, 5));

    for nothing in [&b""[..], b"no log\n"] {
        fs::write(place.path("lone.jsonl"), nothing).expect("written");
        let refused = place.gonogo(&["report", "lone.jsonl"]);
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("holds no session"));
    }
}
