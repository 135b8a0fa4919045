//! A small story for tests: a cutover of two stages that meets most of what can happen, at fixed times.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use indexmap::IndexMap;

use super::gather::of_events;
use super::model::{Record, Report, Verdict};
use crate::audit::telemetry::Sampled;
use crate::event::{
    By, Credentials, Event, EventKind, Health, ItemOf, LOG_FORMAT, Mode, NoteTag, Outcome, OutputRecord,
    Person, Proof, Seat, SessionOpened, StepFinished,
};
use crate::runbook::StepId;
use crate::runbook::model::Host;
use crate::session::telemetry::{Measure, SamplePoint, Verdict as Seen};

pub(crate) const RUNBOOK: &str = r#"
id = "orders-db"
title = "Move orders to the new database"
owner = "team-orders"
ticket = "CHG-4711"
environment = "production"
policy = ["Nobody deploys meanwhile."]
[vars.target]
default = "db2"
[check.readyz]
title = "orders answers"
http = "http://127.0.0.1:8080/readyz"
period = "2s"
expect = { max_latency = "500ms" }
[check.lag]
command = ["lag"]
period = "2s"
unit = "s"
expect = { json = { "/lag" = { max = 5 } } }
[[stage]]
id = "prepare"
title = "Prepare"
estimate = "5m"
  [[stage.step]]
  id = "copy"
  title = "Copy the data"
  run = ["copy", "${{ target }}"]
  retries = { attempts = 2, delay = "1s" }
  [[stage.step]]
  id = "signed-off"
  confirm = "Is it signed off?"
[[stage]]
id = "switch"
title = "Switch"
estimate = "10m"
watch = ["lag"]
  [[stage.step]]
  id = "go"
  run = ["go"]
  [[stage.rollback]]
  id = "back"
  run = ["back"]
  [stage.gate]
  checks = ["readyz"]
  soak = "2m"
  accept = ["orders come in"]
  approvals = 2
[[trigger]]
check = "readyz"
failing_for = "30s"
then = "hold"
[rollback]
  [[rollback.step]]
  id = "tell"
  run = ["tell"]
"#;

/// The events and samples of a session, each so many milliseconds after its first event.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub events: Vec<Arc<Event>>,
    pub samples: Vec<Sampled>,
}

const UP_MS: u64 = 1_000_000;

impl Story {
    pub fn of(runbook: &str) -> Self {
        let mut story = Self::default();
        let opened = SessionOpened {
            format: LOG_FORMAT,
            session: "20270115-080000-orders-db".to_owned(),
            runbook: runbook.to_owned(),
            sha256: "5e".repeat(32),
            dir: "/runbooks".to_owned(),
            file: "orders-db.toml".to_owned(),
            vars: IndexMap::from([("target".to_owned(), "db2".to_owned())]),
            mode: Mode::Live,
            host: Host { name: "stage".to_owned(), os: "linux".to_owned(), arch: "x86_64".to_owned() },
            share: None,
            drill: None,
            session_dir: "/sessions/20270115-080000-orders-db".to_owned(),
            version: "0.1.0".to_owned(),
        };
        story.engine(0, EventKind::SessionOpened(Box::new(opened)));
        story.start_engine(5, "boot-1");
        story
    }

    pub fn push(&mut self, t_ms: u64, by: By, event: EventKind) {
        let seq = self.events.len() as u64 + 1;
        let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a date");
        let at = start + TimeDelta::milliseconds(t_ms.cast_signed());
        self.events.push(Arc::new(Event { seq, at, up_ms: UP_MS + t_ms, by, event }));
    }

    pub fn engine(&mut self, t_ms: u64, event: EventKind) {
        self.push(t_ms, By::ENGINE, event);
    }

    pub fn start_engine(&mut self, t_ms: u64, boot: &str) {
        let (boot_id, version) = (boot.to_owned(), "0.1.0".to_owned());
        let recovered = Vec::new();
        self.engine(t_ms, EventKind::EngineStarted { boot_id, version, pid: 77, recovered });
    }

    pub fn person(&mut self, t_ms: u64, name: &str, event: EventKind) {
        self.push(t_ms, By::Person(person(name)), event);
    }

    pub fn joins(&mut self, t_ms: u64, name: &str) {
        let uid = person(name).uid;
        let credentials = Credentials {
            uid,
            pid: 5,
            login_uid: Some(uid),
            ssh: Some("10.0.0.7 50022 10.0.0.1 22".to_owned()),
            passphrase: false,
        };
        let roles = Vec::new();
        self.person(t_ms, name, EventKind::OperatorJoined { person: person(name), credentials, roles });
    }

    pub fn starts(&mut self, t_ms: u64, step: &str, attempt: u32, what: &str) {
        let (step, what) = (StepId::from(step), what.to_owned());
        self.engine(t_ms, EventKind::StepStarted { step, attempt, what, sha256: "aa".repeat(32) });
    }

