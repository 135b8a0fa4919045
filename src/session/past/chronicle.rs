//! One recorded session, event by event, as far as later sessions learn from it.

use std::sync::Arc;

use indexmap::IndexMap;

use super::turning_point;
use crate::clock::Now;
use crate::event::{
    DrillPart, Event, EventKind, Mode, Outcome, PastGate, PastRollback, PastStep, StepFinished, author,
};
use crate::runbook::StageId;
use crate::runbook::StepId;
use crate::session::state::{StageStatus, State};
use crate::session::{gate, legal};

/// A recorded session, folded as far as it was told.
#[derive(Debug, Default)]
pub struct Chronicle {
    state: State,
    /// The last word of each gate, of the last time that its stage was entered.
    gates: IndexMap<StageId, PastGate>,
    /// Somebody overrode a gate.
    overridden: bool,
    back: Option<Back>,
    /// The last whole way back that went through without getting stuck.
    pub rollback: Option<PastRollback>,
    /// How long each rollback step took when it passed last.
    pub steps: IndexMap<StepId, PastStep>,
}

/// A whole rollback under way.
#[derive(Debug)]
struct Back {
    by: String,
    started: Now,
    from: StageId,
    at_gate: Option<Now>,
}

impl Chronicle {
    /// Folds the next event in.
    ///
    /// # Errors
    /// It could not have been written there by an engine: a phrase.
    pub fn take(&mut self, event: &Arc<Event>) -> Result<(), String> {
        legal(&self.state, event)
            .map_err(|why| format!("event {} does not follow from what is before it: {why}", event.seq))?;
        let before = self.stage_in_hand();
        self.state.apply(event);
        match &event.event {
            EventKind::StageEntered { stage } => drop(self.gates.shift_remove(stage)),
            EventKind::GateChanged { stage, .. } => self.gate_changed(stage, event.now()),
            EventKind::Promoted { stage, overridden, reason, .. } => {
                let lifted = reason.is_some() || !overridden.is_empty();
                self.overridden |= lifted;
                let why = if lifted { "somebody overrode it".to_owned() } else { String::new() };
                self.gates.insert(stage.clone(), PastGate { go: !lifted, why });
            }
            EventKind::RollbackStarted { full: true, .. } => {
                let (by, started) = (author(&event.by), event.now());
                self.back = before.map(|from| Back { by, started, from, at_gate: None });
            }
            // What waited for a person, or for an engine, says nothing of how long it takes.
            EventKind::RollbackStuck { .. } | EventKind::EngineStarted { .. } => self.back = None,
            EventKind::StepFinished(finish) if finish.passed => self.step_passed(finish, event.now()),
            EventKind::RollbackFinished { full: true, .. } => self.rolled_back(event.now()),
            _ => {}
        }
        Ok(())
    }

    /// What is known of it.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The environment that its runbook names.
    #[must_use]
    pub fn environment(&self) -> Option<&String> {
        self.state.runbook.as_ref()?.environment.as_ref()
    }

    /// Which part of a drill it was.
    #[must_use]
    pub fn drill(&self) -> Option<&DrillPart> {
        let opened = self.state.opened.as_ref().filter(|opened| opened.mode == Mode::Rehearsal)?;
        opened.drill.as_ref()
    }

    /// Why it counts for no gate, a phrase.
    #[must_use]
    pub fn broken(&self) -> Option<String> {
        match self.state.outcome {
            None => Some("it was not finished".to_owned()),
            Some((Outcome::Aborted, _)) => Some("it was aborted".to_owned()),
            Some((Outcome::Completed | Outcome::RolledBack, _)) => None,
        }
    }

    /// What it says of the gate of `stage`.
    #[must_use]
    pub fn word(&self, stage: &StageId) -> PastGate {
        let not = |why: &str| PastGate { go: false, why: why.to_owned() };
        match (self.gates.get(stage), self.state.stages.get(stage)) {
            (_, None) => not("it had no such stage"),
            (_, Some(seen)) if seen.status == StageStatus::Skipped => not("the stage was skipped"),
            (Some(word), _) => word.clone(),
            (None, _) => not("it did not come so far"),
        }
    }

    /// Whether this was the first part of a drill, and good: up to where it turns, GO there, and all the way back.
    #[must_use]
    pub fn went_forward_and_back(&self) -> bool {
        let last = self.state.runbook.as_ref().and_then(|runbook| turning_point(runbook));
        self.drill().is_some_and(|part| part.after.is_none())
            && matches!(self.state.outcome, Some((Outcome::RolledBack, _)))
            && !self.overridden
            && last.is_some_and(|stage| self.gates.get(&stage.id).is_some_and(|word| word.go))
    }

    /// Whether this was the last part of a drill, and good: forward to its end.
    #[must_use]
    pub fn went_forward_again(&self) -> bool {
        self.drill().is_some_and(|part| part.after.is_some())
            && matches!(self.state.outcome, Some((Outcome::Completed, _)))
            && !self.overridden
    }

    fn gate_changed(&mut self, stage: &StageId, now: Now) {
        if let Some(back) = &mut self.back {
            back.at_gate.get_or_insert(now);
        }
        if self.state.stage_plan(stage).is_none() {
            return;
        }
        let verdict = gate::evaluate_but_for_the_row(&self.state, stage);
        let why = if verdict.is_go() { String::new() } else { verdict.in_a_line() };
        self.gates.insert(stage.clone(), PastGate { go: verdict.is_go(), why });
    }

    fn step_passed(&mut self, finish: &StepFinished, now: Now) {
        let due = self.state.active_rollback().is_some_and(|back| back.steps.contains(&finish.step));
        let Some(opened) = self.state.opened.as_ref().filter(|_| due) else { return };
        let (session, mode) = (opened.session.clone(), opened.mode);
        let step = PastStep { session, mode, at: now.at, took_ms: finish.took_ms };
        self.steps.insert(finish.step.clone(), step);
    }

    fn rolled_back(&mut self, now: Now) {
        let (Some(back), Some(opened)) = (self.back.take(), self.state.opened.clone()) else { return };
        self.rollback = Some(PastRollback {
            session: opened.session.clone(),
            mode: opened.mode,
            drill: self.drill().is_some(),
            environment: self.environment().cloned(),
            by: back.by,
            at: now.at,
            from: back.from,
            took_ms: now.up_ms.saturating_sub(back.started.up_ms),
            gate_ms: back.at_gate.map_or(0, |at| now.up_ms.saturating_sub(at.up_ms)),
        });
    }

    /// The stage that a rollback would begin with.
    fn stage_in_hand(&self) -> Option<StageId> {
        let passed = || self.state.stages.iter().rfind(|(_, stage)| stage.status == StageStatus::Passed);
        self.state.current_stage().or_else(|| passed().map(|(id, _)| id)).cloned()
    }
}
