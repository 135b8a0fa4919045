//! What is known of a cutover. Only `apply.rs` writes it.

mod situation;
mod stage;
mod step;

pub use situation::{Hold, Situation};
pub use stage::{GateSeen, Soak, StageState, StageStatus, Tick};
pub use step::{Ending, StepState, StepStatus};

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::Serialize;

use super::guarded::{DriftSeen, Frozen, LinkWas, Snapshot};
use super::notices::Notice;
use crate::clock::Now;
use crate::event::{
    Credentials, Event, Health, Measured, NoteTag, Outcome, PastSessions, Person, Seat, SessionOpened,
};
use crate::runbook::model::{Runbook, Stage, Step};
use crate::runbook::{CheckId, StageId, StepId, TriggerId};

/// How many of the last events a state keeps for the audit panel.
pub const RECENT_EVENTS: usize = 500;
/// How many of the last notes.
pub const RECENT_NOTES: usize = 50;

/// The fold of the log.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The first event: the session's name, mode, host, vars. `None` before it.
    pub opened: Option<Arc<SessionOpened>>,
    /// The runbook as this build reads it; `None` where it cannot.
    pub runbook: Option<Arc<Runbook>>,
    /// The last event's number.
    pub seq: u64,
    /// The last event after which an advance or a rollback that was decided on an older view is refused.
    pub decisive_seq: u64,
    /// Numbers that were missing, as `(last seen, next seen)`.
    pub gaps: Vec<(u64, u64)>,
    /// When the first and the last event happened.
    pub started: Option<Now>,
    pub last: Option<Now>,
    pub boot_id: Option<String>,
    /// When the engine at work took over from another one; `None` where it is the first.
    pub taken_over: Option<Now>,
    /// What earlier sessions teach; `None` where nobody looked.
    pub past: Option<Arc<PastSessions>>,
    /// The machine was restarted since the session was opened.
    pub rebooted: bool,
    pub policy_acknowledged: bool,
    pub paused: Option<Pause>,
    /// In the runbook's order.
    pub stages: IndexMap<StageId, StageState>,
    pub steps: BTreeMap<StepId, StepState>,
    pub checks: BTreeMap<CheckId, CheckState>,
    pub triggers: BTreeMap<TriggerId, TriggerState>,
    /// The rollback that runs, is stuck, or has ended last.
    pub rollback: Option<RollbackState>,
    pub captures: IndexMap<String, String>,
    /// What was measured of the old system.
    pub baselines: Baselines,
    /// The copies that `snapshot` steps made, since their stage was entered, and those that are still to be put back.
    pub snapshots: BTreeMap<StepId, Snapshot>,
    /// What `link` steps found, since their stage was entered.
    pub links: BTreeMap<StepId, LinkWas>,
    /// What frozen files are to be; `None` before they were looked at.
    pub frozen: Option<Arc<Frozen>>,
    pub drift: Option<DriftSeen>,
    /// Everybody who ever came to the controls, by name.
    pub crew: IndexMap<String, Operator>,
    /// Who has the wheel, also while they are away.
    pub wheel: Option<String>,
    pub wheel_offer: Option<WheelOffer>,
    /// Who would like the wheel, by name.
    pub wheel_asked: Vec<String>,
    pub outcome: Option<(Outcome, Now)>,
    /// The last notes, oldest first.
    pub notes: VecDeque<Note>,
    pub recent: VecDeque<Arc<Event>>,
    /// Those who are being told of something; nothing waits for them.
    pub notices: Vec<Notice>,
}

/// Somebody at the controls, or who was.
#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    pub person: Person,
    pub credentials: Credentials,
    /// What they stand for.
    pub roles: Vec<String>,
    pub since: Now,
    /// When they left, while they are away.
    pub left: Option<Now>,
}

/// The wheel on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelOffer {
    pub from: String,
    pub to: String,
}

/// What somebody wrote down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The event's number.
    pub seq: u64,
    pub tag: NoteTag,
    pub text: String,
    pub by: String,
    pub at: DateTime<Utc>,
    /// The file that was attached, relative to the session's folder.
    pub attached: Option<String>,
}

/// Who paused, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    pub by: String,
    pub at: DateTime<Utc>,
}

/// One check as far as decisions know it.
#[derive(Debug, Clone, Default)]
pub struct CheckState {
    pub health: Health,
    pub reason: String,
    pub value: Option<String>,
    /// Boot-clock time of the first sample of the streak that led here.
    pub since: u64,
    /// When this health was recorded.
    pub changed: Option<Now>,
}

/// One trigger.
#[derive(Debug, Clone, PartialEq)]
pub enum TriggerState {
    /// Nothing from before this boot-clock time counts any more.
    Quiet {
        since: u64,
    },
    /// Its condition is reached; it fires at this boot-clock time unless it is vetoed or its check turns green.
    Armed {
        why: String,
        fires_at: u64,
    },
    /// Silenced until its check was green again.
    Vetoed,
    Fired {
        why: String,
        holding: bool,
    },
}

/// A rollback.
#[derive(Debug, Clone)]
pub struct RollbackState {
    pub to: StageId,
    pub full: bool,
    /// What runs, in order.
    pub steps: Vec<StepId>,
    pub reason: Option<String>,
    pub started: Now,
    /// When it came to `[rollback.gate]`.
    pub at_gate: Option<Now>,
    pub stuck: Option<Stuck>,
    pub finished: Option<Now>,
}