    pub fn ends(&mut self, t_ms: u64, step: &str, attempt: u32, proofs: Vec<Proof>) {
        let passed = crate::proof::all_met(&proofs);
        let why = crate::proof::why_not(&proofs).unwrap_or_default();
        let output = OutputRecord {
            path: format!("steps/{step}.{attempt}/output.log"),
            bytes: 312,
            sha256: "bb".repeat(32),
            dropped: 0,
        };
        let started = self.events.iter().rev().find_map(|event| match &event.event {
            EventKind::StepStarted { step: of, .. } if of.as_str() == step => Some(event.up_ms - UP_MS),
            _ => None,
        });
        self.engine(
            t_ms,
            EventKind::StepFinished(Box::new(StepFinished {
                step: step.into(),
                attempt,
                passed,
                why,
                exit: Some(i32::from(!passed)),
                proofs,
                took_ms: t_ms - started.expect("it was started"),
                output: Some(output),
                captures: IndexMap::new(),
                remains: Vec::new(),
            })),
        );
    }

    pub fn check(&mut self, t_ms: u64, check: &str, from: Health, to: Health, reason: &str) {
        let value = Some(if to == Health::Ok { "200" } else { "503" }.to_owned());
        let (check, reason, since) = (check.into(), reason.to_owned(), UP_MS + t_ms);
        self.engine(t_ms, EventKind::CheckChanged { check, from, to, reason, value, since });
    }

    pub fn gate(&mut self, t_ms: u64, stage: &str, missing: &[&str]) {
        let (go, missing) = (missing.is_empty(), missing.iter().map(|&what| what.to_owned()).collect());
        self.engine(t_ms, EventKind::GateChanged { stage: stage.into(), go, missing });
    }

    pub fn sample(&mut self, t_ms: u64, check: &str, took_ms: u32, verdict: Seen, number: Option<f64>) {
        let point = SamplePoint {
            up_ms: UP_MS + t_ms,
            took_ms,
            verdict,
            value: number.map(|number| number.to_string()),
            number,
            judged: None,
            reason: String::new(),
        };
        let sample = Measure::Sample { check: check.into(), point, processes: Vec::new() };
        self.samples.push(Sampled { after: 2, up_ms: UP_MS + t_ms + 500, samples: vec![sample] });
    }

    /// The report of it.
    pub fn report(&self) -> Report {
        let clean = Verdict { word: "CLEAN".to_owned(), code: 0, text: "CLEAN".to_owned() };
        let record = Record {
            verdicts: vec![clean],
            code: 0,
            live: false,
            anchored: false,
            events: self.events.len() as u64,
            head: Some(format!("{}:9f3ca1b2", self.events.len())),
            findings: Vec::new(),
        };
        of_events(&self.events, &self.samples, record).expect("it opens a session")
    }
}

pub(crate) fn person(name: &str) -> Person {
    let (uid, seat) = if name == "opsA" { (1000, Seat::Driver) } else { (1001, Seat::Navigator) };
    Person { person: name.to_owned(), uid, seat }
}

pub(crate) fn exits(met: bool) -> Vec<Proof> {
    vec![Proof::new("exit 0", met, if met { "exit 0" } else { "exit 1" })]
}

/// A cutover that has everything: a retry, a soak that breaks, an override, a pause, a time that nobody observed, and a
/// rollback that ends it.
pub(crate) fn cutover() -> Story {
    let mut story = Story::of(RUNBOOK);
    story.joins(1_000, "opsA");
    story.person(1_100, "opsA", EventKind::WheelPassed { from: None, to: "opsA".to_owned() });
    story.joins(2_000, "opsB");
    story.person(9_000, "opsA", EventKind::PolicyAcknowledged);
    prepare(&mut story);
    switch(&mut story);
    back(&mut story);
    let (outcome, reason) = (Outcome::RolledBack, Some("too slow for tonight".to_owned()));
    story.person(620_000, "opsA", EventKind::SessionClosed { outcome, reason });
    story
}

fn prepare(story: &mut Story) {
    story.person(10_000, "opsA", EventKind::StageEntered { stage: "prepare".into() });
    story.starts(10_100, "prepare.copy", 1, "copy db2");
    story.ends(40_100, "prepare.copy", 1, exits(false));
    story.starts(41_100, "prepare.copy", 2, "copy db2");
    let mut proofs = exits(true);
    proofs.push(Proof::new("output matches /^rows: \\d+$/", true, "line 3: \"rows: 120041\""));
    story.ends(90_000, "prepare.copy", 2, proofs);
    story.starts(90_010, "prepare.signed-off", 1, "confirm: Is it signed off?");
    let (step, note) = (StepId::from("prepare.signed-off"), Some("by the desk".to_owned()));
    story.person(120_000, "opsB", EventKind::Confirmed { step, attempt: 1, note });
    story.ends(120_010, "prepare.signed-off", 1, vec![Proof::new("yes", true, "yes, by opsB")]);
    story.gate(120_020, "prepare", &[]);
    let (overridden, reason) = (Vec::new(), None);
    story.person(
        130_000,
        "opsA",
        EventKind::Promoted { stage: "prepare".into(), overridden, reason, asked_by: None },
    );
}

