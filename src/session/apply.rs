//! The fold: the only writer of [`State`].

mod crew;
mod rollback;
mod steps;
mod time;

use std::sync::Arc;

use time::{break_soak, stop_soak};

use super::guarded::{self, DriftSeen, LinkWas, Snapshot};
use super::state::{
    CheckState, GateSeen, Note, Pause, RECENT_EVENTS, RECENT_NOTES, StageState, StageStatus, State,
    StepState, StepStatus, Stuck, Tick, TriggerState,
};
use super::{gate, notices, rollback as way_back, triggers};
use crate::clock::Now;
use crate::event::{Event, EventKind, Health, ItemOf, author};
use crate::runbook::id::ROLLBACK;
use crate::runbook::model::TriggerThen;
use crate::runbook::{StageId, StepId};

impl State {
    /// Folds one event in. Total: an event that does not fit changes what it can and nothing else; one that was
    /// folded already is passed over; a gap in the numbers is noted.
    pub fn apply(&mut self, event: &Arc<Event>) {
        if event.seq <= self.seq {
            return;
        }
        if event.seq != self.seq + 1 {
            self.gaps.push((self.seq, event.seq));
        }
        self.seq = event.seq;
        let now = event.now();
        self.started.get_or_insert(now);
        self.last = Some(now);
        if is_decisive(&event.event) {
            self.decisive_seq = event.seq;
        }
        self.fold(event, now);
        self.run_soak(now);
        let due = notices::due(self, event);
        self.notices.extend(due);
        if self.recent.len() == RECENT_EVENTS {
            self.recent.pop_front();
        }
        self.recent.push_back(Arc::clone(event));
    }

