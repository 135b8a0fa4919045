//! How a rollback may go on.

use std::collections::BTreeSet;

use super::{Legal, Place, must};
use crate::event::By;
use crate::runbook::{StageId, StepId};
use crate::session::rollback;
use crate::session::settle;
use crate::session::state::{RollbackState, StageStatus, StepStatus, TriggerState};

impl<'a> Place<'a> {
    fn under_way(&self) -> Result<&'a RollbackState, String> {
        self.state.active_rollback().ok_or_else(|| "no rollback was under way".to_owned())
    }

    pub(super) fn starts_back(&self, to: &StageId, full: bool, steps: &[StepId]) -> Legal {
        must(self.state.active_rollback().is_none(), || "a rollback was under way".to_owned())?;
        if let By::Trigger { trigger } = &self.event.by {
            let fired = matches!(self.state.triggers.get(trigger), Some(TriggerState::Fired { .. }));
            must(fired, || format!("trigger {trigger} had not fired"))?;
        }
        let plan = rollback::plan(self.state, Some(to));
        let plan = plan.ok_or_else(|| format!("there was nothing to roll back to {to}"))?;
        must(plan.full == full, || "it undoes another part than it says".to_owned())?;
        let known: BTreeSet<&StepId> = self.back_steps().collect();
        let stranger = steps.iter().find(|id| !known.contains(id));
        must(stranger.is_none(), || "it undoes what the runbook does not".to_owned())?;
        let forgotten = plan.steps.iter().find(|id| !steps.contains(id));
        must(forgotten.is_none(), || "it leaves out what was to be undone".to_owned())
    }

    /// Every step of a way back.
    fn back_steps(&self) -> impl Iterator<Item = &'a StepId> {
        let back = &self.runbook.rollback;
        let of_stages = self.runbook.stages.iter().flat_map(|stage| &stage.rollback);
        of_stages.chain(&back.prepare).chain(&back.steps).map(|step| &step.id)
    }

    pub(super) fn rolled_back(&self, id: &StageId) -> Legal {
        let rollback = self.under_way()?;
        let next = settle::next_rolled_back(self.state, rollback);
        must(next.as_ref() == Some(id), || format!("stage {id} was not undone yet"))
    }

    pub(super) fn sticks(&self, step: Option<&StepId>, remaining: &[StepId]) -> Legal {
        let rollback = self.under_way()?;
        let stranger = step.into_iter().chain(remaining).find(|id| !rollback.steps.contains(id));
        stranger.map_or(Ok(()), |id| Err(format!("{id} was no part of the rollback")))
    }

    /// The gate that proves that the old system is back.
    pub(super) fn turns_last_gate(&self, go: bool) -> Legal {
        let rollback = self.under_way()?;
        let gate = self.runbook.rollback.gate.as_ref().filter(|_| rollback.full);
        let gate = gate.ok_or("this rollback has no gate")?;
        self.is_undone(rollback)?;
        must(go == rollback.at_gate.is_some(), || "it comes to its gate first, once".to_owned())?;
        let missing = gate.checks.iter().find(|check| go && self.state.blocks(check));
        missing.map_or(Ok(()), |check| Err(format!("{check} was not green")))
    }

    pub(super) fn finishes_back(&self, full: bool, skipped: &[StepId]) -> Legal {
        let rollback = self.under_way()?;
        must(rollback.full == full, || "it undid another part than it says".to_owned())?;
        self.is_undone(rollback)?;
        must(rollback::skipped(self.state) == skipped, || {
            "other steps were skipped than it says".to_owned()
        })?;
        let Some(gate) = self.runbook.rollback.gate.as_ref().filter(|_| full) else { return Ok(()) };
        must(rollback.at_gate.is_some(), || "it had not come to its gate".to_owned())?;
        let missing = gate.checks.iter().find(|check| self.state.blocks(check));
        missing.map_or(Ok(()), |check| Err(format!("{check} was not green")))
    }

    /// Every step of the way back has had its end, and every stage.
    fn is_undone(&self, rollback: &RollbackState) -> Legal {
        let open = rollback.steps.iter().find(|id| {
            let step = self.runbook.step(id);
            let over = step
                .is_some_and(|step| settle::passes_over(self.runbook, step) && !self.state.will_retry(step));
            match self.state.step(id).status {
                StepStatus::Passed | StepStatus::Skipped => false,
                StepStatus::Failed => !over,
                _ => true,
            }
        });
        must(open.is_none(), || "not everything was undone".to_owned())?;
        let rolling = self.state.stages.values().any(|stage| stage.status == StageStatus::RollingBack);
        must(!rolling, || "not every stage was rolled back".to_owned())
    }
}
