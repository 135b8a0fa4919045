//! Which checks are to be polled now.

use std::collections::BTreeSet;

use super::state::State;
use super::{rollback, triggers};
use crate::runbook::CheckId;
use crate::runbook::model::{Action, Probe, Runbook, Step};

/// The checks that something needs at this moment, the members of `any` among them.
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
    if let Some(stage) = state.current_stage().and_then(|id| runbook.stage(id)) {
        want(&stage.watch);
        want(&stage.gate.checks);
    }
    triggers::live(state).for_each(|trigger| want(std::slice::from_ref(&trigger.check)));
    needed
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
    if needed.insert(id.clone())
        && let Probe::Any(members) = &check.probe
    {
        members.iter().for_each(|member| insert(runbook, member, needed));
    }
}