/// Why a rollback does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    pub since: Now,
    pub step: Option<StepId>,
    pub why: String,
    pub remaining: Vec<StepId>,
}

/// What `baseline` steps measured: baseline → check → number.
pub type Baselines = IndexMap<String, IndexMap<CheckId, Measured>>;

impl State {
    /// What a log says.
    #[must_use]
    pub fn of(events: &[Arc<Event>]) -> Self {
        let mut state = Self::default();
        events.iter().for_each(|event| state.apply(event));
        state
    }

    /// The runbook's stage of that name.
    #[must_use]
    pub fn stage_plan(&self, id: &StageId) -> Option<&Stage> {
        self.runbook.as_ref()?.stage(id)
    }

    /// The runbook's step of that name.
    #[must_use]
    pub fn step_plan(&self, id: &StepId) -> Option<&Step> {
        self.runbook.as_ref()?.step(id)
    }

    /// The state of a step; a step that was never touched is pending.
    #[must_use]
    pub fn step(&self, id: &StepId) -> &StepState {
        static UNTOUCHED: std::sync::LazyLock<StepState> = std::sync::LazyLock::new(StepState::default);
        self.steps.get(id).unwrap_or(&UNTOUCHED)
    }

    /// The state of a check; one that was never polled is idle.
    #[must_use]
    pub fn check(&self, id: &CheckId) -> &CheckState {
        static IDLE: std::sync::LazyLock<CheckState> = std::sync::LazyLock::new(CheckState::default);
        self.checks.get(id).unwrap_or(&IDLE)
    }

    /// Whether a check is green: `ok` and nothing else. One that does not apply here is not asked.
    #[must_use]
    pub fn is_green(&self, id: &CheckId) -> bool {
        let applies = self.runbook.as_ref().and_then(|r| r.check(id)).is_none_or(|check| check.applies);
        !applies || self.check(id).health == Health::Ok
    }

    /// Whether a check stands in the way of a gate: it counts, and is not green.
    #[must_use]
    pub fn blocks(&self, id: &CheckId) -> bool {
        let advisory = self.runbook.as_ref().and_then(|r| r.check(id)).is_some_and(|check| check.advisory);
        !advisory && !self.is_green(id)
    }

    /// The stage in hand: active or at its gate.
    #[must_use]
    pub fn current_stage(&self) -> Option<&StageId> {
        self.stages
            .iter()
            .find(|(_, s)| {
                matches!(s.status, StageStatus::Active | StageStatus::AtGate | StageStatus::RollingBack)
            })
            .map(|(id, _)| id)
    }

    /// The first stage that is still to be entered, while none is in hand or after the one in hand.
    #[must_use]
    pub fn next_stage(&self) -> Option<&StageId> {
        self.stages
            .iter()
            .find(|(_, s)| matches!(s.status, StageStatus::Pending | StageStatus::RolledBack))
            .map(|(id, _)| id)
    }

    /// Who has the wheel and is here, not only to look on.
    #[must_use]
    pub fn driver(&self) -> Option<&Person> {
        let drives =
            |o: &&Operator| Some(&o.person.person) == self.wheel.as_ref() && o.person.seat != Seat::Observer;
        self.present().find(drives).map(|o| &o.person)
    }

    /// Who is here.
    pub fn present(&self) -> impl Iterator<Item = &Operator> {
        self.crew.values().filter(|operator| operator.left.is_none())
    }

    /// Where somebody sits now: the wheel decides who drives, and how they came the rest. A seat that is claimed
    /// counts only as long as nobody has the wheel; who claims to look on only looks on, whatever else they might.
    #[must_use]
    pub fn seat_of(&self, person: &Person) -> Seat {
        let known = self.crew.get(&person.person).filter(|operator| operator.left.is_none());
        let came = known.map_or(person.seat, |operator| operator.person.seat);
        match (&self.wheel, person.seat, came) {
            (_, Seat::Observer, _) | (Some(_), _, Seat::Observer) => Seat::Observer,
            (None, claimed, _) => claimed,
            (Some(holder), ..) if *holder == person.person => Seat::Driver,
            (Some(_), ..) => Seat::Navigator,
        }
    }

    /// Whether the session has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.outcome.is_some()
    }

    /// A rollback is under way or stuck.
    #[must_use]
    pub fn active_rollback(&self) -> Option<&RollbackState> {
        self.rollback.as_ref().filter(|r| r.finished.is_none())
    }

    /// The runbook has a policy that nobody has acknowledged yet.
    #[must_use]
    pub fn needs_acknowledgement(&self) -> bool {
        !self.policy_acknowledged && self.runbook.as_ref().is_some_and(|r| !r.policy.is_empty())
    }

    /// Milliseconds since the session was opened.
    #[must_use]
    pub fn elapsed_ms(&self, now: Now) -> u64 {
        // What is over does not go on.
        let now = self.outcome.as_ref().map_or(now, |(_, closed)| *closed);
        self.started.map_or(0, |start| self.since(start, now))
    }

    /// Milliseconds from one moment of the session to a later one: by the boot clock, and by the wall clock where that
    /// began anew since the session was opened.
    #[must_use]
    pub fn since(&self, then: Now, now: Now) -> u64 {
        match self.rebooted {
            false => now.up_ms.saturating_sub(then.up_ms),
            true => u64::try_from((now.at - then.at).num_milliseconds()).unwrap_or(0),
        }
    }
}