fn switch(story: &mut Story) {
    story.person(130_001, "opsA", EventKind::StageEntered { stage: "switch".into() });
    story.check(131_000, "readyz", Health::Idle, Health::Pending, "1 of 3");
    story.check(135_000, "readyz", Health::Pending, Health::Ok, "");
    story.starts(136_000, "switch.go", 1, "go");
    story.ends(140_000, "switch.go", 1, exits(true));
    story.gate(140_010, "switch", &["the soak of 2m is not reached", "\"orders come in\" is not ticked"]);
    story.engine(141_000, EventKind::SoakStarted { stage: "switch".into() });
    let text = "first orders seen\n| a | b |\n<script>alert(1)</script>".to_owned();
    story.person(150_000, "opsB", EventKind::NoteAdded { tag: NoteTag::Observation, text });
    let evidence = EventKind::EvidenceAdded {
        step: None,
        source: "/tmp/graph.png".to_owned(),
        path: "evidence/graph.png".to_owned(),
        bytes: 20_480,
        sha256: "cc".repeat(32),
    };
    story.person(150_000, "opsB", evidence);
    story.check(200_000, "readyz", Health::Ok, Health::Failing, "status 503, expected 200 to 299");
    let why = "check readyz is failing: status 503, expected 200 to 299";
    story.engine(200_001, EventKind::SoakBroken { stage: "switch".into(), why: why.to_owned() });
    story.check(225_000, "readyz", Health::Failing, Health::Ok, "");
    story.person(226_000, "opsA", EventKind::Paused);
    story.person(240_000, "opsA", EventKind::Resumed);
    let item = ItemOf::Gate("switch".into());
    let ticked =
        EventKind::ItemTicked { on: item, item: "orders come in".to_owned(), pass: true, note: None };
    story.person(250_000, "opsB", ticked);
    story.engine(330_000, EventKind::Unobserved { from: UP_MS + 300_000, to: UP_MS + 330_000 });
    for name in ["opsA", "opsB"] {
        let (stage, note) = ("switch".into(), None);
        story.person(340_000, name, EventKind::Voted { stage, role: None, go: true, note });
    }
    story.gate(340_010, "switch", &["the soak of 2m is not reached"]);
    let refused = EventKind::CommandRefused {
        command: "advance".to_owned(),
        why: "NO-GO: the soak of 2m is not reached".to_owned(),
    };
    story.person(341_000, "opsA", refused);
    let promoted = EventKind::Promoted {
        stage: "switch".into(),
        overridden: vec!["the soak of 2m is not reached".to_owned()],
        reason: Some("the window closes at 08:10".to_owned()),
        asked_by: None,
    };
    story.person(400_000, "opsA", promoted);
    for t_ms in (131_000..620_000).step_by(2_000).filter(|t_ms| !(300_000..330_000).contains(t_ms)) {
        let red = (195_000..222_000).contains(&t_ms);
        let verdict = if red { Seen::Failed } else { Seen::Pass };
        story.sample(t_ms, "readyz", if red { 900 } else { 20 }, verdict, None);
        let lag = (t_ms / 10_000 % 4) as f64 + 0.5;
        story.sample(t_ms, "lag", 5, Seen::Pass, Some(lag));
    }
}

fn back(story: &mut Story) {
    let steps = ["switch.back", "rollback.tell"].map(StepId::from).to_vec();
    let reason = Some("customers complain".to_owned());
    story.person(
        500_000,
        "opsA",
        EventKind::RollbackStarted { to: "prepare".into(), full: true, steps, reason },
    );
    story.starts(500_100, "switch.back", 1, "back");
    story.ends(510_000, "switch.back", 1, exits(true));
    story.engine(510_010, EventKind::StageRolledBack { stage: "switch".into() });
    story.engine(510_020, EventKind::StageRolledBack { stage: "prepare".into() });
    story.starts(510_100, "rollback.tell", 1, "tell");
    story.ends(512_000, "rollback.tell", 1, exits(false));
    let (step, why) = (Some(StepId::from("rollback.tell")), "step rollback.tell failed: exit 1".to_owned());
    let remaining = vec![StepId::from("rollback.tell")];
    story.engine(512_010, EventKind::RollbackStuck { step, why, remaining });
    let (step, reason) = ("rollback.tell".into(), "told them by phone".to_owned());
    story.person(600_000, "opsA", EventKind::StepSkipped { step, reason });
    story.engine(600_010, EventKind::RollbackFinished { full: true, skipped: Vec::new() });
}