    fn fold(&mut self, event: &Event, now: Now) {
        match &event.event {
            EventKind::SessionOpened(opened) => self.open(opened),
            EventKind::EngineStarted { boot_id, .. } => {
                if let Some(known) = self.boot_id.replace(boot_id.clone()) {
                    self.everybody_left(now);
                    self.look_anew();
                    self.taken_over = Some(now);
                    if known != *boot_id {
                        self.break_soaks("the machine was restarted");
                        self.rebase(now);
                    }
                }
            }
            EventKind::PastSessions(past) => self.past = Some(Arc::new((**past).clone())),
            EventKind::Unobserved { from, to } => self.unobserved(*from, *to),
            EventKind::OperatorJoined { .. }
            | EventKind::OperatorLeft { .. }
            | EventKind::WheelAsked
            | EventKind::WheelOffered { .. }
            | EventKind::WheelDeclined
            | EventKind::WheelPassed { .. }
            | EventKind::Voted { .. }
            | EventKind::OverrideAsked { .. }
            | EventKind::OverrideDeclined { .. } => self.fold_crew(event, now),
            EventKind::PolicyAcknowledged => self.policy_acknowledged = true,
            EventKind::StageEntered { stage } => self.enter(stage, now),
            EventKind::StepStarted { .. }
            | EventKind::StepLaunched { .. }
            | EventKind::StepFinished(_)
            | EventKind::StepUnknown { .. }
            | EventKind::StepResolved { .. }
            | EventKind::StepSkipped { .. }
            | EventKind::StepKilled { .. }
            | EventKind::EndRefused { .. } => self.fold_step(event, now),
            EventKind::ItemTicked { on, item, pass, note } => {
                let tick = Tick { pass: *pass, by: author(&event.by), at: event.at, note: note.clone() };
                match on {
                    ItemOf::Gate(stage) => {
                        if let Some(stage) = self.stages.get_mut(stage) {
                            stage.ticks.insert(item.clone(), tick);
                        }
                    }
                    ItemOf::Step(step) => {
                        self.step_mut(step).ticks.insert(item.clone(), tick);
                    }
                }
            }
            EventKind::CheckChanged { check, to, reason, value, since, .. } => {
                self.checks.insert(
                    check.clone(),
                    CheckState {
                        health: *to,
                        reason: reason.clone(),
                        value: value.clone(),
                        since: *since,
                        changed: Some(now),
                    },
                );
                match to {
                    Health::Ok => self.quiet_triggers_of(check.as_str(), now),
                    Health::Failing => self.void_approvals_on(check),
                    Health::Idle | Health::Pending | Health::Stale => {}
                }
            }
            EventKind::BaselineTaken { name, checks, .. } => {
                self.baselines.insert(name.clone(), checks.clone());
            }
            EventKind::FilesFrozen { files } => self.frozen = Some(Arc::new(files.clone())),
            EventKind::DriftFound { files } => {
                self.drift =
                    Some(DriftSeen { files: files.clone(), seq: event.seq, since: now, put_back: false });
            }
            EventKind::DriftGone => {
                if let Some(drift) = &mut self.drift {
                    drift.put_back = true;
                }
            }
            EventKind::DriftAccepted { files, .. } => {
                self.drift = None;
                if let Some(frozen) = &mut self.frozen {
                    guarded::accept(Arc::make_mut(frozen), files);
                }
            }
            EventKind::SnapshotTaken { step, attempt, path, files, bytes, sha256 } => {
                let (path, sha256) = (path.clone(), sha256.clone());
                let taken = Snapshot { attempt: *attempt, path, files: *files, bytes: *bytes, sha256 };
                self.snapshots.insert(step.clone(), taken);
            }
            EventKind::LinkFound { step, was, to, .. } => {
                self.links.insert(step.clone(), LinkWas { was: was.clone(), to: to.clone() });
            }
            EventKind::GateChanged { stage, go, missing } => self.gate_changed(stage, *go, missing, now),
            EventKind::SoakStarted { stage } => {
                if let Some(stage) = self.stages.get_mut(stage) {
                    stage.soak.started = true;
                }
            }
            EventKind::SoakBroken { stage, why } => {
                if let Some(stage) = self.stages.get_mut(stage) {
                    break_soak(&mut stage.soak, why);
                }
            }
            EventKind::SoakReached { stage } => {
                if let Some(stage) = self.stages.get_mut(stage) {
                    stage.soak.reached = true;
                }
            }
            EventKind::Promoted { stage, reason, .. } => {
                if let Some(state) = self.stages.get_mut(stage) {
                    state.status = StageStatus::Passed;
                    state.ended = Some(now);
                    stop_soak(&mut state.soak, now);
                    state.overridden.clone_from(reason);
                    state.override_asked = None;
                }
                // A stage's own triggers end with it, those of its failed steps too.
                let ended: Vec<_> = triggers::of_stage(self, stage).map(|t| t.id.clone()).collect();
                let of_a_step =
                    |id: &str| id.strip_prefix(stage.as_str()).is_some_and(|r| r.starts_with('.'));
                self.triggers.retain(|id, _| !ended.contains(id) && !of_a_step(id.as_str()));
            }
            EventKind::Paused => self.paused = Some(Pause { by: author(&event.by), at: event.at }),
            EventKind::Resumed => {
                self.paused = None;
                self.drift = self.drift.take().filter(|drift| !drift.put_back);
                let held: Vec<_> = triggers::holding(self).cloned().collect();
                for id in held {
                    // One that could not roll back when it fired is not to do so later, without a countdown.
                    let rolls = matches!(triggers::then(self, &id), Some(TriggerThen::Rollback { .. }));
                    match self.triggers.get_mut(&id) {
                        Some(state) if rolls => *state = TriggerState::Vetoed,
                        Some(TriggerState::Fired { holding, .. }) => *holding = false,
                        _ => {}
                    }
                }
                // A check that is green again by now will not turn green once more: its trigger is ready at once.
                let green = self.checks.iter().filter(|(_, check)| check.health == Health::Ok);
                let green: Vec<_> = green.map(|(id, _)| id.clone()).collect();
                green.iter().for_each(|check| self.quiet_triggers_of(check.as_str(), now));
            }
            EventKind::TriggerArmed { trigger, why, grace_ms } => {
                let fires_at = now.up_ms + grace_ms;
                self.triggers.insert(trigger.clone(), TriggerState::Armed { why: why.clone(), fires_at });
            }
            EventKind::TriggerCleared { trigger } => {
                self.triggers.insert(trigger.clone(), TriggerState::Quiet { since: now.up_ms });
            }
            EventKind::TriggerVetoed { trigger, .. } => {
                self.triggers.insert(trigger.clone(), TriggerState::Vetoed);
            }
            EventKind::TriggerFired { trigger, why } => {
                let holding = triggers::holds_when_fired(self, trigger);
                self.triggers.insert(trigger.clone(), TriggerState::Fired { why: why.clone(), holding });
            }
            EventKind::RollbackStarted { to, full, steps, reason } => {
                self.start_rollback(to, *full, steps, reason.as_ref(), now);
            }
            EventKind::StageRolledBack { stage } => self.stage_rolled_back(stage, now),
            EventKind::RollbackStuck { step, why, remaining } => {
                let (step, why, remaining) = (step.clone(), why.clone(), remaining.clone());
                self.stick(Stuck { since: now, step, why, remaining });
            }
            EventKind::RollbackFinished { .. } => self.finish_rollback(now),
            EventKind::NoteAdded { tag, text } => {
                if self.notes.len() == RECENT_NOTES {
                    self.notes.pop_front();
                }
                let (by, text) = (author(&event.by), text.clone());
                self.notes.push_back(Note {
                    seq: event.seq,
                    tag: *tag,
                    text,
                    by,
                    at: event.at,
                    attached: None,
                });
            }
            // A file that was attached follows right after its note.
            EventKind::EvidenceAdded { step: None, path, .. } => {
                if let Some(note) = self.notes.back_mut().filter(|note| note.seq + 1 == event.seq) {
                    note.attached = Some(path.clone());
                }
            }
            EventKind::Notified { notify, of, .. } | EventKind::NotifyFailed { notify, of, .. } => {
                self.notices.retain(|notice| (notice.notify, notice.of) != (*notify, *of));
            }
            EventKind::SessionClosed { outcome, .. } => self.outcome = Some((*outcome, now)),
            EventKind::EngineStopping { .. }
            | EventKind::HandoverAcknowledged
            | EventKind::LogRecovered { .. }
            | EventKind::CommandRefused { .. }
            | EventKind::OutputCut { .. }
            | EventKind::Confirmed { .. }
            | EventKind::Declined { .. }
            | EventKind::EvidenceAdded { step: Some(_), .. }
            | EventKind::Checkpoint { .. }
            | EventKind::Unknown => {}
        }
    }

