//! Who sits where: the seat on arrival, and the wheel on its way from one to another.

use super::state::State;
use crate::event::{Person, Seat};

/// Where somebody sits who comes now: the wheel waits for whoever has it, and where nobody has it, it goes to the
/// first who does not only look on.
#[must_use]
pub fn seat_on_arrival(state: &State, person: &Person) -> Seat {
    match (&state.wheel, person.seat) {
        (_, Seat::Observer) => Seat::Observer,
        (None, _) => Seat::Driver,
        (Some(holder), _) if *holder == person.person => Seat::Driver,
        (Some(_), _) => Seat::Navigator,
    }
}
