//! Which event may follow in which state. The fold takes every log; a session is gone on with only where each of its
//! events could have been written by an engine, so that nothing starts from a state that nobody was ever in.

mod crew;
mod rollback;
mod steps;

use super::starting::FENCE;
use super::state::{Hold, StageStatus, State, TriggerState};
use super::{gate, rollback as way_back, settle, triggers};
use crate::event::{Event, EventKind, Health, ItemOf, LOG_FORMAT, Outcome, SessionOpened};
use crate::runbook::id::ROLLBACK;
use crate::runbook::model::{Action, Override, Runbook, Stage, Step, TriggerThen};
use crate::runbook::{CheckId, StageId, StepId, TriggerId};

/// A phrase that says why not.
type Legal = Result<(), String>;

/// `Ok` where `is` holds; else the phrase.
fn must(is: bool, else_why: impl FnOnce() -> String) -> Legal {
    if is { Ok(()) } else { Err(else_why()) }
}

/// Whether `event` may follow in `state`, the fold of everything before it.
///
/// # Errors
/// Why not: a phrase, to stand behind the event's number.
pub fn legal(state: &State, event: &Event) -> Legal {
    must(event.seq == state.seq + 1, || format!("its number does not follow {}", state.seq))?;
    let tells = matches!(event.event, EventKind::Notified { .. } | EventKind::NotifyFailed { .. });
    must(state.outcome.is_none() || tells, || "the session was closed before it".to_owned())?;
    if let EventKind::SessionOpened(opened) = &event.event {
        return opens(state, opened);
    }
    let Some(runbook) = state.runbook.as_deref() else {
        return Err("no session was opened before it".to_owned());
    };
    let rebooted = matches!(&event.event, EventKind::EngineStarted { boot_id, .. }
        if state.boot_id.as_ref().is_some_and(|known| known != boot_id));
    let last = state.last.map_or(0, |last| last.up_ms);
    must(rebooted || event.up_ms >= last, || {
        format!("the boot clock went back by {} ms", last - event.up_ms)
    })?;
    Place { state, runbook, event }.judge()
}

/// `path` lies below the session's folder.
fn inside(path: &str) -> Legal {
    let normal = |part| matches!(part, std::path::Component::Normal(_));
    must(std::path::Path::new(path).components().all(normal), || {
        format!("{path} leaves the session's folder")
    })
}

fn opens(state: &State, opened: &SessionOpened) -> Legal {
    must(state.opened.is_none(), || "the session was opened before".to_owned())?;
    must(opened.format == LOG_FORMAT, || {
        format!("the log has format {}, and this gonogo goes on with {LOG_FORMAT} only", opened.format)
    })?;
    must(super::read_plan(opened).is_some(), || "its runbook cannot be read by this gonogo".to_owned())
}

/// An event, and where it stands.
struct Place<'a> {
    state: &'a State,
    runbook: &'a Runbook,
    event: &'a Event,
}

