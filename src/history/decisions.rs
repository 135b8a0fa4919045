//! Who decided what and when, and what they knew: taken from the state before the event, which is what their screen
//! showed.

use crate::clock::Now;
use crate::event::{By, Event, EventKind, Health, NoteTag, Person, Seat, describe};
use crate::runbook::{CheckId, StageId};
use crate::session::gate::{self, Verdict};
use crate::session::{Hold, StageStatus, State, TriggerState, watch};

/// A person's decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub seq: u64,
    pub at: Now,
    pub by: Person,
    /// One line, without the reason.
    pub what: String,
    /// The reason or the note that they gave.
    pub reason: Option<String>,
    pub knew: Knew,
}

/// What there was to know at that moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Knew {
    /// The stage in hand; `None` before the first and between a rollback and what comes after it.
    pub stage: Option<StageId>,
    /// What its gate said; `None` where it had not come to its gate.
    pub verdict: Option<Verdict>,
    /// The checks that something needed and that were not green.
    pub not_green: Vec<Checked>,
    /// Why nothing new started, a sentence each: failures, unknowns, triggers, the pause.
    pub holds: Vec<String>,
    /// Triggers that counted down, a sentence each.
    pub counting_down: Vec<String>,
    /// The votes that stood at the gate.
    pub votes: Vec<VoteCast>,
    /// Who was at the controls, the one who decided among them.
    pub present: Vec<Present>,
}

/// A check as it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub check: CheckId,
    pub health: Health,
    pub value: Option<String>,
    pub reason: String,
    /// It is shown and never counted.
    pub advisory: bool,
}

/// A vote that stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteCast {
    pub person: String,
    pub role: Option<String>,
    pub go: bool,
    pub note: Option<String>,
}

/// Somebody at the controls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    pub person: String,
    pub seat: Seat,
    /// What they stood for.
    pub roles: Vec<String>,
}

impl Decision {
    /// The decision that an event records, if it does; `before` is the state without it.
    #[must_use]
    pub fn of(event: &Event, before: &State) -> Option<Self> {
        let By::Person(person) = &event.by else { return None };
        if !is_one(event, before.recent.back().map(|event| &**event)) {
            return None;
        }
        let reason = reason(&event.event).cloned();
        let line = describe(event);
        let told = reason.as_ref().and_then(|reason| line.strip_suffix(reason.as_str())?.strip_suffix(": "));
        let what = told.unwrap_or(&line).to_owned();
        let by = Person { seat: before.seat_of(person), ..person.clone() };
        Some(Self { seq: event.seq, at: event.now(), by, what, reason, knew: Knew::of(before) })
    }
}

/// Whether an event is a person's decision; `previous` is the event before it. What one command leads to is one
/// decision: that of its first event.
pub(super) fn is_one(event: &Event, previous: Option<&Event>) -> bool {
    use EventKind as E;
    if !matches!(event.by, By::Person(_)) {
        return false;
    }
    let follows = |leads: fn(&EventKind) -> bool| {
        previous.is_some_and(|p| p.seq + 1 == event.seq && p.by == event.by && leads(&p.event))
    };
    match &event.event {
        E::StageEntered { .. } => !follows(|kind| matches!(kind, E::Promoted { .. })),
        E::StepStarted { .. } => !follows(|kind| matches!(kind, E::StepResolved { .. })),
        E::SessionClosed { .. } => !follows(|kind| matches!(kind, E::Promoted { .. })),
        E::NoteAdded { tag, .. } => *tag == NoteTag::Decision,
        E::PolicyAcknowledged
        | E::StepResolved { .. }
        | E::StepSkipped { .. }
        | E::StepKilled { .. }
        | E::Confirmed { .. }
        | E::Declined { .. }
        | E::ItemTicked { .. }
        | E::Voted { .. }
        | E::OverrideAsked { .. }
        | E::OverrideDeclined { .. }
        | E::Promoted { .. }
        | E::Paused
        | E::Resumed
        | E::TriggerVetoed { .. }
        | E::DriftAccepted { .. }
        | E::RollbackStarted { .. }
        | E::WheelPassed { .. } => true,
        _ => false,
    }
}

fn reason(event: &EventKind) -> Option<&String> {
    use EventKind as E;
    match event {
        E::StepResolved { reason, .. }
        | E::StepSkipped { reason, .. }
        | E::DriftAccepted { reason, .. }
        | E::OverrideAsked { reason, .. } => Some(reason),
        E::Confirmed { note, .. }
        | E::Declined { note, .. }
        | E::ItemTicked { note, .. }
        | E::Voted { note, .. }
        | E::OverrideDeclined { note, .. } => note.as_ref(),
        E::Promoted { reason, .. }
        | E::TriggerVetoed { reason, .. }
        | E::RollbackStarted { reason, .. }
        | E::SessionClosed { reason, .. } => reason.as_ref(),
        _ => None,
    }
}

impl Knew {
    /// What `state` tells whoever decides on it.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let stage = state.current_stage();
        let at_gate = stage
            .and_then(|id| Some((id, state.stages.get(id)?)))
            .filter(|(_, stage)| stage.status == StageStatus::AtGate);
        let votes = at_gate.iter().flat_map(|(_, stage)| stage.standing()).map(|vote| VoteCast {
            person: vote.person.clone(),
            role: vote.role.clone(),
            go: vote.go,
            note: vote.note.clone(),
        });
        let present = state.present().map(|operator| Present {
            person: operator.person.person.clone(),
            seat: state.seat_of(&operator.person),
            roles: operator.roles.clone(),
        });
        Self {
            stage: stage.cloned(),
            verdict: at_gate.map(|(id, _)| gate::evaluate(state, id)),
            not_green: not_green(state),
            holds: holds(state),
            counting_down: counting_down(state),
            votes: votes.collect(),
            present: present.collect(),
        }
    }
}

fn not_green(state: &State) -> Vec<Checked> {
    let of = |check: CheckId| {
        let seen = state.check(&check);
        let advisory = state.runbook.as_ref().and_then(|r| r.check(&check)).is_some_and(|c| c.advisory);
        let (health, value, reason) = (seen.health, seen.value.clone(), seen.reason.clone());
        Checked { check, health, value, reason, advisory }
    };
    watch::needed(state).into_iter().filter(|check| !state.is_green(check)).map(of).collect()
}

fn holds(state: &State) -> Vec<String> {
    let paused = state.paused.as_ref().map(|pause| format!("the session is paused by {}", pause.by));
    state.holds().iter().map(Hold::sentence).chain(paused).collect()
}

fn counting_down(state: &State) -> Vec<String> {
    let armed = state.triggers.iter().filter_map(|(id, seen)| match seen {
        TriggerState::Armed { why, .. } => Some(format!("trigger {id} counts down: {why}")),
        _ => None,
    });
    armed.collect()
}
