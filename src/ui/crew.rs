//! The crew as it is shown: in which order, who is away and since when, and who can take the wheel.

use std::collections::HashSet;

use super::format;
use crate::clock::Now;
use crate::event::{Person, Seat};
use crate::runbook::StageId;
use crate::session::{Operator, StageState, State, roles};

/// Everybody who ever came: who has the wheel, then who is here in the order of their coming, then who has left.
#[must_use]
pub fn order(state: &State) -> Vec<&Operator> {
    let mut crew: Vec<_> = state.crew.values().collect();
    crew.sort_by_key(|operator| {
        let drives = state.wheel.as_ref() == Some(&operator.person.person);
        (!drives, operator.left.is_some(), operator.since.up_ms)
    });
    crew
}

/// Who is here and does not have the wheel, in the order of their coming.
#[must_use]
pub fn others(state: &State) -> Vec<&Operator> {
    let mut crew = order(state);
    crew.retain(|o| o.left.is_none() && state.wheel.as_ref() != Some(&o.person.person));
    crew
}

/// Whether somebody has the wheel and is not here.
#[must_use]
pub fn driver_is_away(state: &State) -> bool {
    state.wheel.is_some() && state.driver().is_none()
}

/// Since when somebody is not here.
#[must_use]
pub fn away_since(state: &State, name: &str) -> Option<Now> {
    state.crew.get(name)?.left
}

/// For how long somebody has not been here: `0:42`.
#[must_use]
pub fn away_for(state: &State, name: &str, now: Now) -> Option<String> {
    let left = away_since(state, name)?;
    Some(format::took(state.since(left, now)))
}

/// Whether somebody here could take the wheel: everybody but those who only look on.
#[must_use]
pub fn may_drive(state: &State, person: &Person) -> bool {
    state.seat_of(person) != Seat::Observer
}

/// Who is here and could second an override that `asker` asks for: whom the system can tell apart from them.
#[must_use]
pub fn seconds(state: &State, asker: &str) -> Vec<String> {
    let principal = |operator: &Operator| operator.credentials.principal(&operator.person.person);
    let Some(first) = state.crew.get(asker).and_then(principal) else { return Vec::new() };
    let here = state.present().filter(|operator| may_drive(state, &operator.person));
    let others = here.filter(|operator| principal(operator).is_some_and(|second| second != first));
    others.map(|operator| operator.person.person.clone()).collect()
}

/// How many people's GO stands: each counts once, under however many names.
#[must_use]
pub fn approvals(seen: &StageState) -> usize {
    let standing = seen.standing().filter(|vote| vote.go);
    let people: HashSet<_> = standing.map(|vote| vote.principal.as_ref().ok_or(&vote.person)).collect();
    people.len()
}

/// Whether the GO of somebody who stands for `role` stands.
#[must_use]
pub fn is_voted(seen: &StageState, role: &str) -> bool {
    seen.standing().any(|vote| vote.go && vote.role.as_deref() == Some(role))
}

/// Whether the gate of `stage` asks for a vote that `me` could give and has not given.
#[must_use]
pub fn wants_vote(state: &State, stage: &StageId, me: &Person) -> bool {
    let (Some(plan), Some(seen)) = (state.stage_plan(stage), state.stages.get(stage)) else { return false };
    let voted = seen.standing().any(|vote| vote.person == me.person);
    let more = !voted && approvals(seen) < usize::try_from(plan.gate.approvals).unwrap_or(usize::MAX);
    let open = |role: &String| roles::stands_for(state, &me.person, role) && !is_voted(seen, role);
    may_drive(state, me) && (more || plan.gate.roles.iter().any(open))
}
