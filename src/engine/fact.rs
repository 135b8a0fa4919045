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
    let Ok(plain) = serde_json::to_value(&event) else { return event };
    let mut value = plain.clone();
    redactor.redact_json(&mut value);
    value["kind"].clone_from(&plain["kind"]);
    // A mask that made the event unreadable hit a word of the format itself, which is no secret: all else is masked.
    serde_json::from_value(value).ok().or_else(|| masked_but_words(plain, redactor)).unwrap_or(event)
}

/// The event with every text masked that it can be read without.
fn masked_but_words(mut event: Value, redactor: &Redactor) -> Option<EventKind> {
    let mut paths = Vec::new();
    texts(&event, &mut String::new(), &mut paths);
    for path in paths.into_iter().filter(|path| path != "/kind") {
        let mut masked = event.clone();
        redactor.redact_json(masked.pointer_mut(&path)?);
        if serde_json::from_value::<EventKind>(masked.clone()).is_ok() {
            event = masked;
        }
    }
    serde_json::from_value(event).ok()
}

/// Where the texts in a value are, as JSON pointers.
fn texts(value: &Value, at: &mut String, found: &mut Vec<String>) {
    let mut go_down = |key: &str, value: &Value| {
        let length = at.len();
        at.push('/');
        at.push_str(&key.replace('~', "~0").replace('/', "~1"));
        texts(value, at, found);
        at.truncate(length);
    };
    match value {
        Value::String(_) => found.push(at.clone()),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| go_down(&i.to_string(), item)),
        Value::Object(fields) => fields.iter().for_each(|(name, field)| go_down(name, field)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
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
    use crate::event::{By, Health, Proof, StepFinished};
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

    #[test]
    fn a_secret_that_is_a_word_of_the_format_is_masked_in_all_that_may_hold_it() {
        let redactor = Redactor::new([("odd", "step_finished"), ("even", "failing")]).expect("long enough");
        let finish = StepFinished {
            step: "one.look".into(),
            attempt: 1,
            passed: false,
            why: "step_finished, failing".into(),
            proofs: vec![Proof { expected: "a/b".into(), met: false, seen: "it said failing".into() }],
            exit: None,
            took_ms: 1,
            output: None,
            captures: [("a~/b".to_owned(), "failing".to_owned())].into(),
            remains: Vec::new(),
        };
        let EventKind::StepFinished(shown) = masked(EventKind::StepFinished(Box::new(finish)), &redactor)
        else {
            panic!("another kind");
        };
        assert_eq!((&*shown.why, &*shown.proofs[0].seen), ("******, ******", "it said ******"));
        assert_eq!(shown.captures["a~/b"], "******");
        let changed = EventKind::CheckChanged {
            check: "answers".into(),
            from: Health::Ok,
            to: Health::Failing,
            reason: "failing".into(),
            value: None,
            since: 0,
        };
        let EventKind::CheckChanged { to, reason, .. } = masked(changed, &redactor) else {
            panic!("another kind");
        };
        assert_eq!((to, &*reason), (Health::Failing, "******"));
    }
}
