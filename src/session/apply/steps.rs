//! The fold of what happens to steps.

use std::sync::Arc;

use crate::clock::Now;
use crate::event::{By, Event, EventKind, Resolution, StepFinished};
use crate::runbook::StepId;
use crate::runbook::model::Action;
use crate::session::state::{Ending, Soak, StageStatus, State, StepState, StepStatus};

impl State {
    pub(super) fn fold_step(&mut self, event: &Event, now: Now) {
        match &event.event {
            EventKind::StepStarted { step, attempt, what, .. } => {
                self.start_step(step, *attempt, what, &event.by, now);
            }
            EventKind::StepLaunched { step, process, .. } => {
                self.step_mut(step).process = Some(process.clone());
            }
            EventKind::StepFinished(finish) => self.finish_step(finish, now),
            EventKind::StepUnknown { step, evidence, .. } => {
                let state = self.step_mut(step);
                state.status = StepStatus::Unknown;
                state.why = Some(evidence.clone());
                state.ended = Some(now);
                self.unstick_from_ending();
            }
            EventKind::StepResolved { step, outcome, reason, .. } => {
                // Copies that a person calls failed put nothing back.
                if *outcome != Resolution::Done {
                    self.snapshots.remove(step);
                }
                let state = self.step_mut(step);
                state.status = match outcome {
                    Resolution::Done => StepStatus::Passed,
                    Resolution::Failed => StepStatus::Failed,
                    Resolution::RunAgain => StepStatus::Pending,
                };
                // A person has spoken: only a person starts it again.
                state.tries = u32::MAX;
                state.why = Some(reason.clone());
                self.unstick();
                self.triggers.remove(step.as_str());
            }
            EventKind::StepSkipped { step, reason } => {
                let state = self.step_mut(step);
                state.status = StepStatus::Skipped;
                state.why = Some(reason.clone());
                state.ended = Some(now);
                self.void_votes_before(step, false);
                self.unstick();
                self.triggers.remove(step.as_str());
            }
            EventKind::StepKilled { step, why, timed_out, .. } => {
                let state = self.step_mut(step);
                state.killed = Some(Ending { why: why.clone(), since: now, timed_out: *timed_out });
                state.end_refused = None;
                state.why = None;
                self.unstick_from_ending();
            }
            EventKind::EndRefused { step, why, .. } => {
                let state = self.step_mut(step);
                state.killed = None;
                state.end_refused = Some(now);
                state.why = Some(why.clone());
            }
            _ => {}
        }
    }

    pub(super) fn step_mut(&mut self, id: &StepId) -> &mut StepState {
        self.steps.entry(id.clone()).or_default()
    }

    fn start_step(&mut self, id: &StepId, attempt: u32, what: &str, by: &By, now: Now) {
        let waits = matches!(self.step_plan(id).map(|s| &s.action), Some(Action::Confirm { .. }));
        let by_person = matches!(by, By::Person(_));
        let began = self.seq;
        let state = self.step_mut(id);
        *state = StepState {
            status: if waits { StepStatus::Waiting } else { StepStatus::Running },
            attempt,
            tries: if by_person || state.tries == u32::MAX { 1 } else { state.tries + 1 },
            started: Some(now),
            what: Some(what.to_owned()),
            began,
            // The last finish stays on the screen until this attempt has its own.
            finish: state.finish.take(),
            ..StepState::default()
        };
        self.unstick();
        self.void_votes_before(id, true);
        // A step that runs again takes its stage back from the gate.
        if let Some(stage) = self.stages.get_mut(id.stage())
            && stage.status == StageStatus::AtGate
        {
            stage.status = StageStatus::Active;
            stage.at_gate = None;
            stage.gate = None;
            stage.soak = Soak::default();
        }
        self.triggers.remove(id.as_str());
    }

    fn finish_step(&mut self, finish: &StepFinished, now: Now) {
        for (name, value) in &finish.captures {
            self.captures.insert(name.clone(), value.clone());
        }
        let state = self.step_mut(&finish.step);
        state.status = if finish.passed { StepStatus::Passed } else { StepStatus::Failed };
        state.ended = Some(now);
        state.why = Some(finish.why.clone());
        state.end_refused = None;
        state.finish = Some(Arc::new(finish.clone()));
        self.unstick_from_ending();
    }
}
