//! A cutover to draw in tests: a small runbook made by hand, and a session of it told event by event.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;

use crate::clock::Now;
use crate::event::{
    By, Credentials, Event, EventKind, Health, Identity, Measured, Mode, OutputRecord, Person, Proof, Seat,
    SessionOpened, StepFinished,
};
use crate::history::{Axis, Decision, Timeline};
use crate::runbook::model::{
    Action, ChangeWindow, Check, Command, Gate, Host, HostField, HttpExpect, HttpTarget, Metric,
    MetricExpect, MetricSource, OnFailure, Override, Probe, ProcessExpect, ProcessSelect, Reading, Retries,
    Rollback, RollbackWindow, RunExpect, Runbook, Stage, Step, Trigger, TriggerThen, TriggerWhen, Vs,
};
use crate::runbook::{CheckId, StageId, StepId, TriggerId};
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

/// The runbook of the stories: freeze, switch (with a soak and an item to accept), and a last stage behind a point of
/// no return.
pub fn runbook() -> Runbook {
    let checks =
        [http("old-readyz", false), http("new-readyz", false), http("latency", true), relay(), writer()];
    Runbook {
        id: "orders-db".to_owned(),
        title: "orders-db: primary cutover".to_owned(),
        owner: None,
        ticket: Some("CHG0048213".to_owned()),
        environment: Some("production".to_owned()),
        policy: vec![],
        shell: vec!["sh".to_owned(), "-c".to_owned()],
        vars: IndexMap::new(),
        secrets: IndexMap::new(),
        env: IndexMap::new(),
        checks: checks.into_iter().map(|check| (check.id.clone(), check)).collect(),
        stages: vec![
            Stage {
                steps: vec![
                    run("freeze", "stop-writers", "Stop the writers"),
                    ask("freeze", "told", "Are the teams told?"),
                ],
                rollback: vec![run("freeze", "start-writers", "Start the writers again")],
                estimate: Some(Duration::from_secs(120)),
                ..stage("freeze", "Freeze writes")
            },
            Stage {
                steps: vec![
                    Step {
                        retries: Retries { attempts: 3, delay: Duration::from_secs(5), backoff: 1.0 },
                        ..run("switch", "verify", "Verify the read path")
                    },
                    run("switch", "weights", "Set the weights"),
                ],
                rollback: vec![run("switch", "weights-back", "Set the weights back")],
                gate: Gate {
                    checks: vec![CheckId::from("new-readyz"), CheckId::from("relay-new")],
                    soak: Some(Duration::from_secs(300)),
                    accept: vec!["support sees no tickets".to_owned()],
                    approvals: 0,
                    roles: Vec::new(),
                    consecutive_sessions: 1,
                    drilled: None,
                    auto: false,
                    over: Override::Reason,
                },
                estimate: Some(Duration::from_secs(480)),
                ..stage("switch", "Switch traffic")
            },
            Stage {
                point_of_no_return: true,
                steps: vec![run("drop", "drop-old", "Drop the old primary")],
                estimate: Some(Duration::from_secs(600)),
                ..stage("drop", "Drop the old primary")
            },
        ],
        triggers: vec![Trigger {
            id: TriggerId::from("switch.new-readyz.rollback"),
            stage: Some(StageId::from("switch")),
            applies: true,
            check: CheckId::from("new-readyz"),
            condition: TriggerWhen::FailingFor(Duration::from_secs(60)),
            then: TriggerThen::Rollback { to: None, grace: Duration::from_secs(30) },
            armed_from_entry: true,
        }],
        roles: IndexMap::new(),
        window: None,
        rollback: Rollback {
            window: Some(RollbackWindow { from: StageId::from("switch"), lasts: Duration::from_secs(3_600) }),
            ready: vec![CheckId::from("old-readyz")],
            ..Rollback::default()
        },
        notify: Vec::new(),
        dir: PathBuf::from("/srv/cutover"),
        text: "".into(),
        sha256: String::new(),
    }
}

