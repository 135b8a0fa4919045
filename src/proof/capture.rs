//! What is taken from a step's output for later steps.

use serde_json::Value;

use super::{bytes, compile};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::Capture;

/// Why nothing could be captured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    #[error("the pattern of capture `{0}` matched nothing in the output")]
    NoMatch(String),
    #[error("the output is no JSON, so capture `{0}` has nothing to point into: {1}")]
    NoJson(String, String),
    #[error("capture `{0}` points at {1}, which is {2} in the output")]
    NoValue(String, String, &'static str),
    #[error("capture `{0}`: {1}")]
    Pattern(String, String),
    #[error("capture `{0}` takes {size}, and a value may have {most} at most", size = bytes(*.1 as u64), most = bytes(LONGEST_CAPTURE as u64))]
    TooLong(String, usize),
}

/// The longest value that a capture takes, in bytes: it is kept in the log and goes into command lines.
pub const LONGEST_CAPTURE: usize = 64 << 10;

/// Takes the value of capture `name` out of a command's decoded output: group 1 of the first match, or the value
/// that a JSON pointer points at (text as it is, anything else as JSON).
///
/// # Errors
/// Where there is nothing to take, or more than a value may have. Nothing is ever guessed: `null` and a group that took
/// no part are nothing.
pub fn capture(name: &str, capture: &Capture, output: &str, scope: &Scope) -> Result<String, CaptureError> {
    let value = take(name, capture, output, scope)?;
    match value.len() {
        0..=LONGEST_CAPTURE => Ok(value),
        longer => Err(CaptureError::TooLong(name.to_owned(), longer)),
    }
}

fn take(name: &str, capture: &Capture, output: &str, scope: &Scope) -> Result<String, CaptureError> {
    match capture {
        Capture::Regex(pattern) => {
            let regex = compile(pattern, scope).map_err(|why| CaptureError::Pattern(name.to_owned(), why))?;
            let group = regex.captures(output).and_then(|found| found.get(1));
            Ok(group.ok_or_else(|| CaptureError::NoMatch(name.to_owned()))?.as_str().to_owned())
        }
        Capture::Json(pointer) => {
            let document: Value = serde_json::from_str(output)
                .map_err(|e| CaptureError::NoJson(name.to_owned(), e.to_string()))?;
            match document.pointer(pointer) {
                None => Err(CaptureError::NoValue(name.to_owned(), pointer.clone(), "missing")),
                Some(Value::Null) => Err(CaptureError::NoValue(name.to_owned(), pointer.clone(), "null")),
                Some(Value::String(text)) => Ok(text.clone()),
                Some(value) => Ok(value.to_string()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::model::Pattern;

    #[test]
    fn a_pointer_takes_text_as_it_is_and_nothing_for_null() {
        let output = r#"{"id":"run-7","n":5,"none":null,"list":[1,2]}"#;
        let take = |pointer: &str| capture("x", &Capture::Json(pointer.into()), output, &Scope::default());
        assert_eq!(take("/id").unwrap(), "run-7");
        assert_eq!(take("/n").unwrap(), "5");
        assert_eq!(take("/list").unwrap(), "[1,2]");
        assert!(take("/none").is_err());
        assert!(take("/missing").is_err());
    }

    #[test]
    fn a_value_is_bounded_and_never_cut() {
        let take = |bytes| {
            capture("x", &Capture::Regex(Pattern("(.*)".into())), &"a".repeat(bytes), &Scope::default())
        };
        assert_eq!(take(LONGEST_CAPTURE).map(|value| value.len()), Ok(LONGEST_CAPTURE));
        let why = take(LONGEST_CAPTURE + 1024).expect_err("too long").to_string();
        assert_eq!(why, "capture `x` takes 65 KiB, and a value may have 64 KiB at most");
    }

    #[test]
    fn a_pattern_takes_its_first_group() {
        let take = |pattern: &str| {
            capture(
                "log",
                &Capture::Regex(Pattern(pattern.into())),
                "a\nevidence_log=/tmp/e.log\nb=2",
                &Scope::default(),
            )
        };
        assert_eq!(take(r"^evidence_log=(\S+)$").unwrap(), "/tmp/e.log");
        assert_eq!(take("^c=(.*)$"), Err(CaptureError::NoMatch("log".into())));
        assert_eq!(take("^b=2|c=(.)"), Err(CaptureError::NoMatch("log".into())));
    }
}
