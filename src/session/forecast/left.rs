//! How long what is left of a stage takes.

use std::time::Duration;

use crate::clock::Now;
use crate::runbook::model::{OnFailure, Stage, Step};
use crate::runbook::plan::{Estimate, along_needs, estimate_of, stage_estimate};
use crate::session::{StageState, StageStatus, State, StepStatus, gate};

/// A stage is still to be entered.
pub(super) fn is_to_come(state: &State, stage: &Stage) -> bool {
    let status = state.stages.get(&stage.id).map(|seen| seen.status);
    matches!(status, Some(StageStatus::Pending | StageStatus::RolledBack))
}

/// Its gate is still to be passed.
pub(super) fn gate_is_to_come(state: &State, stage: &Stage) -> bool {
    let status = state.stages.get(&stage.id).map(|seen| seen.status);
    is_to_come(state, stage) || matches!(status, Some(StageStatus::Active | StageStatus::AtGate))
}

/// What is left of a stage: all of it, some of it or nothing.
pub(super) fn of_stage(state: &State, stage: &Stage, now: Now) -> Estimate {
    let Some(seen) = state.stages.get(&stage.id) else { return Estimate::default() };
    match seen.status {
        StageStatus::Pending | StageStatus::RolledBack => stage_estimate(stage),
        StageStatus::Active => in_hand(state, stage, seen, now).then(soak(stage)),
        StageStatus::AtGate => at_gate(state, stage, seen, now),
        StageStatus::Passed | StageStatus::RollingBack | StageStatus::Skipped => Estimate::default(),
    }
}

/// Its steps along the longest chain; where the stage has an estimate of its own, at least what is left of that.
fn in_hand(state: &State, stage: &Stage, seen: &StageState, now: Now) -> Estimate {
    let steps = along_needs(&stage.steps, |step| of_step(state, step, now));
    let elapsed = seen.entered.map_or(Duration::ZERO, |entered| since(state, entered, now));
    match stage.estimate.map(|estimate| estimate.saturating_sub(elapsed)) {
        Some(left) if left > steps.known => known(left),
        _ => steps,
    }
}

fn of_step(state: &State, step: &Step, now: Now) -> Estimate {
    let seen = state.step(&step.id);
    let whole = estimate_of(step).map_or(UNKNOWN, known);
    match seen.status {
        _ if !step.applies => Estimate::default(),
        StepStatus::Passed | StepStatus::Skipped => Estimate::default(),
        StepStatus::Failed if step.on_failure == OnFailure::Continue && !state.will_retry(step) => {
            Estimate::default()
        }
        StepStatus::Pending | StepStatus::Failed | StepStatus::Unknown => whole,
        StepStatus::Running | StepStatus::Waiting => {
            let elapsed = seen.started.map_or(Duration::ZERO, |started| since(state, started, now));
            // Once it is over its estimate, that says nothing more.
            match whole.known.saturating_sub(elapsed) {
                Duration::ZERO => UNKNOWN,
                left => known(left),
            }
        }
    }
}

/// At its gate: what its soak has left, and how long it waits besides, which nobody knows.
fn at_gate(state: &State, stage: &Stage, seen: &StageState, now: Now) -> Estimate {
    let asked = stage.gate.soak.filter(|_| !seen.soak.reached).unwrap_or_default();
    let left = asked.saturating_sub(Duration::from_millis(seen.soak.so_far_ms(now.up_ms)));
    let runs = seen.soak.running_since.is_some() && !left.is_zero();
    let passes = gate::promotes_itself(state, stage) && gate::evaluate(state, &stage.id).is_go();
    Estimate { known: left, unknown: usize::from(!runs && !passes) }
}

fn soak(stage: &Stage) -> Estimate {
    known(stage.gate.soak.unwrap_or_default())
}

const UNKNOWN: Estimate = Estimate { known: Duration::ZERO, unknown: 1 };

fn known(known: Duration) -> Estimate {
    Estimate { known, unknown: 0 }
}

/// The time since a moment.
pub(super) fn since(state: &State, then: Now, now: Now) -> Duration {
    Duration::from_millis(state.since(then, now))
}
