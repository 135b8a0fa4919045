//! The way back: what rolling back would do, at any moment.

use super::State;
use crate::runbook::{StageId, StepId};

/// What a rollback would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The stage that is undone last.
    pub to: StageId,
    /// Everything is undone and the session closes afterwards.
    pub full: bool,
    /// Steps that are under way and will be ended first.
    pub cancels: Vec<StepId>,
    /// What runs, in order.
    pub steps: Vec<StepId>,
    /// Undone stages, latest first.
    pub stages: Vec<StageId>,
}

/// The stages that a rollback may go to now, latest first: the first is the smallest rollback, the last the whole.
#[must_use]
pub fn targets(_state: &State) -> Vec<StageId> {
    Vec::new()
}

/// What rolling back to `to` (`None`: as far as it goes) would do now; `None` where there is nothing to undo.
#[must_use]
pub fn plan(_state: &State, _to: Option<&StageId>) -> Option<Plan> {
    None
}
