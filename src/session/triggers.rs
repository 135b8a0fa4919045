//! Triggers: which are live, and what firing one means now. A step with `on_failure = "rollback"` counts as a
//! trigger of the step's name.

use super::rollback;
use super::state::{StageStatus, State, StepStatus, TriggerState};
use crate::runbook::model::{OnFailure, Trigger, TriggerThen};
use crate::runbook::{StageId, TriggerId};

/// The triggers that belong to `stage`.
pub fn of_stage<'a>(state: &'a State, stage: &'a StageId) -> impl Iterator<Item = &'a Trigger> {
    state.runbook.iter().flat_map(|r| &r.triggers).filter(move |t| t.stage.as_ref() == Some(stage))
}

/// The triggers that are evaluated now.
pub fn live(state: &State) -> impl Iterator<Item = &Trigger> {
    let current = state.current_stage();
    let begun = state.stages.values().any(|s| s.entered.is_some());
    let rolling = state.active_rollback().is_some() || state.is_closed();
    state.runbook.iter().flat_map(|r| &r.triggers).filter(move |t| {
        t.applies
            && !rolling
            && match &t.stage {
                None => begun,
                Some(stage) => {
                    current == Some(stage)
                        && (t.armed_from_entry || all_steps_done(state, stage) || counts_down(state, &t.id))
                }
            }
    })
}

/// A countdown goes on while a step of its stage runs once more.
fn counts_down(state: &State, id: &TriggerId) -> bool {
    matches!(state.triggers.get(id), Some(TriggerState::Armed { .. }))
}

fn all_steps_done(state: &State, stage: &StageId) -> bool {
    state.stages.get(stage).is_some_and(|s| s.status == StageStatus::AtGate)
        || state.stage_plan(stage).is_some_and(|plan| {
            plan.steps
                .iter()
                .all(|s| matches!(state.step(&s.id).status, StepStatus::Passed | StepStatus::Skipped))
        })
}

/// What a trigger does, a failed step's too.
#[must_use]
pub fn then(state: &State, id: &TriggerId) -> Option<TriggerThen> {
    let runbook = state.runbook.as_ref()?;
    if let Some(trigger) = runbook.triggers.iter().find(|t| t.id == *id) {
        return Some(trigger.then.clone());
    }
    let step = runbook.step(&id.as_str().into())?;
    match step.on_failure {
        OnFailure::Rollback { grace } => Some(TriggerThen::Rollback { to: None, grace }),
        _ => None,
    }
}

/// The triggers that have fired and hold the session.
pub fn holding(state: &State) -> impl Iterator<Item = &TriggerId> {
    state
        .triggers
        .iter()
        .filter(|(_, seen)| matches!(seen, TriggerState::Fired { holding: true, .. }))
        .map(|(id, _)| id)
}

/// Whether firing holds the session: it says so, or it would roll back what lies behind a point of no return.
#[must_use]
pub fn holds_when_fired(state: &State, id: &TriggerId) -> bool {
    match then(state, id) {
        Some(TriggerThen::Hold) => true,
        Some(TriggerThen::Rollback { to, .. }) => !rollback::reaches(state, to.as_ref()),
        Some(TriggerThen::Alert) | None => false,
    }
}
