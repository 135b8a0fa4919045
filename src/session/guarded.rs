//! Files that are looked after: what the log says that they were.

use std::collections::BTreeMap;

use super::state::{State, StepStatus};
use crate::runbook::StepId;
use crate::runbook::model::Action;

/// Exact copies in the session's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub attempt: u32,
    /// Their folder, relative to the session's.
    pub path: String,
    pub files: u32,
    pub bytes: u64,
    /// Of the manifest in that folder.
    pub sha256: String,
}

/// What a look at these files is held against.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guarded {
    /// The copies of each `snapshot` step; `None` where it is said to have passed and no copies are recorded.
    pub snapshots: BTreeMap<StepId, Option<Snapshot>>,
}

impl Guarded {
    /// As the log has it.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let steps = state.runbook.iter().flat_map(|r| r.all_steps());
        let copying =
            steps.filter(|step| matches!(step.action, Action::Snapshot { .. })).map(|step| &step.id);
        let snapshot = |id: &StepId| match state.snapshots.get(id) {
            Some(taken) => Some((id.clone(), Some(taken.clone()))),
            None => (state.step(id).status == StepStatus::Passed).then(|| (id.clone(), None)),
        };
        Self { snapshots: copying.filter_map(snapshot).collect() }
    }
}
