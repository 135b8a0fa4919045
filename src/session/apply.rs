//! The fold: the only writer of [`State`].

mod crew;

use std::sync::Arc;

use super::guarded::{self, DriftSeen, Snapshot};
use super::state::{
    CheckState, Ending, GateSeen, Note, Pause, RECENT_EVENTS, RECENT_NOTES, RollbackState, Soak, StageState,
    StageStatus, State, StepState, StepStatus, Stuck, Tick, TriggerState,
};
use super::{gate, notices, triggers};
use crate::clock::Now;
use crate::event::{By, Event, EventKind, Health, ItemOf, Resolution, StepFinished, author};
use crate::runbook::id::ROLLBACK;
use crate::runbook::model::{Action, TriggerThen};
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
            }
            EventKind::EndRefused { step, why, .. } => {
                let state = self.step_mut(step);
                state.killed = None;
                state.end_refused = Some(now);
                state.why = Some(why.clone());
            }
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
                if let Some(rollback) = &mut self.rollback {
                    rollback.stuck =
                        Some(Stuck { step: step.clone(), why: why.clone(), remaining: remaining.clone() });
                }
            }
            EventKind::RollbackFinished { .. } => {
                if let Some(rollback) = &mut self.rollback {
                    rollback.finished = Some(now);
                    rollback.stuck = None;
                }
            }
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

    fn step_mut(&mut self, id: &StepId) -> &mut StepState {
        self.steps.entry(id.clone()).or_default()
    }

    fn enter(&mut self, id: &StageId, now: Now) {
        if let Some(stage) = self.stages.get_mut(id) {
            *stage = StageState { status: StageStatus::Active, entered: Some(now), ..StageState::default() };
        }
        // A stage that is entered again starts afresh; the numbers of the attempts go on.
        let Some(runbook) = self.runbook.clone() else { return };
        for step in runbook.stage(id).into_iter().flat_map(|s| &s.steps).filter(|s| s.applies) {
            self.snapshots.remove(&step.id);
            let state = self.step_mut(&step.id);
            *state =
                StepState { attempt: state.attempt, process: state.process.take(), ..StepState::default() };
        }
        if self.rollback.as_ref().is_some_and(|r| r.finished.is_some()) {
            self.rollback = None;
        }
    }

    fn start_step(&mut self, id: &StepId, attempt: u32, what: &str, by: &By, now: Now) {
        let waits = matches!(self.step_plan(id).map(|s| &s.action), Some(Action::Confirm { .. }));
        let by_person = matches!(by, By::Person(_));
        let state = self.step_mut(id);
        *state = StepState {
            status: if waits { StepStatus::Waiting } else { StepStatus::Running },
            attempt,
            tries: if by_person || state.tries == u32::MAX { 1 } else { state.tries + 1 },
            started: Some(now),
            what: Some(what.to_owned()),
            touched: true,
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
    }

    fn gate_changed(&mut self, id: &StageId, go: bool, missing: &[String], now: Now) {
        if id.as_str() == ROLLBACK {
            if let Some(rollback) = &mut self.rollback {
                rollback.at_gate.get_or_insert(now);
            }
            return;
        }
        let Some(stage) = self.stages.get_mut(id) else { return };
        if stage.status == StageStatus::Active {
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

    fn start_rollback(
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
            *state = StepState { attempt: state.attempt, ..StepState::default() };
        }
        let from = self.stages.get_index_of(to).unwrap_or(0);
        for (_, stage) in self.stages.iter_mut().skip(from) {
            if matches!(stage.status, StageStatus::Active | StageStatus::AtGate | StageStatus::Passed) {
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

    fn stage_rolled_back(&mut self, id: &StageId, now: Now) {
        if let Some(stage) = self.stages.get_mut(id) {
            *stage = StageState {
                status: StageStatus::RolledBack,
                entered: stage.entered,
                ended: Some(now),
                ..StageState::default()
            };
        }
    }

    /// A step of a stuck rollback was started again or skipped: it goes on.
    fn unstick(&mut self) {
        if let Some(rollback) = &mut self.rollback {
            rollback.stuck = None;
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

    fn unobserved(&mut self, from: u64, to: u64) {
        let gap = to.saturating_sub(from);
        let mut gate = self.current_stage().and_then(|id| self.stage_plan(id)).into_iter();
        let blind = gate.any(|stage| stage.gate.checks.iter().any(|check| self.blocks(check)));
        for stage in self.stages.values_mut() {
            if let Some(since) = stage.soak.running_since {
                stage.soak.banked_ms += from.saturating_sub(since);
                stage.soak.running_since = Some(to.max(since));
            }
            if stage.soak.started {
                // Where nothing was green again since the gap before, it is the same gap that goes on.
                let before = if blind { stage.soak.unobserved_ms } else { 0 };
                stage.soak.unobserved_ms = before.saturating_add(gap);
            }
        }
        // A veto needs somebody who sees the countdown.
        for trigger in self.triggers.values_mut() {
            if let TriggerState::Armed { fires_at, .. } = trigger {
                *fires_at += to.saturating_sub(from);
            }
        }
    }

    /// An engine that took over knows of no sample yet, and who was here is to come again.
    fn look_anew(&mut self) {
        self.checks.clear();
        for operator in self.crew.values_mut() {
            operator.left = operator.left.or(self.last);
        }
        self.wheel_asked.clear();
        self.wheel_offer = None;
    }

    /// The boot clock began anew: times of the boot before compare with nothing. What waits for a time waits from now
    /// on; what counts down is to come about again.
    fn rebase(&mut self, now: Now) {
        self.rebooted = true;
        let rebased = |seen: &mut Option<Now>| {
            if let Some(seen) = seen {
                seen.up_ms = now.up_ms;
            }
        };
        for step in self.steps.values_mut() {
            rebased(&mut step.started);
            rebased(&mut step.ended);
            rebased(&mut step.end_refused);
            if let Some(ending) = &mut step.killed {
                ending.since.up_ms = now.up_ms;
            }
        }
        for stage in self.stages.values_mut() {
            rebased(&mut stage.at_gate);
            // How long ago it was entered is known by the other clock alone.
            for seen in [&mut stage.entered, &mut stage.ended].into_iter().flatten() {
                let ago = u64::try_from((now.at - seen.at).num_milliseconds()).unwrap_or(0);
                seen.up_ms = now.up_ms.saturating_sub(ago);
            }
            if let Some(gate) = &mut stage.gate {
                gate.since.up_ms = now.up_ms;
            }
        }
        if let Some(rollback) = &mut self.rollback {
            rebased(&mut rollback.at_gate);
        }
        for trigger in self.triggers.values_mut() {
            if let TriggerState::Armed { .. } | TriggerState::Quiet { .. } = trigger {
                *trigger = TriggerState::Quiet { since: now.up_ms };
            }
        }
    }

    fn break_soaks(&mut self, why: &str) {
        for stage in self.stages.values_mut().filter(|s| s.status == StageStatus::AtGate && s.soak.started) {
            break_soak(&mut stage.soak, why);
        }
    }

    /// Lets the soak of the stage at its gate run or stand still, as its checks and the pause now say.
    fn run_soak(&mut self, now: Now) {
        let Some(runbook) = self.runbook.clone() else { return };
        let Some(stage) =
            self.current_stage().and_then(|id| runbook.stage(id)).filter(|s| s.gate.soak.is_some())
        else {
            return;
        };
        let green = self.paused.is_none() && !stage.gate.checks.iter().any(|check| self.blocks(check));
        let Some(state) = self.stages.get_mut(&stage.id) else { return };
        let runs = green && state.soak.started && state.status == StageStatus::AtGate;
        match (runs, state.soak.running_since) {
            (true, None) => {
                state.soak.running_since = Some(now.up_ms);
                state.soak.unobserved_ms = 0;
            }
            (false, Some(since)) => {
                state.soak.banked_ms += now.up_ms.saturating_sub(since);
                state.soak.running_since = None;
            }
            _ => {}
        }
    }
}

fn break_soak(soak: &mut Soak, why: &str) {
    *soak = Soak { broken: soak.broken + 1, last_broken: Some(why.to_owned()), ..Soak::default() };
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
