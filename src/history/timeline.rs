//! The session as a picture along its time: bands of what lasted, marks for what happened. One pass over the events
//! makes both; a log that ends anywhere leaves what had not ended yet open.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{By, Event, EventKind, Health, author, describe, is_failure};
use crate::runbook::id::ROLLBACK;
use crate::runbook::{CheckId, StageId, StepId};
use crate::session::{StageStatus, State, StepStatus, rollback};

use super::decisions;

/// What lasted and what happened, in session time.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// In the order in which they began, as far as that was known at once: time that nobody observed is known only
    /// when it is over.
    pub bands: Vec<Band>,
    /// In the order of the log.
    pub marks: Vec<Mark>,
    /// The bands that have no end yet, by what can be only one at a time.
    open: BTreeMap<Lane, usize>,
    /// Where the last event lies, which began at 0.
    end_ms: u64,
    boot: Option<Arc<str>>,
    /// The point of no return that was passed last.
    point: Option<StageId>,
}

/// Something that lasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    pub kind: BandKind,
    pub from_ms: u64,
    /// `None`: it had not ended where the log ends.
    pub to_ms: Option<u64>,
}

/// What lasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BandKind {
    /// A stage was `Active`, `AtGate` or `RollingBack`; one band for each of these in a row.
    Stage {
        stage: StageId,
        status: StageStatus,
    },
    /// A rollback, from its start until it was finished or another took its place.
    RollingBack {
        to: StageId,
        full: bool,
    },
    /// A rollback could not go on.
    Stuck,
    /// What the gate of a stage said, or, under the name `rollback`, the gate of the way back.
    Gate {
        stage: StageId,
        go: bool,
    },
    /// The clock of a soak ran that was not reached yet.
    Soak {
        stage: StageId,
    },
    Paused {
        by: String,
    },
    /// Nothing new started, because a step had failed or was unknown, or a trigger held.
    Holding,
    /// Nobody observed anything.
    Unobserved,
    /// An attempt, and how it ended; `Running` or `Waiting` while it has not.
    Step {
        step: StepId,
        attempt: u32,
        status: StepStatus,
    },
    /// A check that was polled, and its health.
    Check {
        check: CheckId,
        health: Health,
    },
}

/// Of what there is one band at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Stage(StageId),
    Rollback,
    Stuck,
    Gate,
    Soak,
    Pause,
    Hold,
    Step(StepId),
    Check(CheckId),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub seq: u64,
    pub t_ms: u64,
    /// What it is in the first place.
    pub kind: MarkKind,
    /// What it is besides.
    pub also: &'static [MarkKind],
    /// One line, without number, time and author; others wrote parts of it.
    pub label: String,
    /// The person or the trigger; `None` for the engine itself.
    pub by: Option<String>,
}

/// What a mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// The session opened, was taken over, closed.
    Session,
    /// A stage was entered or promoted.
    Stage,
    /// Something went wrong.
    Failure,
    /// A person decided something.
    Decision,
    Pause,
    Soak,
    Trigger,
    Vote,
    Override,
    Note,
    /// Somebody came or left, or the wheel changed hands.
    Person,
    Rollback,
    /// What happened cannot be known.
    Unknown,
    /// A first step ran from behind which nothing leads back.
    PointOfNoReturn,
    /// It would have gone another way under another runbook; no event of the log leaves such a mark.
    WhatIf,
}

impl Mark {
    /// Whether it is of this kind, in the first place or besides.
    #[must_use]
    pub fn is(&self, kind: MarkKind) -> bool {
        self.kind == kind || self.also.contains(&kind)
    }
}

impl Timeline {
    /// Takes the next event, where it lies, and the state with it folded in.
    pub fn push(&mut self, event: &Event, t_ms: u64, after: &State) {
        self.mark(event, t_ms, after);
        match &event.event {
            EventKind::EngineStarted { boot_id, .. } => self.engine_started(boot_id, t_ms),
            EventKind::Unobserved { from, to } => {
                let at = |up_ms: u64| t_ms.saturating_sub(event.up_ms.saturating_sub(up_ms));
                self.unobserved(at(*from), at(*to));
            }
            EventKind::SessionClosed { .. } => self.close_all(t_ms, |_| true),
            _ => {}
        }
        if !after.is_closed() {
            self.lanes(&event.event, event.seq, t_ms, after);
        }
        self.end_ms = self.end_ms.max(t_ms);
    }

