//! What every session's log is held to, whatever its test is about: it can be read back and gone on with.

use std::path::Path;

use gonogo::audit::reader;
use gonogo::session::{State, legal};

/// Reads a log, which may be live, and runs it through the rules.
pub(crate) fn hold(log: &Path) -> State {
    let log = reader::read(log).expect("a whole log");
    let mut state = State::default();
    for event in &log.events {
        if let Err(why) = legal(&state, event) {
            panic!("event {} could not be gone on from: {why}: {:?}", event.seq, event.event);
        }
        state.apply(event);
    }
    state
}
