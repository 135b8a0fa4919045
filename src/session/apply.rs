//! The fold: the only writer of [`State`].

use std::sync::Arc;

use super::state::State;
use crate::event::Event;

impl State {
    /// Folds one event in. Total: an event that does not fit changes what it can and nothing else; one that was
    /// folded already is passed over; a gap in the numbers is noted.
    pub fn apply(&mut self, event: &Arc<Event>) {
        self.seq = event.seq;
    }
}