    /// Where the last event lies.
    #[must_use]
    pub fn end_ms(&self) -> u64 {
        self.end_ms
    }

    fn lanes(&mut self, kind: &EventKind, seq: u64, t_ms: u64, after: &State) {
        match kind {
            EventKind::CheckChanged { check, to, .. } => {
                let band = BandKind::Check { check: check.clone(), health: *to };
                self.set(Lane::Check(check.clone()), (*to != Health::Idle).then_some(band), t_ms);
            }
            EventKind::StepStarted { step, attempt, .. } => {
                let (step, attempt) = (step.clone(), *attempt);
                let lane = Lane::Step(step.clone());
                let status = after.step(&step).status;
                self.set(lane, Some(BandKind::Step { step, attempt, status }), t_ms);
            }
            EventKind::StepFinished(finish) => {
                let status = if finish.passed { StepStatus::Passed } else { StepStatus::Failed };
                self.ended(&finish.step, status, t_ms);
            }
            EventKind::StepUnknown { step, .. } => self.ended(step, StepStatus::Unknown, t_ms),
            EventKind::StepSkipped { step, .. } => self.ended(step, StepStatus::Skipped, t_ms),
            EventKind::GateChanged { stage, go, .. } => {
                let band = BandKind::Gate { stage: stage.clone(), go: *go };
                self.set(Lane::Gate, Some(band), t_ms);
            }
            _ => {}
        }
        // Everything else follows from decisive events alone, but for soaks, which checks stop too.
        if after.decisive_seq == seq {
            self.decisive(t_ms, after);
        }
        let soak = after.current_stage().filter(|id| {
            after.stages.get(*id).is_some_and(|s| s.soak.running_since.is_some() && !s.soak.reached)
        });
        self.set(Lane::Soak, soak.map(|stage| BandKind::Soak { stage: stage.clone() }), t_ms);
    }

    fn decisive(&mut self, t_ms: u64, after: &State) {
        for (id, stage) in &after.stages {
            let (status, stage) = (stage.status, id.clone());
            let lasts =
                matches!(status, StageStatus::Active | StageStatus::AtGate | StageStatus::RollingBack);
            self.set(Lane::Stage(id.clone()), lasts.then_some(BandKind::Stage { stage, status }), t_ms);
        }
        let rollback = after.active_rollback();
        let going = rollback.map(|r| BandKind::RollingBack { to: r.to.clone(), full: r.full });
        self.set(Lane::Rollback, going, t_ms);
        let stuck = rollback.is_some_and(|r| r.stuck.is_some());
        self.set(Lane::Stuck, stuck.then_some(BandKind::Stuck), t_ms);
        let paused = after.paused.as_ref().map(|pause| BandKind::Paused { by: pause.by.clone() });
        self.set(Lane::Pause, paused, t_ms);
        self.set(Lane::Hold, (!after.holds().is_empty()).then_some(BandKind::Holding), t_ms);
        if let Some(BandKind::Gate { stage, .. }) = self.open.get(&Lane::Gate).map(|i| &self.bands[*i].kind) {
            let left = match after.stages.get(stage) {
                Some(state) => state.status != StageStatus::AtGate,
                None => stage.as_str() == ROLLBACK && rollback.is_none(),
            };
            if left {
                self.set(Lane::Gate, None, t_ms);
            }
        }
    }

    /// Whoever took over knows of no sample yet, and of another boot only that it ended.
    fn engine_started(&mut self, boot: &str, t_ms: u64) {
        if self.boot.as_deref().is_some_and(|known| known != boot) {
            self.unobserved(self.end_ms, t_ms);
        }
        self.boot = Some(boot.into());
        self.close_all(t_ms, |lane| matches!(lane, Lane::Check(_)));
    }

    /// What must be observed to be true is interrupted.
    fn unobserved(&mut self, from_ms: u64, to_ms: u64) {
        self.bands.push(Band { kind: BandKind::Unobserved, from_ms, to_ms: Some(to_ms) });
        let seen: Vec<Lane> =
            self.open.keys().filter(|lane| matches!(lane, Lane::Check(_) | Lane::Soak)).cloned().collect();
        for lane in seen {
            let kind = self.open.get(&lane).map(|i| self.bands[*i].kind.clone());
            self.set(lane.clone(), None, from_ms);
            self.set(lane, kind, to_ms);
        }
    }

