//! Who sits where, who counts as one person, and the wheel on its way from one to another. Nobody who vanishes takes
//! the cutover along: an offer ends with either side, and a wheel whose holder is away may be taken.

use super::Refusal;
use super::decide::{Decision, refuse};
use super::state::{Operator, State, WheelOffer};
use crate::event::{EventKind, Person, Principal, Seat};

/// Where somebody sits who comes now: the wheel waits for whoever has it, and where nobody has it, it goes to the
/// first who would drive.
#[must_use]
pub fn seat_on_arrival(state: &State, person: &Person) -> Seat {
    match (&state.wheel, person.seat) {
        (_, Seat::Observer) => Seat::Observer,
        (None, wish) => wish,
        (Some(holder), _) if *holder == person.person => Seat::Driver,
        (Some(_), _) => Seat::Navigator,
    }
}

/// Who somebody at the controls is; `None` where they cannot be told apart from others, or never came.
#[must_use]
pub fn principal_of(state: &State, person: &Person) -> Option<Principal> {
    let known = state.crew.get(&person.person).filter(|known| known.person.uid == person.uid)?;
    known.credentials.principal(&person.person)
}

/// What somebody does whom the system cannot tell apart from others.
#[must_use]
pub fn tell_apart(who: &str) -> String {
    format!("{who} cannot be told apart: come with `gonogo attach --as NAME`")
}

/// Whether somebody has come and not left.
#[must_use]
pub fn is_here(state: &State, name: &str) -> bool {
    state.crew.get(name).is_some_and(|operator| operator.left.is_none())
}

/// The one who asks, as they came to the controls.
pub(super) fn here<'a>(state: &'a State, operator: &Person) -> Result<&'a Operator, Refusal> {
    let known = state.crew.get(&operator.person);
    known
        .filter(|known| known.left.is_none() && known.person.uid == operator.uid)
        .ok_or_else(|| Refusal::new(format!("{} is not at the controls: attach first", operator.person)))
}

/// Who has the wheel, where that is somebody who is away, or is here only to look on.
fn away(state: &State) -> Option<&str> {
    state.wheel.as_deref().filter(|_| state.driver().is_none())
}

pub(super) fn ask_wheel(state: &State, operator: &Person) -> Decision {
    let name = &here(state, operator)?.person.person;
    if operator.seat == Seat::Driver {
        return refuse("you have the wheel");
    }
    if let Some(holder) = away(state) {
        return refuse(format!("{holder}, who has the wheel, is away: take it"));
    }
    if state.wheel.is_none() {
        return refuse("nobody has the wheel: take it");
    }
    // One that stands needs no second record.
    Ok(if state.wheel_asked.contains(name) { Vec::new() } else { vec![EventKind::WheelAsked] })
}

pub(super) fn offer_wheel(state: &State, operator: &Person, to: &str) -> Decision {
    let from = &here(state, operator)?.person.person;
    if to == from {
        return refuse("you have the wheel");
    }
    match state.crew.get(to) {
        Some(other) if other.left.is_some() => {
            return refuse(format!("{to} is away: offer it to somebody who is here"));
        }
        Some(other) if other.person.seat == Seat::Observer => {
            return refuse(format!("{to} only looks on: {to} comes without `--observe` first"));
        }
        Some(_) => {}
        None => return refuse(format!("nobody of the name {to} is here: `gonogo attach` lets them come")),
    }
    let offer = WheelOffer { from: from.clone(), to: to.to_owned() };
    let stands = state.wheel_offer.as_ref() == Some(&offer);
    Ok(if stands { Vec::new() } else { vec![EventKind::WheelOffered { to: offer.to }] })
}

pub(super) fn accept_wheel(state: &State, operator: &Person) -> Decision {
    let name = &here(state, operator)?.person.person;
    let Some(offer) = &state.wheel_offer else {
        return refuse("the wheel is not on offer: ask for it");
    };
    if offer.to != *name {
        return refuse(format!("the wheel is on offer to {}: ask for it", offer.to));
    }
    let passed = EventKind::WheelPassed { from: Some(offer.from.clone()), to: name.clone() };
    Ok(vec![EventKind::HandoverAcknowledged, passed])
}

/// Declines an offer or takes one's own back; where there is none, an asking: one's own, or as the driver all of them.
pub(super) fn decline_wheel(state: &State, operator: &Person) -> Decision {
    let name = &here(state, operator)?.person.person;
    let of_mine = state.wheel_offer.as_ref().is_some_and(|o| o.from == *name || o.to == *name);
    let asked = match operator.seat {
        Seat::Driver => !state.wheel_asked.is_empty(),
        Seat::Navigator | Seat::Observer => state.wheel_asked.contains(name),
    };
    if of_mine || asked {
        return Ok(vec![EventKind::WheelDeclined]);
    }
    match &state.wheel_offer {
        Some(offer) => refuse(format!("the wheel is on offer from {} to {}", offer.from, offer.to)),
        None => refuse("nobody offers the wheel or asks for it"),
    }
}

pub(super) fn take_wheel(state: &State, operator: &Person) -> Decision {
    let to = here(state, operator)?.person.person.clone();
    match &state.wheel {
        Some(holder) if *holder == to => refuse("you have the wheel"),
        Some(holder) if away(state).is_none() => {
            refuse(format!("{holder} has the wheel and is here: ask for it"))
        }
        holder => Ok(vec![EventKind::WheelPassed { from: holder.clone(), to }]),
    }
}
