//! A session made by hand, written as an engine writes one.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use indexmap::IndexMap;

use crate::audit::telemetry::TelemetryFile;
use crate::audit::{dir, line, outputs};
use crate::event::{By, Event, EventKind, Mode, NoteTag, OutputRecord, SessionOpened, StepFinished};
use crate::replay::{Player, Recording};
use crate::runbook::model::Host;
use crate::session::telemetry::{Measure, ProcessSeen, SamplePoint, Verdict};

const RUNBOOK: &str = r#"
id = "moved"
title = "A move"
[[stage]]
id = "one"
[[stage.step]]
id = "a"
run = "true"
[[stage]]
id = "two"
[[stage.step]]
id = "b"
run = "true"
"#;

/// A session in a folder of its own; the boot clock began a day before it.
pub(crate) struct Session {
    pub folder: tempfile::TempDir,
    pub events: Vec<Arc<Event>>,
    hash: String,
    telemetry: TelemetryFile,
}

/// What the boot clock showed when the session began.
pub(crate) const START: u64 = 86_400_000;

/// When the session began.
pub(crate) fn start() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-20T02:00:00Z").expect("a time").with_timezone(&Utc)
}

impl Session {
    /// One that was opened and whose engine was started, both at 0.
    pub fn opened() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let telemetry = TelemetryFile::create(folder.path());
        let mut session = Self { folder, events: Vec::new(), hash: line::genesis(), telemetry };
        let opened = SessionOpened {
            format: 1,
            session: "moved-1".to_owned(),
            runbook: RUNBOOK.to_owned(),
            sha256: String::new(),
            dir: "/srv".to_owned(),
            file: "moved.toml".to_owned(),
            vars: IndexMap::new(),
            mode: Mode::Live,
            host: Host { name: "h".to_owned(), os: "linux".to_owned(), arch: "x86_64".to_owned() },
            share: None,
            drill: None,
            session_dir: "/srv".to_owned(),
            version: "0".to_owned(),
        };
        session.tell(0, EventKind::SessionOpened(Box::new(opened)));
        session.starts(0, "boot");
        session
    }

    /// A short one: two stages, a step whose output grows, a failure, a pause, notes and a close.
    pub fn short() -> Self {
        let mut session = Self::opened();
        session.tell(1_000, EventKind::StageEntered { stage: "one".into() });
        session.step_starts(1_000, "one.a", 1);
        session.writes("one.a", 1, &[(1_500, "first\n"), (4_000, "second\n"), (9_000, "third\n")]);
        session.step_ends(10_000, "one.a", 1, true);
        session.tell(
            10_000,
            EventKind::Promoted { stage: "one".into(), overridden: vec![], reason: None, asked_by: None },
        );
        session.tell(10_000, EventKind::StageEntered { stage: "two".into() });
        session.note(70_000, "slow");
        session.step_starts(80_000, "two.b", 1);
        session.step_ends(90_000, "two.b", 1, false);
        session.tell(95_000, EventKind::Paused);
        session.tell(600_000, EventKind::Resumed);
        session.note(610_000, "over");
        session
    }

    /// The next event, at this moment.
    pub fn tell(&mut self, t_ms: u64, event: EventKind) {
        let at = start() + TimeDelta::milliseconds(t_ms.cast_signed());
        let seq = self.events.len() as u64 + 1;
        let event = Event { seq, at, up_ms: START + t_ms, by: By::ENGINE, event };
        let (bytes, hash) = line::encode(&event, &self.hash).expect("short");
        self.append(&bytes);
        self.hash = hash;
        self.events.push(Arc::new(event));
    }

    pub fn starts(&mut self, t_ms: u64, boot: &str) {
        let (boot_id, version) = (boot.to_owned(), "0".to_owned());
        self.tell(t_ms, EventKind::EngineStarted { boot_id, version, pid: 1, recovered: vec![] });
    }

    pub fn note(&mut self, t_ms: u64, text: &str) {
        self.tell(t_ms, EventKind::NoteAdded { tag: NoteTag::Observation, text: text.to_owned() });
    }

    pub fn step_starts(&mut self, t_ms: u64, step: &str, attempt: u32) {
        let (what, sha256) = ("true".to_owned(), String::new());
        self.tell(t_ms, EventKind::StepStarted { step: step.into(), attempt, what, sha256 });
    }

    pub fn step_ends(&mut self, t_ms: u64, step: &str, attempt: u32, passed: bool) {
        let output = Some(OutputRecord { path: String::new(), bytes: 1, sha256: String::new(), dropped: 0 });
        let finish = StepFinished {
            step: step.into(),
            attempt,
            passed,
            why: "so".to_owned(),
            proofs: vec![],
            exit: Some(i32::from(!passed)),
            took_ms: 1,
            output,
            captures: IndexMap::new(),
            remains: vec![],
        };
        self.tell(t_ms, EventKind::StepFinished(Box::new(finish)));
    }

    /// What an attempt wrote when.
    pub fn writes(&self, step: &str, attempt: u32, lines: &[(u64, &str)]) {
        let folder = outputs::folder(self.folder.path(), &step.into(), attempt);
        fs::create_dir_all(&folder).expect("made");
        let (mut log, mut index) = (String::new(), String::new());
        for (t_ms, text) in lines {
            index.push_str(&format!("{} {} o\n", START + t_ms, log.len()));
            log.push_str(text);
        }
        fs::write(folder.join(outputs::LOG), log).expect("written");
        fs::write(folder.join(outputs::INDEX), index).expect("written");
    }

    /// A sample that ended at this moment, after 40 ms.
    pub fn sample(&mut self, t_ms: u64, check: &str, good: bool, processes: Vec<ProcessSeen>) {
        let point = SamplePoint {
            up_ms: START + t_ms - 40,
            took_ms: 40,
            verdict: if good { Verdict::Pass } else { Verdict::Failed },
            value: Some(t_ms.to_string()),
            number: Some(t_ms as f64),
            judged: None,
            reason: if good { String::new() } else { "bad".to_owned() },
        };
        let sample = Measure::Sample { check: check.into(), point, processes };
        self.telemetry.keep(self.events.len() as u64, START + t_ms, &sample);
    }

    pub fn log(&self) -> PathBuf {
        self.folder.path().join(dir::LOG)
    }

    /// Puts bytes at the log's end, whatever they are.
    pub fn append(&self, bytes: &[u8]) {
        let mut log = OpenOptions::new().append(true).create(true).open(self.log()).expect("opened");
        log.write_all(bytes).expect("written");
    }

    /// The recording, wholly surveyed.
    pub fn recording(&self) -> Recording {
        open(self.folder.path())
    }

    pub fn player(&self) -> Player {
        Player::new(self.recording(), "another boot")
    }
}

pub(crate) fn open(path: &Path) -> Recording {
    let recording = Recording::open(path).expect("a recording");
    recording.wait_until_surveyed();
    recording
}
