//! Commands into events: the transition table.

use super::{Command, Refusal, State};
use crate::clock::Now;
use crate::event::{EventKind, Person};

/// What a command leads to now, or why it is refused. `seen_seq` is the last event that the operator had seen.
///
/// # Errors
/// The refusal, in words that an operator reads.
pub fn decide(
    _state: &State,
    _command: &Command,
    _operator: &Person,
    _seen_seq: u64,
    _now: Now,
) -> Result<Vec<EventKind>, Refusal> {
    Err(Refusal::new("nothing yet"))
}
