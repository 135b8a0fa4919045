//! A world that does what it is told: for `--simulate`, which shows a runbook without touching anything, and for
//! tests, which script how steps end and what checks say.

mod number;

use std::collections::HashMap;
use std::time::Duration;

use indexmap::IndexMap;
use tokio::sync::mpsc;

use super::{AdoptOrder, Driver, Effect, Report, SampleOrder, StepOrder};
use crate::check::Sample;
use crate::clock;
use crate::engine::machine::Input;
use crate::event::{EventKind, Proof, StepFinished};
use crate::process::Identity;
use crate::runbook::model::{Action, Probe};
use crate::runbook::{CheckId, StepId};
use crate::session::telemetry::{SamplePoint, Verdict};

/// The longest that a simulated step takes.
const LONGEST: Duration = Duration::from_secs(3);

/// How simulated things go; whatever is not named goes well.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// Steps that fail, and why; each time that one is tried, its first sentence is used up.
    pub failing_steps: HashMap<StepId, Vec<String>>,
    /// Checks that fail, and why.
    pub failing_checks: HashMap<CheckId, String>,
    /// What metrics read; those that are not named are within their limits.
    pub numbers: HashMap<CheckId, f64>,
}

/// How an attempt goes in the simulated world.
#[must_use]
pub fn attempt(order: &StepOrder, script: &mut Script) -> Report {
    let step = order.step.clone();
    let reasons = script.failing_steps.get_mut(&step);
    let failure = reasons.filter(|reasons| !reasons.is_empty()).map(|reasons| reasons.remove(0));
    let plan = order.runbook.step(&step);
    if failure.is_none() && matches!(plan.map(|s| &s.action), Some(Action::Start { .. })) {
        // No process of this machine: pid 0 belongs to the kernel.
        let process = Identity { pid: 0, start_time: 0, boot_id: "simulated".to_owned() };
        return Report::Launched { step, attempt: order.attempt, process };
    }
    let mut captures = IndexMap::new();
    if let Some(plan) = plan {
        for name in plan.capture.keys() {
            captures.insert(name.clone(), format!("simulated-{name}"));
        }
    }
    let proof = Proof {
        expected: "everything that the step expects".to_owned(),
        met: failure.is_none(),
        seen: failure.clone().unwrap_or_else(|| "simulated".to_owned()),
    };
    let copies = matches!(plan.map(|s| &s.action), Some(Action::Snapshot { .. })) && failure.is_none();
    let taken = EventKind::SnapshotTaken {
        step: step.clone(),
        attempt: order.attempt,
        path: format!("snapshots/{step}.{}", order.attempt),
        files: 0,
        bytes: 0,
        sha256: String::new(),
    };
    Report::Finished {
        before: copies.then_some(taken).into_iter().collect(),
        finish: Box::new(StepFinished {
            step,
            attempt: order.attempt,
            passed: failure.is_none(),
            why: failure.unwrap_or_else(|| "simulated: nothing was run".to_owned()),
            proofs: vec![proof],
            exit: None,
            took_ms: 0,
            output: None,
            captures,
            remains: Vec::new(),
        }),
    }
}

/// What a check says in the simulated world.
#[must_use]
pub fn sample(order: &SampleOrder, script: &Script, up_ms: u64) -> Sample {
    let failing = script.failing_checks.get(&order.check.id);
    let (verdict, value, number) = match (failing, &order.check.probe) {
        (Some(_), _) => (Verdict::Failed, Some("simulated".to_owned()), None),
        (None, Probe::Metric(metric)) => {
            let scripted = script.numbers.get(&order.check.id).copied();
            let number = scripted.unwrap_or_else(|| number::number(metric, &order.world.baselines, up_ms));
            (Verdict::Pending, None, Some(number))
        }
        (None, _) => (Verdict::Pass, Some("simulated".to_owned()), None),
    };
    let reason = failing.cloned().unwrap_or_default();
    Sample {
        check: order.check.id.clone(),
        point: SamplePoint { up_ms, took_ms: 0, verdict, value, number, judged: None, reason },
        processes: Vec::new(),
    }
}

/// The driver of `--simulate`: steps take their estimate, at most three seconds.
#[derive(Debug)]
pub struct Simulated {
    inbox: mpsc::UnboundedSender<Input>,
    ends: HashMap<(StepId, u32), tokio::task::JoinHandle<()>>,
}

impl Simulated {
    /// A driver that reports to `inbox`.
    #[must_use]
    pub fn new(inbox: mpsc::UnboundedSender<Input>) -> Self {
        Self { inbox, ends: HashMap::new() }
    }
}

impl Driver for Simulated {
    fn carry_out(&mut self, effect: Effect) {
        let inbox = self.inbox.clone();
        match effect {
            Effect::Sample(order) => {
                let sample = sample(&order, &Script::default(), clock::up_ms());
                let _ = inbox.send(Input::Report(Report::Sampled(sample)));
            }
            // A simulated session has nobody to tell.
            Effect::Notify(_) => {}
            Effect::Adopt(AdoptOrder { order, killed: true, .. }) => {
                self.carry_out(Effect::End { step: order.step, attempt: order.attempt });
            }
            Effect::Step(order) | Effect::Adopt(AdoptOrder { order, .. }) => {
                let estimate = order.runbook.step(&order.step).and_then(|s| s.estimate);
                let takes = estimate.unwrap_or(Duration::from_millis(500)).min(LONGEST);
                let key = (order.step.clone(), order.attempt);
                let task = tokio::spawn(async move {
                    tokio::time::sleep(takes).await;
                    let _ = inbox.send(Input::Report(attempt(&order, &mut Script::default())));
                });
                self.ends.insert(key, task);
            }
            Effect::End { step, attempt } => {
                if let Some(task) = self.ends.remove(&(step.clone(), attempt)) {
                    task.abort();
                }
                let finish = StepFinished {
                    step,
                    attempt,
                    passed: false,
                    why: String::new(),
                    proofs: Vec::new(),
                    exit: None,
                    took_ms: 0,
                    output: None,
                    captures: IndexMap::new(),
                    remains: Vec::new(),
                };
                let report = Report::Finished { before: Vec::new(), finish: Box::new(finish) };
                let _ = inbox.send(Input::Report(report));
            }
        }
    }
}
