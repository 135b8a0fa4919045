//! One human line a kind: what the audit panel, the headless printer and the report show.

use super::{Event, EventKind};

/// The event as one line, without its number, time and author. It may hold text that others wrote: pass it through
/// `text::safe` before a terminal.
#[must_use]
pub fn describe(event: &Event) -> String {
    match &event.event {
        EventKind::Unknown => "something that a newer gonogo recorded".to_owned(),
        other => format!("{other:?}"),
    }
}
