//! An event: the line that it is in the log, opened up.

use crate::event::{By, describe};
use crate::ui::popups::Context;
use crate::ui::popups::row::{Row, Tone};

pub fn rows(seq: u64, cx: &Context) -> Option<Vec<Row>> {
    let event = cx.state.recent.iter().find(|event| event.seq == seq)?;
    let by = match &event.by {
        By::Engine(_) => "the engine".to_owned(),
        By::Trigger { trigger } => format!("trigger {trigger}"),
        By::Person(person) => format!("{} ({}, uid {})", person.person, person.seat.word(), person.uid),
    };
    let mut rows = vec![
        Row::title(format!("#{seq:04} {}", cx.now.second(event.at))).and(Tone::Dim, format!("  {by}")),
        Row::new(describe(event)),
        Row::blank(),
    ];
    let json = serde_json::to_string_pretty(&**event)
        .unwrap_or_else(|error| format!("it cannot be written: {error}"));
    rows.extend(Row::exact(Tone::Plain, &json));
    Some(rows)
}
