//! What earlier sessions of a runbook teach this one: how long the way back takes, whether a gate was GO often enough
//! in a row, whether the way back was drilled.

mod chronicle;

pub use chronicle::Chronicle;

use super::rollback::Plan;
use super::state::{State, StepStatus};
use crate::event::{PastRollback, PastStep};
use crate::runbook::StepId;
use crate::runbook::plan::estimate;

/// How long a way back takes, by the best that is known of each of its steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WayBackTime {
    /// The sum of what is known: only a lower limit while `unknown` is not 0.
    pub known_ms: u64,
    /// How many steps were measured, are only estimated by the runbook, and are known by neither.
    pub measured: usize,
    pub written: usize,
    pub unknown: usize,
}

/// How long a rollback step took when it passed last, in this session or in an earlier one.
#[must_use]
pub fn measured(state: &State, step: &StepId) -> Option<PastStep> {
    let own = state.step(step);
    let finish = own.finish.as_ref().filter(|finish| own.status == StepStatus::Passed && finish.passed);
    if let (Some(finish), Some(ended), Some(opened)) = (finish, own.ended, &state.opened) {
        let (session, mode) = (opened.session.clone(), opened.mode);
        return Some(PastStep { session, mode, at: ended.at, took_ms: finish.took_ms });
    }
    state.past.as_ref()?.steps.get(step).cloned()
}

/// The last whole way back that was measured before this session.
#[must_use]
pub fn last_rollback(state: &State) -> Option<&PastRollback> {
    state.past.as_ref()?.rollback.as_ref()
}

/// How long `plan` takes: each step as it was last measured, else as the runbook estimates it; and behind a whole way
/// back the time that its gate took last.
#[must_use]
pub fn way_back_time(state: &State, plan: &Plan) -> WayBackTime {
    let mut time = WayBackTime::default();
    for id in &plan.steps {
        let written = || state.step_plan(id).and_then(estimate::of_step);
        if let Some(last) = measured(state, id) {
            time.known_ms += last.took_ms;
            time.measured += 1;
        } else if let Some(written) = written() {
            time.known_ms += u64::try_from(written.as_millis()).unwrap_or(u64::MAX);
            time.written += 1;
        } else {
            time.unknown += 1;
        }
    }
    if plan.full {
        time.known_ms += last_rollback(state).map_or(0, |last| last.gate_ms);
    }
    time
}