fn stage(id: &str, title: &str) -> Stage {
    Stage {
        id: StageId::from(id),
        title: title.to_owned(),
        description: None,
        applies: true,
        watch: vec![CheckId::from("old-readyz")],
        estimate: None,
        point_of_no_return: false,
        steps: vec![],
        rollback: vec![],
        gate: Gate {
            checks: vec![],
            soak: None,
            accept: vec![],
            approvals: 0,
            roles: Vec::new(),
            consecutive_sessions: 1,
            drilled: None,
            auto: false,
            over: Override::Reason,
        },
    }
}

fn run(stage: &str, id: &str, title: &str) -> Step {
    let command = Command::Argv(vec!["./step".into(), id.into()]);
    let expect = RunExpect { exit: vec![0], ..RunExpect::default() };
    step(stage, id, title, Action::Run { command, expect })
}

fn ask(stage: &str, id: &str, question: &str) -> Step {
    let action =
        Action::Confirm { question: question.into(), note_required: false, role: None, items: vec![] };
    step(stage, id, question, action)
}

fn step(stage: &str, id: &str, title: &str, action: Action) -> Step {
    Step {
        id: StepId::new(stage, id),
        title: title.to_owned(),
        description: None,
        applies: true,
        action,
        timeout: Some(Duration::from_secs(300)),
        estimate: Some(Duration::from_secs(20)),
        env: IndexMap::new(),
        cwd: None,
        user: None,
        files: vec![],
        needs: vec![],
        retries: Retries { attempts: 1, delay: Duration::ZERO, backoff: 1.0 },
        on_failure: OnFailure::Hold,
        idempotent: false,
        repeatable: true,
        skippable: true,
        output_limit: 1 << 26,
        evidence: vec![],
        capture: IndexMap::new(),
        undoes: vec![],
    }
}

fn check(id: &str, probe: Probe, advisory: bool) -> Check {
    Check {
        id: CheckId::from(id),
        title: id.to_owned(),
        applies: true,
        probe,
        period: Duration::from_secs(2),
        timeout: Duration::from_secs(1),
        initial_delay: Duration::ZERO,
        failure_threshold: 3,
        success_threshold: 5,
        unit: None,
        advisory,
    }
}

fn http(id: &str, advisory: bool) -> Check {
    let target = HttpTarget {
        url: "http://127.0.0.1/readyz".into(),
        method: "GET".to_owned(),
        headers: IndexMap::new(),
        body: None,
        json: None,
        follow_redirects: 0,
        insecure: false,
        ca: None,
        proxy: None,
    };
    check(id, Probe::Http { target, expect: HttpExpect::default() }, advisory)
}

fn process(id: &str, running: bool) -> Check {
    let expect = ProcessExpect {
        running,
        count: None,
        max_rss: None,
        max_cpu: None,
        max_restarts: None,
        env: IndexMap::new(),
    };
    check(id, Probe::Process { select: ProcessSelect::default(), expect }, false)
}

fn relay() -> Check {
    process("relay-new", true)
}

