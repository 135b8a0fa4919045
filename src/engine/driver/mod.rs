//! Effects on the outside, behind one trait: the real world, and a simulated one for `--simulate` and tests.

pub mod real;
pub mod simulated;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::work::world_of;
use crate::check::Sample;
use crate::clock::Now;
use crate::event::{EventKind, StepFinished};
use crate::process::Identity;
use crate::runbook::StepId;
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{Check, NotifyWay, Runbook, Step};
use crate::session::notices::Notice;
use crate::session::telemetry::OutputProgress;
use crate::session::{Baselines, Frozen, Guarded, State, StepStatus, starting};

/// What the engine wants done. Nothing of it happens before the event that says so is on disk.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Start this attempt of a step.
    Step(StepOrder),
    /// Take over an attempt that an earlier engine started.
    Adopt(AdoptOrder),
    /// End this attempt.
    End { step: StepId, attempt: u32 },
    /// Take one sample.
    Sample(SampleOrder),
    /// Tell somebody.
    Notify(NotifyOrder),
}

/// Somebody to tell.
#[derive(Debug, Clone)]
pub struct NotifyOrder {
    pub notice: Notice,
    pub way: NotifyWay,
    /// What is sent.
    pub body: serde_json::Value,
    pub world: World,
}

/// An attempt to start.
#[derive(Debug, Clone)]
pub struct StepOrder {
    pub runbook: Arc<Runbook>,
    pub step: StepId,
    pub attempt: u32,
    pub world: World,
}

/// An attempt that an earlier engine started, or was about to start when it ended.
#[derive(Debug, Clone)]
pub struct AdoptOrder {
    pub order: StepOrder,
    /// When it was started, by its `step_started`.
    pub begun: Now,
    /// It was already being ended.
    pub killed: bool,
}

/// A sample to take.
#[derive(Debug, Clone)]
pub struct SampleOrder {
    pub check: Arc<Check>,
    pub world: World,
}

/// What of the state an effect needs to know.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub captures: indexmap::IndexMap<String, String>,
    /// The stage in hand.
    pub stage: Option<String>,
    /// What the steps took, in milliseconds, that the step to be started is held against.
    pub took: BTreeMap<StepId, u64>,
    /// What was measured of the old system.
    pub baselines: Baselines,
    /// The files that are looked after.
    pub guarded: Guarded,
}

/// What the outside answers.
#[derive(Debug, Clone)]
pub enum Report {
    /// A `start` step's process is up.
    Launched {
        step: StepId,
        attempt: u32,
        process: Identity,
    },
    /// An attempt has ended; what else is to be recorded with it comes first.
    Finished {
        before: Vec<EventKind>,
        finish: Box<StepFinished>,
    },
    /// What became of an attempt cannot be known; what is known beside it comes first.
    Unknown {
        before: Vec<EventKind>,
        step: StepId,
        attempt: u32,
        evidence: String,
    },
    /// An attempt that was to end could not be ended: it runs on.
    EndRefused {
        step: StepId,
        attempt: u32,
        why: String,
    },
    Sampled(Sample),
    /// What became of telling somebody: [`EventKind::Notified`] or [`EventKind::NotifyFailed`].
    Told(EventKind),
    /// What the files are that must not change.
    Frozen(Frozen),
    Output {
        step: StepId,
        progress: OutputProgress,
    },
}

/// What a resumed engine takes over: every attempt that was under way and that the engine does not judge itself.
#[must_use]
pub fn adoptions(state: &State) -> Vec<Effect> {
    let Some(runbook) = &state.runbook else { return Vec::new() };
    let under_way = runbook.all_steps().filter(|step| {
        let seen = state.step(&step.id);
        // A `start` that has left its process to the host only waits for its checks.
        seen.status == StepStatus::Running
            && seen.process.is_none()
            && !starting::is_judged_here(&step.action)
    });
    let adopt = |step: &Step| {
        let seen = state.step(&step.id);
        let order = StepOrder {
            runbook: Arc::clone(runbook),
            step: step.id.clone(),
            attempt: seen.attempt,
            world: world_of(state, &step.id),
        };
        Some(Effect::Adopt(AdoptOrder { order, begun: seen.started?, killed: seen.killed.is_some() }))
    };
    under_way.filter_map(adopt).collect()
}

/// Does things, and reports them to the loop's inbox. No call waits.
pub trait Driver: Send {
    /// Carries out one effect.
    fn carry_out(&mut self, effect: Effect);
}

/// The scope in which an effect's templates are resolved.
#[must_use]
pub fn scope(base: &Scope, world: &World, attempt: Option<u32>) -> Scope {
    Scope { captures: world.captures.clone(), stage: world.stage.clone(), attempt, ..base.clone() }
}
