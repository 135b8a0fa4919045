//! What follows by itself from the state and the time: steps that start, gates that turn, soaks that end, triggers
//! that fire, rollbacks that go on.

use super::State;
use crate::clock::Now;
use crate::event::{By, EventKind};

/// What follows, and when to look again.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    pub events: Vec<(By, EventKind)>,
    /// The next boot-clock time at which something may follow that does not follow now.
    pub next_up_ms: Option<u64>,
}

/// What follows from `state` at `now`.
#[must_use]
pub fn settle(_state: &State, _now: Now) -> Settled {
    Settled::default()
}
