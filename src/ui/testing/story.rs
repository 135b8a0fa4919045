//! A session that is told event by event, live or as a recording of it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;

use super::runbook;
use crate::clock::Now;
use crate::event::{
    By, Credentials, Event, EventKind, Health, Identity, Mode, OutputRecord, Person, Proof, Seat,
    SessionOpened, StepFinished,
};
use crate::history::{Axis, Decision, Timeline};
use crate::runbook::model::{Host, Runbook};
use crate::session::telemetry::{Measure, OutputProgress, ProcessSeen, SamplePoint, Verdict};
use crate::session::{StageState, StageStatus, State, Telemetry};
use crate::ui::replay::{List, Moment, Play, Record, Replay, moment};
use crate::ui::theme::Mark;

/// A session under way.
#[derive(Clone)]
pub struct Story {
    pub state: State,
    pub telemetry: Telemetry,
    pub now: Now,
    /// Every event so far, and the state after it.
    pub told: Vec<(Arc<Event>, State)>,
}

/// Whoever drives.
pub fn driver() -> Person {
    Person { person: "opsA".to_owned(), uid: 1000, seat: Seat::Driver }
}

impl Story {
    /// The session is open, nothing has begun.
    pub fn opened() -> Self {
        Self::of(runbook())
    }

    /// The session of a runbook is open, nothing has begun.
    pub fn of(runbook: Runbook) -> Self {
        let at: DateTime<Utc> = "2026-11-20T02:00:00Z".parse().expect("a time");
        let now = Now { at, up_ms: 1_000_000 };
        let mut story = Self { state: State::default(), telemetry: Telemetry::default(), now, told: vec![] };
        story.tell(EventKind::SessionOpened(Box::new(SessionOpened {
            format: 1,
            session: "20261120-020000-orders-db".to_owned(),
            runbook: String::new(),
            sha256: String::new(),
            dir: "/srv/cutover".to_owned(),
            file: "cutover.toml".to_owned(),
            vars: IndexMap::new(),
            mode: Mode::Live,
            host: Host { name: "bastion-2".to_owned(), os: "linux".to_owned(), arch: "x86_64".to_owned() },
            share: None,
            drill: None,
            session_dir: "/var/lib/gonogo".to_owned(),
            version: "0.1.0".to_owned(),
        })));
        for stage in &runbook.stages {
            let status = if stage.applies { StageStatus::Pending } else { StageStatus::Skipped };
            story.state.stages.insert(stage.id.clone(), StageState { status, ..StageState::default() });
        }
        story.state.runbook = Some(Arc::new(runbook));
        story.tell(EventKind::OperatorJoined {
            person: driver(),
            credentials: Default::default(),
            roles: Vec::new(),
        });
        story
    }

    /// Somebody comes to the controls.
    pub fn joins(&mut self, name: &str, uid: u32, seat: Seat, roles: &[&str]) -> Person {
        let person = Person { person: name.to_owned(), uid, seat };
        let credentials = Credentials { uid, login_uid: Some(uid), ..Credentials::default() };
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let joined = EventKind::OperatorJoined { person: person.clone(), credentials, roles };
        self.tell_by(By::Person(person.clone()), joined);
        person
    }

    /// Something happened, by the engine.
    pub fn tell(&mut self, event: EventKind) {
        self.tell_by(By::ENGINE, event);
    }

    /// Something happened.
    pub fn tell_by(&mut self, by: By, event: EventKind) {
        let seq = self.state.seq + 1;
        let Now { at, up_ms } = self.now;
        let event = Arc::new(Event { seq, at, up_ms, by, event });
        self.state.apply(&event);
        self.told.push((event, self.state.clone()));
    }

    /// The story as a recording, `later_ms` after its event `seq`: the moment itself, and what a replay shows beside it.
    pub fn replayed(&self, seq: usize, later_ms: u64) -> (Self, Replay) {
        let mut timeline = Timeline::default();
        let mut axis = Axis::default();
        let times: Vec<u64> = self
            .told
            .iter()
            .map(|(event, after)| {
                let t_ms = axis.push(event);
                timeline.push(event, t_ms, after);
                t_ms
            })
            .collect();
        let (event, state) = self.told[seq - 1].clone();
        let before = seq.checked_sub(2).map(|before| &self.told[before].1);
        let moment = Moment {
            t_ms: times[seq - 1],
            decision: before.and_then(|before| Decision::of(&event, before)),
            hashes: Some(("9f3ca1b2".to_owned(), "51ae07d4".to_owned())),
            next: moment::next(&timeline, &event, times[seq - 1]),
            event: Arc::clone(&event),
        };
        let events = self.told.len() as u64;
        let replay = Replay {
            cursor_ms: times[seq - 1] + later_ms,
            seq: event.seq,
            play: Play { playing: true, speed: 10, skips_idle: true },
            from: self.told[0].0.now(),
            end_ms: axis.end_ms(),
            events,
            record: Record {
                verdict: (Mark::Ok, format!("chain ok {events}/{events}")),
                seal: None,
                by: "opsA@bastion-2".to_owned(),
                live: false,
            },
            timeline: Arc::new(timeline),
            list: List {
                events: self.told.iter().map(|(event, _)| Arc::clone(event)).collect(),
                count: Some(events),
            },
            moment: Some(Arc::new(moment)),
            what_if: None,
        };
        let now = Axis::after(event.now(), later_ms);
        let telemetry = self.telemetry.clone();
        (Self { state, telemetry, now, told: Vec::new() }, replay)
    }

