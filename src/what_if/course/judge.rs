//! What was recorded, held against what gates, checks and triggers would have said.

use super::{ONE_MOMENT_MS, Walk};
use crate::event::{By, Event, EventKind};
use crate::runbook::id::ROLLBACK;
use crate::runbook::model::{Action, Override};
use crate::runbook::{CheckId, StageId};
use crate::session::{StageStatus, TriggerState, gate};
use crate::what_if::Subject;

impl Walk<'_> {
    /// Holds a recorded step of the course against what gates, checks and triggers would have said.
    pub(super) fn judge(&mut self, event: &Event, t_ms: u64) {
        match &event.event {
            EventKind::Promoted { stage, overridden, asked_by, .. } => {
                self.promoted(event, stage, !overridden.is_empty(), asked_by.is_some(), t_ms);
                self.ready = None;
            }
            EventKind::StageEntered { stage } if self.state.current_stage().is_none() => {
                let follows = self.state.stages.values().any(|s| {
                    s.status == StageStatus::Passed && s.ended.is_some_and(|ended| ended.up_ms == event.up_ms)
                });
                let verdict = gate::escape_hatch(&self.state);
                if !follows && !verdict.is_go() {
                    let line = verdict.in_a_line();
                    self.find(t_ms, Subject::Gate(stage.clone()), "entered", format!("refused, {line}"));
                    self.diverge(t_ms, format!("{stage} would not have been entered then"), false);
                }
            }
            EventKind::StepFinished(finish) => {
                let Some(plan) = self.runbook.step(&finish.step).cloned() else { return };
                let checks: Vec<CheckId> = match &plan.action {
                    Action::Await { checks, .. } | Action::Assert { checks } => checks.clone(),
                    Action::Start { ready, .. } => ready.clone(),
                    _ => return,
                };
                let anew = checks.iter().any(|check| self.anew.contains(check));
                let red = checks.iter().find(|check| !self.state.is_green(check)).cloned();
                let killed = self.state.step(&finish.step).killed.as_ref().is_some_and(|k| !k.timed_out);
                let subject = Subject::Step(finish.step.clone());
                match (finish.passed, red) {
                    _ if !anew || killed => {}
                    (true, Some(check)) => {
                        let why = gate::check_sentence(&self.state, &check);
                        self.find(t_ms, subject, "passed", format!("not passed then: {why}"));
                        self.diverge(t_ms, format!("{} would not have passed then", finish.step), false);
                    }
                    (false, None) if matches!(plan.action, Action::Await { .. }) => {
                        self.find(t_ms, subject, "failed", "its checks green by then".to_owned());
                        self.diverge(t_ms, format!("{} would have passed", finish.step), false);
                    }
                    _ => {}
                }
            }
            EventKind::RollbackStarted { .. } => {
                let By::Trigger { trigger } = &event.by else { return };
                let fired = matches!(self.state.triggers.get(trigger), Some(TriggerState::Fired { .. }));
                if !fired {
                    self.end(t_ms, format!("trigger {trigger} would not have rolled back"));
                }
            }
            // After one that goes back to a stage, the gate before that asks for the proof.
            EventKind::RollbackFinished { full: true, .. } => {
                let gate = self.runbook.rollback.gate.clone();
                let red = gate
                    .iter()
                    .flat_map(|g| &g.checks)
                    .find(|check| self.anew.contains(*check) && !self.state.is_green(check));
                if let Some(check) = red {
                    let why = gate::check_sentence(&self.state, check);
                    let subject = Subject::Gate(ROLLBACK.into());
                    self.find(t_ms, subject, "GO", format!("NO-GO: {why}"));
                    self.diverge(t_ms, "the way back would not have been proven then".to_owned(), false);
                }
            }
            _ => {}
        }
    }

    /// A recorded promotion: would the gate have let it pass?
    fn promoted(&mut self, event: &Event, stage: &StageId, overridden: bool, by_two: bool, t_ms: u64) {
        let Some(plan) = self.runbook.stage(stage).cloned() else { return };
        let verdict = gate::evaluate(&self.state, stage);
        let subject = Subject::Gate(stage.clone());
        let by_person = matches!(event.by, By::Person(_));
        let recorded = match (by_person, overridden) {
            (true, true) => "promoted with an override",
            (true, false) => "promoted",
            (false, _) => "promoted by itself",
        };
        let refused = if verdict.is_go() {
            if overridden {
                self.find(t_ms, subject.clone(), recorded, "GO: no override needed".to_owned());
            }
            (!by_person && !plan.gate.auto).then(|| "GO, and waits for a person".to_owned())
        } else if !overridden {
            Some(format!("refused, {}", verdict.in_a_line()))
        } else if plan.gate.over == Override::Never {
            Some(format!("refused, and never to be overridden: {}", verdict.in_a_line()))
        } else if plan.gate.over == Override::Two && !by_two {
            Some("asks a second person".to_owned())
        } else {
            verdict.missing.iter().find(|m| !m.liftable).map(|m| format!("refused: {}", m.what))
        };
        if let Some(what_if) = refused {
            self.find(t_ms, subject, recorded, what_if);
            self.diverge(t_ms, format!("{stage} would not have been promoted then"), false);
        } else if let Some((_, since)) = self
            .ready
            .clone()
            .filter(|(ready, since)| ready == stage && t_ms.saturating_sub(*since) > ONE_MOMENT_MS)
        {
            self.find(since, subject, "waits", "promotes by itself".to_owned());
            self.diverge(since, format!("{stage} would have been promoted before"), false);
        }
    }
}
