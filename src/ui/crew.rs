//! The crew as it is shown: in which order, who is away and since when, and who can take the wheel.

use super::format;
use crate::clock::Now;
use crate::event::{Person, Seat};
use crate::session::{Operator, State};

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
    Some(format::took(now.up_ms.saturating_sub(left.up_ms)))
}

/// Whether somebody here could take the wheel: everybody but those who only look on.
#[must_use]
pub fn may_drive(state: &State, person: &Person) -> bool {
    state.seat_of(person) != Seat::Observer
}