    /// Time passes.
    pub fn wait(&mut self, seconds: u64) {
        self.now.up_ms += seconds * 1_000;
        self.now.at += Duration::from_secs(seconds);
    }

    pub fn enter(&mut self, stage: &str) {
        self.tell_by(By::Person(driver()), EventKind::StageEntered { stage: stage.into() });
    }

    pub fn start(&mut self, step: &str) {
        let attempt = self.state.step(&step.into()).attempt + 1;
        let what = format!("./step {step}");
        self.tell(EventKind::StepStarted { step: step.into(), attempt, what, sha256: String::new() });
    }

    /// A step ends, with one proof.
    pub fn finish(&mut self, step: &str, passed: bool, why: &str) {
        let attempt = self.state.step(&step.into()).attempt;
        let proof = |expected: &str, met, seen: &str| Proof {
            expected: expected.to_owned(),
            met,
            seen: seen.to_owned(),
        };
        let seen = if passed { "line 3: \"overall: PASS\"" } else { "no match in 312 lines" };
        self.tell(EventKind::StepFinished(Box::new(StepFinished {
            step: step.into(),
            attempt,
            passed,
            why: why.to_owned(),
            proofs: vec![
                proof("exit 0", true, "exit 0"),
                proof("output matches /^overall: PASS$/", passed, seen),
            ],
            exit: Some(0),
            took_ms: 6_000,
            output: Some(OutputRecord {
                path: "steps/x/output.log".to_owned(),
                bytes: 0,
                sha256: String::new(),
                dropped: 0,
            }),
            captures: IndexMap::new(),
            remains: vec![],
        })));
    }

    pub fn turn(&mut self, check: &str, to: Health, reason: &str) {
        let from = self.state.check(&check.into()).health;
        let since = self.now.up_ms;
        let (check, reason) = (check.into(), reason.to_owned());
        self.tell(EventKind::CheckChanged { check, from, to, reason, value: None, since });
    }

    /// Samples of a check, one every two seconds, the last of them now.
    pub fn samples(&mut self, check: &str, numbers: &[f64], good: bool) {
        for (back, number) in (0..numbers.len() as u64).rev().zip(numbers) {
            let up_ms = self.now.up_ms - 2_000 * back;
            let verdict = if good { Verdict::Pass } else { Verdict::Failed };
            let reason = if good { String::new() } else { "status 503, expected 200 to 299".to_owned() };
            let value = Some(if good { "200" } else { "503" }.to_owned());
            let point = SamplePoint {
                up_ms,
                took_ms: 12,
                verdict,
                value,
                number: Some(*number),
                judged: None,
                reason,
            };
            self.telemetry.record(Measure::Sample { check: check.into(), point, processes: vec![] });
        }
    }

    pub fn sees_process(&mut self, check: &str, pid: u32) {
        let identity = Identity { pid, start_time: 77, boot_id: "b".to_owned() };
        let (name, cpu, rss, up_ms) = ("relay".to_owned(), Some(3.1), 88_000_000, 23_000);
        let seen = ProcessSeen { identity, name, cpu, rss, up_ms };
        let up_ms = self.now.up_ms;
        let value = Some(format!("pid {pid}"));
        let reason = String::new();
        let point = SamplePoint {
            up_ms,
            took_ms: 1,
            verdict: Verdict::Pass,
            value,
            number: None,
            judged: None,
            reason,
        };
        self.telemetry.record(Measure::Sample { check: check.into(), point, processes: vec![seen] });
    }

    pub fn printed(&mut self, step: &str, bytes: u64) {
        let attempt = self.state.step(&step.into()).attempt;
        let progress = OutputProgress { attempt, bytes, pid: None };
        self.telemetry.record(Measure::Output { step: step.into(), progress });
    }

    /// A metric's newest number.
    pub fn judged(&mut self, check: &str, number: f64, health: Health, reason: &str) {
        let verdict = match health {
            Health::Ok => Verdict::Pass,
            Health::Failing => Verdict::Failed,
            _ => Verdict::Pending,
        };
        let (up_ms, number, reason) = (self.now.up_ms, Some(number), reason.to_owned());
        let point = SamplePoint { up_ms, took_ms: 3, verdict, value: None, number, judged: number, reason };
        self.telemetry.record(Measure::Sample { check: check.into(), point, processes: vec![] });
    }

    /// The driver is away.
    pub fn driver_leaves(&mut self) {
        self.tell(EventKind::OperatorLeft { person: driver(), why: "the connection was lost".to_owned() });
        self.wait(130);
    }
}