impl<'a> Place<'a> {
    fn judge(&self) -> Legal {
        use EventKind as E;
        match &self.event.event {
            E::SessionOpened(_) => Err("the session was opened before".to_owned()),
            E::Unknown => Err("it was written by a newer gonogo, which alone can go on".to_owned()),
            E::EngineStarted { .. }
            | E::EngineStopping { .. }
            | E::PastSessions(_)
            | E::LogRecovered { .. }
            | E::CommandRefused { .. }
            | E::NoteAdded { .. }
            | E::Checkpoint { .. } => Ok(()),
            E::Unobserved { from, to } => must(from <= to, || "it ends before it begins".to_owned()),
            E::OperatorJoined { person, .. } => self.joins(person),
            E::OperatorLeft { person, .. } => self.leaves(person),
            E::WheelAsked => self.asks_wheel(),
            E::WheelOffered { to } => self.offers_wheel(to),
            E::WheelDeclined => self.declines_wheel(),
            E::WheelPassed { from, to } => self.passes_wheel(from.as_deref(), to),
            E::HandoverAcknowledged => self.takes_over(),
            E::PolicyAcknowledged => {
                must(self.state.needs_acknowledgement(), || "there was nothing to acknowledge".to_owned())
            }
            E::StageEntered { stage } => self.enters(stage),
            E::StepStarted { step, attempt, .. } => self.starts(self.step(step)?, *attempt),
            E::StepLaunched { step, attempt, .. } => self.launches(self.step(step)?, *attempt),
            E::StepFinished(finish) => self.finishes(self.step(&finish.step)?, finish),
            E::StepUnknown { step, attempt, .. } | E::OutputCut { step, attempt, .. } => {
                self.is_open(self.step(step)?, *attempt)
            }
            E::StepResolved { step, attempt, .. } => self.resolves(self.step(step)?, *attempt),
            E::StepSkipped { step, .. } => self.skips(self.step(step)?),
            E::StepKilled { step, attempt, .. } => self.kills(self.step(step)?, *attempt),
            E::EndRefused { step, attempt, .. } => self.refuses_end(self.step(step)?, *attempt),
            E::Confirmed { step, attempt, .. } => self.answers(self.step(step)?, *attempt, true),
            E::Declined { step, attempt, .. } => self.answers(self.step(step)?, *attempt, false),
            E::ItemTicked { on, item, .. } => self.ticks(on, item),
            E::CheckChanged { check, from, to, reason, .. } => self.changes(check, *from, *to, reason),
            E::BaselineTaken { step, attempt, name, checks } => {
                self.measures(self.step(step)?, *attempt, name, checks.keys())
            }
            E::FilesFrozen { .. } => {
                must(self.runbook.frozen().is_some(), || "the runbook freezes nothing".to_owned())?;
                must(self.state.frozen.is_none(), || "the files were frozen before".to_owned())
            }
            E::DriftFound { files } => {
                must(self.state.frozen.is_some(), || "no file was frozen".to_owned())?;
                must(!files.is_empty(), || "it names no file".to_owned())
            }
            E::DriftGone => {
                let drifted = self.state.drift.as_ref().is_some_and(|drift| !drift.put_back);
                must(drifted, || "no frozen file had drifted".to_owned())
            }
            E::DriftAccepted { files, .. } => {
                self.person()?;
                let found = self.state.drift.as_ref().filter(|drift| !drift.put_back);
                must(found.is_some_and(|drift| drift.files == *files), || {
                    "it is not what was found".to_owned()
                })
            }
            E::SnapshotTaken { step, attempt, path, .. } => {
                let step = self.step(step)?;
                must(matches!(step.action, Action::Snapshot { .. }), || {
                    format!("{} copies nothing", step.id)
                })?;
                self.is_open(step, *attempt)?;
                inside(path)
            }
            E::LinkFound { step, attempt, .. } => {
                let step = self.step(step)?;
                must(matches!(step.action, Action::Link { .. }), || format!("{} switches no link", step.id))?;
                self.is_open(step, *attempt)
            }
            E::GateChanged { stage, go, missing } => self.turns_gate(stage, *go, missing),
            E::SoakStarted { stage } => {
                let soak = &self.at_gate(stage)?.soak;
                must(!soak.started, || format!("the soak of {stage} ran already"))
            }
            E::SoakBroken { stage, .. } => {
                must(self.at_gate(stage)?.soak.started, || format!("no soak of {stage} ran"))
            }
            E::SoakReached { stage } => self.reaches_soak(stage),
            E::Voted { stage, role, .. } => self.votes(stage, role.as_deref()),
            E::OverrideAsked { stage, .. } => self.asks_override(stage),
            E::OverrideDeclined { stage, .. } => self.declines_override(stage),
            E::Promoted { stage, reason, asked_by, .. } => {
                self.promotes(self.stage(stage)?, reason.is_some(), asked_by.as_deref())
            }
            E::Paused => must(self.state.paused.is_none(), || "the session was paused already".to_owned()),
            E::Resumed => {
                let holds = self.state.holds().iter().any(Hold::is_resumable);
                must(self.state.paused.is_some() || holds, || "nothing was paused".to_owned())
            }
            E::TriggerArmed { trigger, .. } => self.arms(trigger),
            E::TriggerCleared { trigger } => self.is_armed(trigger),
            E::TriggerVetoed { trigger, .. } => {
                self.person()?;
                self.is_armed(trigger)
            }
            E::TriggerFired { trigger, .. } => self.fires(trigger),
            E::RollbackStarted { to, full, steps, .. } => self.starts_back(to, *full, steps),
            E::StageRolledBack { stage } => self.rolled_back(stage),
            E::RollbackStuck { step, remaining, .. } => self.sticks(step.as_ref(), remaining),
            E::RollbackFinished { full, skipped } => self.finishes_back(*full, skipped),
            E::Notified { notify, of, .. } | E::NotifyFailed { notify, of, .. } => {
                let is_due = |notice: &super::notices::Notice| (notice.notify, notice.of) == (*notify, *of);
                must(self.state.notices.iter().any(is_due), || {
                    format!("nobody was to be told of event {of} by `[[notify]]` {notify}")
                })
            }
            E::EvidenceAdded { step, path, .. } => {
                if let Some(step) = step {
                    self.step(step)?;
                }
                inside(path)
            }
            E::SessionClosed { outcome, .. } => self.closes(*outcome),
        }
    }