fn writer() -> Check {
    process("writer", false)
}

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
        let progress = OutputProgress { attempt, bytes };
        self.telemetry.record(Measure::Output { step: step.into(), progress });
    }

    /// Stage 1 is over, stage 2 runs its first step, checks are in.
    pub fn running() -> Self {
        let mut story = Self::opened();
        story.turn("old-readyz", Health::Ok, "");
        story.wait(5);
        story.enter("freeze");
        story.start("freeze.stop-writers");
        story.wait(6);
        story.finish("freeze.stop-writers", true, "all 2 proofs seen");
        story.start("freeze.told");
        story.wait(40);
        let told = StepId::from("freeze.told");
        let note = Some("told in #orders".to_owned());
        story.tell_by(By::Person(driver()), EventKind::Confirmed { step: told, attempt: 1, note });
        story.finish("freeze.told", true, "opsA said yes");
        let freeze = StageId::from("freeze");
        story.tell(EventKind::GateChanged { stage: freeze.clone(), go: true, missing: vec![] });
        let promoted =
            EventKind::Promoted { stage: freeze, overridden: vec![], reason: None, asked_by: None };
        story.tell_by(By::Person(driver()), promoted);
        story.enter("switch");
        story.start("switch.verify");
        story.turn("new-readyz", Health::Ok, "");
        story.turn("relay-new", Health::Ok, "");
        story.wait(12);
        story.samples("old-readyz", &[3.0, 3.0, 3.0, 3.0, 3.0, 3.0], true);
        story.samples("new-readyz", &[3.0, 4.0, 9.0, 3.0, 3.0], true);
        story.sees_process("relay-new", 9_120);
        story
    }

    /// The step of stage 2 exited 0 without its marker: the session holds.
    pub fn failed() -> Self {
        let mut story = Self::running();
        for attempt in 1..=3 {
            if attempt > 1 {
                story.start("switch.verify");
            }
            story.wait(6);
            story.finish("switch.verify", false, "exit 0, but output does not match /^overall: PASS$/");
        }
        story
    }

    /// Stage 2 is at its gate with a red check.
    pub fn no_go() -> Self {
        let mut story = Self::running();
        story.finish("switch.verify", true, "all 2 proofs seen");
        story.start("switch.weights");
        story.wait(2);
        story.finish("switch.weights", true, "all 2 proofs seen");
        let switch = || StageId::from("switch");
        let missing = vec!["soak 5m has not begun".to_owned()];
        story.tell(EventKind::GateChanged { stage: switch(), go: false, missing });
        story.tell(EventKind::SoakStarted { stage: switch() });
        story.wait(75);
        story.turn("new-readyz", Health::Failing, "status 503, expected 200 to 299");
        story.tell(EventKind::SoakBroken { stage: switch(), why: "new-readyz is failing".to_owned() });
        story.samples("new-readyz", &[1.0, 1.0, 1.0], false);
        story.wait(3);
        story
    }

    /// As [`Self::no_go`], in pairs: `opB` sits beside, `opC` looks on, the gate asks for votes, the driver has left.
    pub fn crewed() -> Self {
        let mut runbook = runbook();
        let gate = &mut runbook.stages[1].gate;
        (gate.approvals, gate.roles) = (2, vec!["db".to_owned(), "app".to_owned()]);
        runbook.stages[2].gate.approvals = 2;
        let mut story = Self::of(runbook);
        let beside = story.joins("opB", 2071, Seat::Navigator, &["db"]);
        story.joins("opC", 2072, Seat::Observer, &[]);
        story.turn("old-readyz", Health::Ok, "");
        story.wait(5);
        story.enter("switch");
        for step in ["switch.verify", "switch.weights"] {
            story.start(step);
            story.wait(6);
            story.finish(step, true, "all 2 proofs seen");
        }
        let stage = StageId::from("switch");
        story.tell(EventKind::GateChanged { stage: stage.clone(), go: false, missing: vec![] });
        for check in ["new-readyz", "relay-new"] {
            story.turn(check, Health::Ok, "");
        }
        story.tell(EventKind::SoakReached { stage: stage.clone() });
        let on = crate::event::ItemOf::Gate(stage.clone());
        let item = "support sees no tickets".to_owned();
        story.tell_by(By::Person(driver()), EventKind::ItemTicked { on, item, pass: true, note: None });
        let role = Some("db".to_owned());
        story.tell_by(By::Person(beside), EventKind::Voted { stage, role, go: true, note: None });
        story
    }

    /// Stage 2 runs within a change window, and what is new is held against what was measured of the old.
    pub fn compared() -> Self {
        let mut runbook = runbook();
        let opens = "2026-11-20T01:30:00Z".parse().ok();
        let closes = "2026-11-20T02:45:00Z".parse().ok();
        runbook.window = Some(ChangeWindow { opens, closes });
        let rules = [
            ("p95", "ms", Some((1.2, 0.0)), None),
            ("throughput", "1/s", None, Some((1.0, 50.0))),
            ("errors", "1/s", Some((1.0, 0.5)), None),
            ("memory", "MiB", Some((1.5, 0.0)), None),
            ("lag", "s", Some((1.0, 1.0)), None),
        ];
        for (id, unit, upper, lower) in rules {
            let baseline = if id == "lag" { "replica" } else { "old" }.to_owned();
            let vs = Some(Vs { baseline, check: id.into(), upper, lower });
            let expect = MetricExpect { vs, min_samples: 3, ..MetricExpect::default() };
            let (source, reading) = (MetricSource::Host(HostField::Load), Reading::Value);
            let probe = Probe::Metric(Box::new(Metric { source, reading, expect }));
            let check = Check { unit: Some(unit.to_owned()), ..check(id, probe, false) };
            runbook.checks.insert(check.id.clone(), check);
        }
        let checks: Vec<CheckId> = ["p95", "throughput", "errors", "memory"].map(CheckId::from).into();
        let window = Duration::from_secs(60);
        let measure = Action::Baseline { name: "old".to_owned(), checks: checks.clone(), window };
        runbook.stages[0].steps.push(step("freeze", "measure", "Measure the old system", measure));
        let mut story = Self::of(runbook);
        story.turn("old-readyz", Health::Ok, "");
        story.enter("freeze");
        story.start("freeze.measure");
        let measured = |value: f64, shown: &str| Measured { value, shown: shown.to_owned(), samples: 30 };
        let old = [
            measured(48.0, "48 ms"),
            measured(1200.0, "1200 1/s"),
            measured(0.1, "0.1 1/s"),
            measured(96.0, "96 MiB"),
        ];
        story.tell(EventKind::BaselineTaken {
            step: "freeze.measure".into(),
            attempt: 1,
            name: "old".to_owned(),
            checks: checks.into_iter().zip(old).collect(),
        });
        story.finish("freeze.measure", true, "4 numbers");
        story.wait(60);
        let promoted =
            EventKind::Promoted { stage: "freeze".into(), overridden: vec![], reason: None, asked_by: None };
        story.tell_by(By::Person(driver()), promoted);
        story.enter("switch");
        story.start("switch.verify");
        story.wait(12);
        for (check, health, number, reason) in [
            ("p95", Health::Ok, 51.0, ""),
            ("throughput", Health::Ok, 1155.5, ""),
            (
                "errors",
                Health::Failing,
                1.25,
                "1.25 1/s, and the most is 0.6 1/s: the old system had 0.1 1/s",
            ),
            ("memory", Health::Pending, 90.0, "2 of 3 numbers in 30s"),
        ] {
            story.turn(check, health, reason);
            story.judged(check, number, health, reason);
        }
        story
    }

    /// A metric's newest number.
    fn judged(&mut self, check: &str, number: f64, health: Health, reason: &str) {
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

    /// Stage 2 is at its gate and everything that it asks for is there.
    pub fn go() -> Self {
        let mut story = Self::no_go();
        let switch = || StageId::from("switch");
        story.turn("new-readyz", Health::Ok, "");
        story.samples("new-readyz", &[1.0; 6], true);
        story.tell(EventKind::SoakStarted { stage: switch() });
        story.wait(300);
        story.tell(EventKind::SoakReached { stage: switch() });
        let on = crate::event::ItemOf::Gate(switch());
        let item = "support sees no tickets".to_owned();
        story.tell_by(By::Person(driver()), EventKind::ItemTicked { on, item, pass: true, note: None });
        story.tell(EventKind::GateChanged { stage: switch(), go: true, missing: vec![] });
        story
    }
}
