//! A fact as the log may hold it: no secret in it, and no longer than a line.

use serde_json::Value;

use crate::audit::line::LONGEST;
use crate::event::EventKind;
use crate::redact::Redactor;
use crate::text::shortened;

/// The event with every secret in it masked. The runbook's own text is kept to the letter: its digest vouches for it.
pub(super) fn masked(event: EventKind, redactor: &Redactor) -> EventKind {
    if redactor.is_empty() || matches!(event, EventKind::SessionOpened(_)) {
        return event;
    }
    let Ok(mut value) = serde_json::to_value(&event) else { return event };
    redactor.redact_json(&mut value);
    // A mask that made the event unreadable hit a name of the format itself; such an event holds nothing else.
    serde_json::from_value(value).unwrap_or(event)
}

/// Room in a line of the log for an event's number, times, author and hashes.
const ENVELOPE: usize = 16 << 10;

/// The event as one line of the log holds it: where it is longer, its longest texts are cut, and say so. What an
/// operator reads may be cut; a captured value never, for a part of it would be another value.
pub(super) fn fitting(event: EventKind) -> EventKind {
    let most = LONGEST - ENVELOPE;
    let fits = serde_json::to_vec(&event).is_ok_and(|json| json.len() <= most);
    if fits || matches!(event, EventKind::SessionOpened(_)) {
        return event;
    }
    let Ok(whole) = serde_json::to_value(&event) else { return event };
    let mut value = whole.clone();
    // Names are far shorter than the shortest of these.
    for text in [16 << 10, 4 << 10, 1 << 10, 256] {
        value.clone_from(&whole);
        shorten(&mut value, text);
        if value.to_string().len() <= most {
            break;
        }
    }
    serde_json::from_value(value).unwrap_or(event)
}

fn shorten(value: &mut Value, most: usize) {
    match value {
        Value::String(text) => *text = shortened(text, most).into_owned(),
        Value::Array(all) => all.iter_mut().for_each(|value| shorten(value, most)),
        Value::Object(map) => {
            map.iter_mut().filter(|(key, _)| *key != "captures").for_each(|(_, value)| shorten(value, most));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::line;
    use crate::engine::work::stamp;
    use crate::event::{By, Proof, StepFinished};
    use crate::session::State;

    #[test]
    fn whatever_others_wrote_a_fact_fits_into_one_line_of_the_log_and_no_captured_value_is_cut() {
        let seen = "\u{1}".repeat(600 << 10);
        let capture = "x".repeat(64 << 10);
        let finish = StepFinished {
            step: "switch.flip".into(),
            attempt: 1,
            passed: false,
            why: "no match".to_owned(),
            proofs: vec![Proof::new("output matches /x/", false, seen); 20],
            exit: Some(1),
            took_ms: 7,
            output: None,
            captures: [("id".to_owned(), capture.clone())].into(),
            remains: Vec::new(),
        };
        let event = fitting(EventKind::StepFinished(Box::new(finish)));
        let event = stamp(&State::default(), crate::clock::now(), By::ENGINE, event);
        line::encode(&event, &line::genesis()).expect("it fits");
        let EventKind::StepFinished(finish) = &event.event else { panic!("still the same fact") };
        assert!(finish.proofs[0].seen.ends_with("bytes more)"));
        assert_eq!((finish.step.as_str(), &finish.captures["id"]), ("switch.flip", &capture));
    }
}
