//! The fold of a rollback: its start, each stage that it undoes, where it is stuck, its end.

use crate::clock::Now;
use crate::runbook::{StageId, StepId};
use crate::session::rollback as way_back;
use crate::session::state::{RollbackState, StageState, StageStatus, State, StepState, Stuck};

impl State {
    pub(super) fn start_rollback(
        &mut self,
        to: &StageId,
        full: bool,
        steps: &[StepId],
        reason: Option<&String>,
        now: Now,
    ) {
        self.paused = None;
        for step in steps {
            let state = self.step_mut(step);
            let StepState { attempt, began, .. } = *state;
            *state = StepState { attempt, began, ..StepState::default() };
        }
        let from = self.stages.get_index_of(to).unwrap_or(0);
        for (id, stage) in self.stages.iter_mut().skip(from) {
            // One that was rolled back is so once more where that left something as it was.
            let rolls_back = match stage.status {
                StageStatus::Active | StageStatus::AtGate | StageStatus::Passed => true,
                StageStatus::RolledBack => steps.iter().any(|step| step.stage() == id.as_str()),
                StageStatus::Pending | StageStatus::RollingBack | StageStatus::Skipped => false,
            };
            if rolls_back {
                stage.status = StageStatus::RollingBack;
                stage.soak.running_since = None;
                stage.void_votes("the stage is rolled back");
                stage.override_asked = None;
            }
        }
        self.triggers.clear();
        self.rollback = Some(RollbackState {
            to: to.clone(),
            full,
            steps: steps.to_vec(),
            reason: reason.cloned(),
            started: now,
            at_gate: None,
            stuck: None,
            finished: None,
        });
    }

    pub(super) fn stage_rolled_back(&mut self, id: &StageId, now: Now) {
        if let Some(stage) = self.stages.get_mut(id) {
            *stage = StageState {
                status: StageStatus::RolledBack,
                entered: stage.entered,
                ended: Some(now),
                ..StageState::default()
            };
        }
    }

    /// What a rollback that did not go all the way leaves is the stage before, at its gate: whether it is as it was,
    /// and whether to go on from there, is to be seen and said once more.
    pub(super) fn finish_rollback(&mut self, now: Now) {
        let Some(rollback) = &mut self.rollback else { return };
        rollback.finished = Some(now);
        rollback.stuck = None;
        if rollback.full {
            return;
        }
        let to = rollback.to.clone();
        let before = way_back::stage_before(self, &to).cloned();
        if let Some(stage) = before.and_then(|id| self.stages.get_mut(&id)) {
            stage.status = StageStatus::AtGate;
            stage.ended = None;
            stage.gate = None;
            stage.called = None;
            stage.overridden = None;
            stage.soak.unobserved_ms = 0;
            stage.void_votes(&format!("{to} was rolled back"));
        }
    }

    pub(super) fn stick(&mut self, stuck: Stuck) {
        if let Some(rollback) = &mut self.rollback {
            rollback.stuck = Some(stuck);
        }
    }

    /// A step of a stuck rollback was started again or skipped: it goes on.
    pub(super) fn unstick(&mut self) {
        if let Some(rollback) = &mut self.rollback {
            rollback.stuck = None;
        }
    }

    /// What the rollback could not end has ended, or is being ended once more.
    pub(super) fn unstick_from_ending(&mut self) {
        if let Some(rollback) = &mut self.rollback {
            rollback.stuck.take_if(|stuck| stuck.step.is_none());
        }
    }
}
