//! Which checks are to be polled now, and of which only new samples count.

use std::collections::BTreeSet;

use super::state::State;
use super::{gate, rollback, triggers};
use crate::clock::Now;
use crate::event::EventKind;
use crate::runbook::CheckId;
use crate::runbook::model::{Action, Runbook, Step};

/// The checks that something needs at this moment, those that others live on among them.
#[must_use]
pub fn needed(state: &State) -> BTreeSet<CheckId> {
    let mut needed = BTreeSet::new();
    let Some(runbook) = state.runbook.as_ref().filter(|_| !state.is_closed()) else { return needed };
    let mut want = |ids: &[CheckId]| ids.iter().for_each(|id| insert(runbook, id, &mut needed));
    rollback::open_steps(state, runbook).for_each(|step| want(&of_step(step)));
    if let Some(rollback) = state.active_rollback() {
        rollback.steps.iter().filter_map(|id| runbook.step(id)).for_each(|step| want(&of_step(step)));
        runbook.rollback.gate.iter().for_each(|gate| want(&gate.checks));
        return needed;
    }
    want(&runbook.rollback.ready);
    runbook.frozen().into_iter().for_each(|check| want(std::slice::from_ref(&check.id)));
    if let Some(stage) = state.current_stage().and_then(|id| runbook.stage(id)) {
        want(&stage.watch);
        want(&stage.gate.checks);
    }
    triggers::live(state).for_each(|trigger| want(std::slice::from_ref(&trigger.check)));
    needed
}

/// The checks that an open step, or the gate of the way back, waits for.
#[must_use]
pub fn awaited(state: &State) -> BTreeSet<CheckId> {
    let Some(runbook) = state.runbook.as_ref().filter(|_| !state.is_closed()) else { return BTreeSet::new() };
    let of_steps = rollback::open_steps(state, runbook).flat_map(|step| match &step.action {
        Action::Await { checks, .. } | Action::Start { ready: checks, .. } => checks.as_slice(),
        _ => &[],
    });
    let at_gate = state.active_rollback().is_some_and(|rollback| rollback.at_gate.is_some());
    let gate = runbook.rollback.gate.iter().filter(|_| at_gate).flat_map(|gate| &gate.checks);
    of_steps.chain(gate).cloned().collect()
}

/// The checks that an event fences: those of a step that starts, of a stage or a rollback that comes to its gate.
#[must_use]
pub fn fenced(state: &State, event: &EventKind, now: Now) -> Vec<CheckId> {
    match event {
        EventKind::StepStarted { step, .. } => {
            state.step_plan(step).map(|s| s.action.fenced_checks().to_vec()).unwrap_or_default()
        }
        EventKind::GateChanged { stage, .. } => match state.stages.get(stage) {
            Some(seen) if seen.at_gate == Some(now) && seen.gate.as_ref().is_some_and(|g| g.since == now) => {
                state.stage_plan(stage).map(|s| gate::fenced_checks(state, s)).unwrap_or_default()
            }
            None if state.rollback.as_ref().is_some_and(|r| r.at_gate == Some(now)) => {
                let gate = state.runbook.as_ref().and_then(|r| r.rollback.gate.as_ref());
                gate.map(|g| g.checks.clone()).unwrap_or_default()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The checks that a step looks at.
fn of_step(step: &Step) -> Vec<CheckId> {
    match &step.action {
        Action::Signal { process, .. } => vec![process.clone()],
        action => action.fenced_checks().to_vec(),
    }
}

fn insert(runbook: &Runbook, id: &CheckId, needed: &mut BTreeSet<CheckId>) {
    let Some(check) = runbook.check(id).filter(|check| check.applies) else { return };
    if needed.insert(id.clone()) {
        check.probe.lives_on().iter().for_each(|other| insert(runbook, other, needed));
    }
}