    /// An attempt ended, if one was under way.
    fn ended(&mut self, id: &StepId, ended: StepStatus, t_ms: u64) {
        let lane = Lane::Step(id.clone());
        if let Some(BandKind::Step { status, .. }) = self.open.get(&lane).map(|i| &mut self.bands[*i].kind) {
            *status = ended;
        }
        self.set(lane, None, t_ms);
    }

    /// From here on this lasts; where it lasted already nothing changes.
    fn set(&mut self, lane: Lane, kind: Option<BandKind>, t_ms: u64) {
        if let Some(i) = self.open.get(&lane) {
            if kind.as_ref() == Some(&self.bands[*i].kind) {
                return;
            }
            let band = &mut self.bands[*i];
            band.to_ms = Some(t_ms.max(band.from_ms));
            self.open.remove(&lane);
        }
        if let Some(kind) = kind {
            self.open.insert(lane, self.bands.len());
            self.bands.push(Band { kind, from_ms: t_ms, to_ms: None });
        }
    }

    fn close_all(&mut self, t_ms: u64, which: impl Fn(&Lane) -> bool) {
        let lanes: Vec<Lane> = self.open.keys().filter(|lane| which(lane)).cloned().collect();
        lanes.into_iter().for_each(|lane| self.set(lane, None, t_ms));
    }

    /// Whether with this event the first step runs from behind which nothing leads back.
    fn crosses(&mut self, event: &EventKind, after: &State) -> bool {
        let passed = rollback::point_passed(after).filter(|_| matches!(event, EventKind::StepStarted { .. }));
        let crosses = passed.is_some() && passed != self.point.as_ref();
        if crosses {
            self.point = passed.cloned();
        }
        crosses
    }

    fn mark(&mut self, event: &Event, t_ms: u64, after: &State) {
        let crosses = self.crosses(&event.event, after);
        let Some((kind, also)) = marked(event, after, crosses) else { return };
        let by = if matches!(event.by, By::Engine(_)) { None } else { Some(author(&event.by)) };
        let label = match &event.event {
            EventKind::StepStarted { step, .. } if crosses => {
                format!("{step} started: from here on nothing leads back behind {}", step.stage())
            }
            _ => describe(event),
        };
        self.marks.push(Mark { seq: event.seq, t_ms, kind, also, label, by });
    }
}

/// What mark an event leaves, in the first place and besides; most leave none.
fn marked(event: &Event, after: &State, crosses: bool) -> Option<(MarkKind, &'static [MarkKind])> {
    use EventKind as E;
    use MarkKind as M;
    let failed = is_failure(&event.event);
    // The state knows the event itself as its last.
    let decided = decisions::is_one(event, after.recent.iter().rev().nth(1).map(|event| &**event));
    let kind = match &event.event {
        E::SessionOpened(_)
        | E::EngineStarted { .. }
        | E::EngineStopping { .. }
        | E::SessionClosed { .. } => M::Session,
        E::OperatorJoined { .. }
        | E::OperatorLeft { .. }
        | E::WheelAsked
        | E::WheelOffered { .. }
        | E::WheelDeclined
        | E::WheelPassed { .. } => M::Person,
        E::StageEntered { .. } => M::Stage,
        E::Promoted { overridden, .. } if overridden.is_empty() => M::Stage,
        E::Promoted { .. } | E::OverrideAsked { .. } | E::OverrideDeclined { .. } => M::Override,
        E::StepStarted { .. } if crosses => M::PointOfNoReturn,
        E::StepUnknown { .. } | E::Unobserved { .. } => M::Unknown,
        E::SoakBroken { .. } | E::SoakReached { .. } => M::Soak,
        E::Voted { .. } => M::Vote,
        E::Paused | E::Resumed => M::Pause,
        E::TriggerArmed { .. }
        | E::TriggerCleared { .. }
        | E::TriggerVetoed { .. }
        | E::TriggerFired { .. } => M::Trigger,
        E::RollbackStarted { .. }
        | E::StageRolledBack { .. }
        | E::RollbackStuck { .. }
        | E::RollbackFinished { .. } => M::Rollback,
        E::NoteAdded { .. } => M::Note,
        _ if failed => M::Failure,
        _ if decided => M::Decision,
        _ => return None,
    };
    let also: &[M] = match (failed, decided) {
        (true, true) => &[M::Failure, M::Decision],
        (true, false) => &[M::Failure],
        (false, true) => &[M::Decision],
        (false, false) => &[],
    };
    Some((kind, also))
}
