//! The situations that screens are held in.

use std::sync::Arc;
use std::time::Duration;

use super::runbook::{check, step};
use super::{Story, driver, runbook};
use crate::event::{By, EventKind, Health, Measured, NoteTag, Outcome, Seat};
use crate::runbook::model::{
    Action, ChangeWindow, Check, HostField, Metric, MetricExpect, MetricSource, Probe, Reading, Vs,
};
use crate::runbook::{CheckId, StageId, StepId, TriggerId};

impl Story {
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

    /// A session with something of everything: a gate that goes red, votes, notes, a rollback.
    pub fn eventful() -> Self {
        let mut story = Self::no_go();
        let note = |text: &str| EventKind::NoteAdded { tag: NoteTag::Decision, text: text.to_owned() };
        story.tell_by(By::Person(driver()), note("lag creeping up, we wait"));
        story.wait(90);
        story.tell(EventKind::Unobserved { from: story.now.up_ms - 60_000, to: story.now.up_ms - 20_000 });
        story.tell_by(By::Person(driver()), EventKind::Paused);
        story.wait(20);
        story.tell_by(By::Person(driver()), EventKind::Resumed);
        let trigger = TriggerId::from("switch.new-readyz.rollback");
        let why = "new-readyz failing for 1m".to_owned();
        story.tell(EventKind::TriggerFired { trigger: trigger.clone(), why });
        let (to, steps) =
            ("freeze".into(), vec!["switch.weights-back".into(), "freeze.start-writers".into()]);
        let started = EventKind::RollbackStarted { to, full: true, steps, reason: None };
        story.tell_by(By::Trigger { trigger }, started);
        story.wait(15);
        story
    }

    /// The first stage's question waits for its answer.
    pub fn asked() -> Self {
        let mut story = Self::opened();
        story.enter("freeze");
        story.start("freeze.stop-writers");
        story.wait(6);
        story.finish("freeze.stop-writers", true, "all 2 proofs seen");
        story.start("freeze.told");
        story.wait(95);
        story
    }

    /// The engine came back, and nobody knows what became of the step that ran.
    pub fn unknown() -> Self {
        let mut story = Self::running();
        story.wait(40);
        let evidence = "its shim is gone and left no record of its end".to_owned();
        let recovered = vec![format!("switch.verify: {evidence}")];
        let (boot_id, version) = ("b".to_owned(), "0.1.0".to_owned());
        story.tell(EventKind::EngineStarted { boot_id, version, pid: 4711, recovered });
        story.tell(EventKind::StepUnknown { step: "switch.verify".into(), attempt: 1, evidence });
        story.wait(20);
        story
    }

    /// Stage 2 is at its gate, all is green, and a part of the soak is behind it.
    pub fn soaking() -> Self {
        let mut story = Self::no_go();
        story.turn("new-readyz", Health::Ok, "");
        story.samples("new-readyz", &[1.0; 6], true);
        story.tell(EventKind::SoakStarted { stage: "switch".into() });
        story.wait(110);
        story
    }

    /// Begun yesterday, to be done tomorrow, in a change window that is open for days.
    pub fn over_days() -> Self {
        let mut story = Self::opened();
        let plan = story.state.runbook.as_mut().map(Arc::make_mut).expect("it has a runbook");
        let closes = Some("2026-11-27T04:00:00Z".parse().expect("a moment"));
        plan.window = Some(ChangeWindow { opens: None, closes });
        plan.stages[1].estimate = Some(Duration::from_secs(100_000));
        story.enter("freeze");
        story.wait(80_000);
        story
    }

    /// A trigger counts down.
    pub fn armed() -> Self {
        let mut story = Self::no_go();
        let trigger = TriggerId::from("switch.new-readyz.rollback");
        let why = "new-readyz failing for 1m".to_owned();
        story.tell(EventKind::TriggerArmed { trigger, why, grace_ms: 30_000 });
        story.wait(12);
        story
    }

    /// A step of the way back failed.
    pub fn stuck() -> Self {
        let mut story = Self::eventful();
        story.start("switch.weights-back");
        story.wait(4);
        story.finish("switch.weights-back", false, "exit 1, expected 0");
        let (step, remaining) = (Some("switch.weights-back".into()), vec!["freeze.start-writers".into()]);
        story.tell(EventKind::RollbackStuck { step, why: "exit 1, expected 0".to_owned(), remaining });
        story.wait(9);
        story
    }

    /// It is over: everything was undone.
    pub fn rolled_back() -> Self {
        let mut story = Self::eventful();
        for step in ["switch.weights-back", "freeze.start-writers"] {
            story.start(step);
            story.wait(4);
            story.finish(step, true, "all 2 proofs seen");
        }
        for stage in ["switch", "freeze"] {
            story.tell(EventKind::StageRolledBack { stage: stage.into() });
        }
        story.tell(EventKind::RollbackFinished { full: true, skipped: Vec::new() });
        let (outcome, reason) = (Outcome::RolledBack, Some("everything was undone".to_owned()));
        story.tell(EventKind::SessionClosed { outcome, reason });
        story
    }
}
