//! What happened besides: engines, rollbacks, triggers, overrides, refusals, notes, evidence.

use indexmap::IndexMap;

use crate::event::{Event, EventKind, author};
use crate::report::model::{
    By, Engine, Evidence, GateVerdict, Note, Override, OverrideStep, Policy, Refusal, Rollback, RolledBack,
    Stuck, TriggerEvent, TriggerStep, When,
};
use crate::runbook::id::ROLLBACK;
use crate::runbook::{StepId, TriggerId};
use crate::session::State;

/// What happened so far.
#[derive(Debug, Default)]
pub(super) struct Happened {
    pub engines: Vec<Engine>,
    pub close_reason: Option<String>,
    acknowledged: Option<By>,
    rollbacks: Vec<Rollback>,
    pub triggers: IndexMap<TriggerId, Vec<TriggerEvent>>,
    pub overrides: Vec<Override>,
    pub refusals: Vec<Refusal>,
    pub notes: Vec<Note>,
    pub evidence: Vec<Evidence>,
}

impl Happened {
    /// Takes the next event.
    pub fn push(&mut self, event: &Event, when: When) {
        let by = || author(&event.by);
        match &event.event {
            EventKind::EngineStarted { boot_id, version, pid, recovered } => self.engines.push(Engine {
                when,
                version: version.clone(),
                pid: *pid,
                boot_id: boot_id.clone(),
                recovered: recovered.clone(),
            }),
            EventKind::SessionClosed { reason, .. } => self.close_reason.clone_from(reason),
            EventKind::PolicyAcknowledged => self.acknowledged = Some(By { when, by: by() }),
            EventKind::CommandRefused { command, why } => {
                let (command, why) = (command.clone(), why.clone());
                self.refusals.push(Refusal { when, by: by(), command, why });
            }
            EventKind::NoteAdded { tag, text } => {
                let (tag, text) = (*tag, text.clone());
                self.notes.push(Note { when, by: by(), tag, text, attached: None });
            }
            EventKind::EvidenceAdded { step, source, path, bytes, sha256 } => {
                // A file that was attached follows right after its note.
                let note = self.notes.last_mut().filter(|note| note.when.seq + 1 == when.seq);
                if let Some(note) = note.filter(|_| step.is_none()) {
                    note.attached = Some(path.clone());
                }
                self.evidence.push(Evidence {
                    when,
                    by: by(),
                    step: step.as_ref().map(StepId::to_string),
                    source: source.clone(),
                    path: path.clone(),
                    bytes: *bytes,
                    sha256: sha256.clone(),
                });
            }
            EventKind::OverrideAsked { stage, missing, reason } => self.overrides.push(Override {
                when,
                by: by(),
                stage: stage.to_string(),
                what: OverrideStep::Asked,
                lifts: missing.clone(),
                reason: Some(reason.clone()),
                asked_by: None,
            }),
            EventKind::OverrideDeclined { stage, note } => self.overrides.push(Override {
                when,
                by: by(),
                stage: stage.to_string(),
                what: OverrideStep::Declined,
                lifts: Vec::new(),
                reason: note.clone(),
                asked_by: None,
            }),
            EventKind::Promoted { stage, overridden, reason, asked_by } if !overridden.is_empty() => {
                self.overrides.push(Override {
                    when,
                    by: by(),
                    stage: stage.to_string(),
                    what: OverrideStep::Done,
                    lifts: overridden.clone(),
                    reason: reason.clone(),
                    asked_by: asked_by.clone(),
                });
            }
            EventKind::TriggerArmed { trigger, why, grace_ms } => {
                self.trigger(trigger, event, when, TriggerStep::Armed, Some(why), Some(*grace_ms));
            }
            EventKind::TriggerCleared { trigger } => {
                self.trigger(trigger, event, when, TriggerStep::Cleared, None, None);
            }
            EventKind::TriggerVetoed { trigger, reason } => {
                self.trigger(trigger, event, when, TriggerStep::Vetoed, reason.as_ref(), None);
            }
            EventKind::TriggerFired { trigger, why } => {
                self.trigger(trigger, event, when, TriggerStep::Fired, Some(why), None);
            }
            _ => self.rolls_back(event, when),
        }
    }

    fn trigger(
        &mut self,
        id: &TriggerId,
        event: &Event,
        when: When,
        what: TriggerStep,
        why: Option<&String>,
        grace_ms: Option<u64>,
    ) {
        let by = By { when, by: author(&event.by) };
        let became = TriggerEvent { by, what, why: why.cloned(), grace_ms };
        self.triggers.entry(id.clone()).or_default().push(became);
    }

    fn rolls_back(&mut self, event: &Event, when: When) {
        if let EventKind::RollbackStarted { to, full, steps, reason } = &event.event {
            self.rollbacks.push(Rollback {
                started: when,
                by: author(&event.by),
                reason: reason.clone(),
                to: to.to_string(),
                full: *full,
                steps: steps.iter().map(StepId::to_string).collect(),
                stages: Vec::new(),
                skipped: Vec::new(),
                stuck: Vec::new(),
                verdicts: Vec::new(),
                finished: None,
                took_ms: 0,
            });
            return;
        }
        let Some(rollback) = self.rollbacks.last_mut() else { return };
        match &event.event {
            EventKind::StageRolledBack { stage } => {
                rollback.stages.push(RolledBack { when, stage: stage.to_string() });
            }
            EventKind::RollbackStuck { step, why, remaining } => rollback.stuck.push(Stuck {
                when,
                step: step.as_ref().map(StepId::to_string),
                why: why.clone(),
                remaining: remaining.iter().map(StepId::to_string).collect(),
            }),
            EventKind::GateChanged { stage, go, missing } if stage.as_str() == ROLLBACK => {
                rollback.verdicts.push(GateVerdict { when, go: *go, missing: missing.clone() });
            }
            EventKind::RollbackFinished { skipped, .. } => {
                rollback.finished = Some(when);
                rollback.skipped = skipped.iter().map(StepId::to_string).collect();
            }
            _ => {}
        }
    }

    /// The rollbacks; one that another took the place of lasted until then.
    pub fn rollbacks(&self, end_ms: u64) -> Vec<Rollback> {
        let starts = self.rollbacks.iter().skip(1).map(|next| next.started.t_ms).chain([end_ms]);
        let ended = self.rollbacks.iter().zip(starts).map(|(rollback, until)| {
            let ended = rollback.finished.map_or(until, |finished| finished.t_ms);
            Rollback { took_ms: ended.saturating_sub(rollback.started.t_ms), ..rollback.clone() }
        });
        ended.collect()
    }

    /// What was to be acknowledged, and who did.
    pub fn policy(&self, state: &State) -> Policy {
        let sentences = state.runbook.as_ref().map(|runbook| runbook.policy.clone()).unwrap_or_default();
        Policy { sentences, acknowledged: self.acknowledged.clone() }
    }
}