    fn open(&mut self, opened: &crate::event::SessionOpened) {
        self.opened = Some(Arc::new(opened.clone()));
        let Some(runbook) = super::open::read_plan(opened) else { return };
        for stage in &runbook.stages {
            let status = if stage.applies { StageStatus::Pending } else { StageStatus::Skipped };
            self.stages.insert(stage.id.clone(), StageState { status, ..StageState::default() });
        }
        for step in runbook.all_steps().filter(|step| !step.applies) {
            self.steps.insert(
                step.id.clone(),
                StepState {
                    status: StepStatus::Skipped,
                    why: Some("its `when` does not hold here".to_owned()),
                    ..StepState::default()
                },
            );
        }
        self.runbook = Some(Arc::new(runbook));
    }

    fn enter(&mut self, id: &StageId, now: Now) {
        if let Some(stage) = self.stages.get_mut(id) {
            *stage = StageState { status: StageStatus::Active, entered: Some(now), ..StageState::default() };
        }
        // A stage that is entered again starts afresh; the numbers of the attempts go on.
        let Some(runbook) = self.runbook.clone() else { return };
        let undo = runbook.stage(id).into_iter().flat_map(|stage| &stage.rollback);
        let owed = undo.chain(&runbook.rollback.steps).filter(|undo| way_back::is_owed(self, undo));
        let kept: Vec<&StepId> = owed.filter_map(|undo| undo.action.puts_back()).collect();
        for step in runbook.stage(id).into_iter().flat_map(|s| &s.steps).filter(|s| s.applies) {
            // What it was before is known until it was put back.
            if !kept.contains(&&step.id) {
                self.snapshots.remove(&step.id);
                self.links.remove(&step.id);
            }
            let state = self.step_mut(&step.id);
            let StepState { attempt, began, .. } = *state;
            *state = StepState { attempt, began, process: state.process.take(), ..StepState::default() };
        }
        if self.rollback.as_ref().is_some_and(|r| r.finished.is_some()) {
            self.rollback = None;
        }
    }

    fn gate_changed(&mut self, id: &StageId, go: bool, missing: &[String], now: Now) {
        if id.as_str() == ROLLBACK {
            if let Some(rollback) = &mut self.rollback {
                rollback.at_gate.get_or_insert(now);
            }
            return;
        }
        let Some(stage) = self.stages.get_mut(id) else { return };
        if stage.status == StageStatus::Active || stage.gate.is_none() {
            stage.status = StageStatus::AtGate;
            stage.at_gate = Some(now);
        }
        stage.gate = Some(GateSeen { go, missing: missing.to_vec(), since: now });
        if stage.called.is_none() && gate::waits_for_people(self, id) {
            let seq = self.seq;
            if let Some(stage) = self.stages.get_mut(id) {
                stage.called = Some(seq);
            }
        }
    }

    fn quiet_triggers_of(&mut self, check: &str, now: Now) {
        let Some(runbook) = self.runbook.clone() else { return };
        for trigger in runbook.triggers.iter().filter(|t| t.check.as_str() == check) {
            if let Some(TriggerState::Vetoed | TriggerState::Fired { holding: false, .. }) =
                self.triggers.get(&trigger.id)
            {
                self.triggers.insert(trigger.id.clone(), TriggerState::Quiet { since: now.up_ms });
            }
        }
    }
}

/// An event after which an advance or a rollback decided on an older view is refused.
pub(super) fn is_decisive(event: &EventKind) -> bool {
    use EventKind as E;
    matches!(
        event,
        E::StageEntered { .. }
            | E::StepStarted { .. }
            | E::StepLaunched { .. }
            | E::StepFinished(_)
            | E::StepUnknown { .. }
            | E::StepResolved { .. }
            | E::StepSkipped { .. }
            | E::StepKilled { .. }
            | E::EndRefused { .. }
            | E::GateChanged { .. }
            | E::ItemTicked { .. }
            | E::Voted { .. }
            | E::WheelPassed { .. }
            | E::Promoted { .. }
            | E::Paused
            | E::Resumed
            | E::TriggerArmed { .. }
            | E::TriggerCleared { .. }
            | E::TriggerVetoed { .. }
            | E::TriggerFired { .. }
            | E::RollbackStarted { .. }
            | E::StageRolledBack { .. }
            | E::RollbackStuck { .. }
            | E::RollbackFinished { .. }
    )
}