    fn stage(&self, id: &StageId) -> Result<&'a Stage, String> {
        self.runbook.stage(id).ok_or_else(|| format!("the runbook has no stage {id}"))
    }

    fn step(&self, id: &StepId) -> Result<&'a Step, String> {
        self.runbook.step(id).ok_or_else(|| format!("the runbook has no step {id}"))
    }

    /// The stage is in hand, and no rollback is under way.
    fn in_hand(&self, id: &StageId) -> Legal {
        must(self.state.active_rollback().is_none(), || "a rollback was under way".to_owned())?;
        must(self.state.current_stage() == Some(id), || format!("stage {id} was not in hand"))
    }

    fn at_gate(&self, id: &StageId) -> Result<&'a super::StageState, String> {
        self.in_hand(id)?;
        let stage = self.state.stages.get(id).filter(|stage| stage.status == StageStatus::AtGate);
        stage.ok_or_else(|| format!("stage {id} was not at its gate"))
    }

    fn enters(&self, id: &StageId) -> Legal {
        let state = self.state;
        self.stage(id)?;
        must(!state.needs_acknowledgement(), || "the policy was not acknowledged".to_owned())?;
        must(state.active_rollback().is_none(), || "a rollback was under way".to_owned())?;
        must(!state.rollback.as_ref().is_some_and(|r| r.full), || "everything was rolled back".to_owned())?;
        must(state.current_stage().is_none(), || "another stage was in hand".to_owned())?;
        must(state.next_stage() == Some(id), || format!("stage {id} was not the next"))
    }

    fn changes(&self, id: &CheckId, from: Health, to: Health, reason: &str) -> Legal {
        must(self.runbook.check(id).is_some(), || format!("the runbook has no check {id}"))?;
        let seen = self.state.check(id).health;
        // Two that begin at once fence the same check.
        let fence = to == Health::Pending && reason == FENCE;
        must(from == seen || fence, || format!("check {id} was {}, not {}", seen.word(), from.word()))?;
        must(from != to, || format!("check {id} was {} already", to.word()))
    }

    fn ticks(&self, on: &ItemOf, item: &str) -> Legal {
        self.person()?;
        let known = match on {
            ItemOf::Gate(stage) => {
                must(self.state.current_stage() == Some(stage), || format!("stage {stage} was not in hand"))?;
                self.stage(stage)?.gate.accept.iter().any(|known| known == item)
            }
            ItemOf::Step(step) => self.items(self.step(step)?)?.iter().any(|known| known == item),
        };
        must(known, || format!("there is no item \"{item}\""))
    }

    fn turns_gate(&self, id: &StageId, go: bool, missing: &[String]) -> Legal {
        must(go == missing.is_empty(), || "it is GO, and something is missing".to_owned())?;
        if id.as_str() == ROLLBACK {
            return self.turns_last_gate(go);
        }
        self.in_hand(id)?;
        let through = settle::is_through(self.state, self.stage(id)?);
        let there = self.state.stages.get(id).is_some_and(|stage| stage.status == StageStatus::AtGate);
        must(through || there, || format!("not every step of {id} had ended"))?;
        let verdict = gate::evaluate(self.state, id);
        must(!go || verdict.is_go(), || format!("the gate of {id} was {}", verdict.in_a_line()))
    }

    fn reaches_soak(&self, id: &StageId) -> Legal {
        let soak = &self.at_gate(id)?.soak;
        must(soak.running_since.is_some() && !soak.reached, || format!("no soak of {id} ran"))?;
        let asked = self.stage(id)?.gate.soak.unwrap_or_default();
        let so_far = soak.so_far_ms(self.event.up_ms);
        must(u128::from(so_far) >= asked.as_millis(), || format!("the soak of {id} had {so_far} ms"))
    }

    fn promotes(&self, stage: &Stage, overridden: bool, asked_by: Option<&str>) -> Legal {
        let id = &stage.id;
        self.in_hand(id)?;
        let verdict = gate::evaluate(self.state, id);
        if !overridden {
            self.at_gate(id)?;
            return must(verdict.is_go(), || format!("the gate of {id} was {}", verdict.in_a_line()));
        }
        self.person()?;
        must(verdict.is_liftable(), || format!("no override lifts this: {}", verdict.in_a_line()))?;
        match stage.gate.over {
            Override::Never => Err(format!("the gate of {id} may not be overridden")),
            Override::Two => self.seconds(id, asked_by),
            Override::Reason => Ok(()),
        }
    }

    fn trigger_state(&self, id: &TriggerId) -> Result<Option<&'a TriggerState>, String> {
        must(triggers::then(self.state, id).is_some(), || format!("the runbook has no trigger {id}"))?;
        must(self.state.active_rollback().is_none(), || "a rollback was under way".to_owned())?;
        Ok(self.state.triggers.get(id))
    }

    fn arms(&self, id: &TriggerId) -> Legal {
        let quiet = matches!(self.trigger_state(id)?, None | Some(TriggerState::Quiet { .. }));
        must(quiet, || format!("trigger {id} was set off already"))?;
        let counts = matches!(triggers::then(self.state, id), Some(TriggerThen::Rollback { .. }));
        must(counts, || format!("trigger {id} does not count down"))
    }

    fn is_armed(&self, id: &TriggerId) -> Legal {
        let armed = matches!(self.trigger_state(id)?, Some(TriggerState::Armed { .. }));
        must(armed, || format!("trigger {id} was not counting down"))
    }

    fn fires(&self, id: &TriggerId) -> Legal {
        match self.trigger_state(id)? {
            Some(TriggerState::Armed { fires_at, .. }) => {
                must(self.event.up_ms >= *fires_at, || format!("trigger {id} was still counting down"))
            }
            Some(TriggerState::Vetoed | TriggerState::Fired { .. }) => {
                Err(format!("trigger {id} was silent"))
            }
            Some(TriggerState::Quiet { .. }) | None => {
                let rolls = matches!(triggers::then(self.state, id), Some(TriggerThen::Rollback { .. }));
                must(!rolls || triggers::holds_when_fired(self.state, id), || {
                    format!("trigger {id} did not count down")
                })
            }
        }
    }

    fn closes(&self, outcome: Outcome) -> Legal {
        let state = self.state;
        match outcome {
            Outcome::Completed => {
                must(state.active_rollback().is_none(), || "a rollback was under way".to_owned())?;
                let done = |stage: &super::StageState| {
                    matches!(stage.status, StageStatus::Passed | StageStatus::Skipped)
                };
                must(state.stages.values().all(done), || "not every stage had passed".to_owned())
            }
            Outcome::RolledBack => {
                let back = state.rollback.as_ref().is_some_and(|r| r.full && r.finished.is_some());
                must(back, || "not everything was rolled back".to_owned())
            }
            Outcome::Aborted => {
                self.person()?;
                let running = way_back::open_steps(state, self.runbook)
                    .find(|step| !super::starting::is_judged_here(&step.action));
                running.map_or(Ok(()), |step| Err(format!("{} was running", step.id)))
            }
        }
    }
}
