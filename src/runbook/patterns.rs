//! Patterns, compiled once: a check that is polled for a day and a runbook that names a pattern twice share one.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};

/// How many are kept; above that all are dropped and compiled anew when they are needed.
const KEPT: usize = 1024;

/// A pattern as runbooks mean it: `^` and `$` are the ends of lines.
///
/// # Errors
/// It is no regular expression, or too large a one.
pub fn of_lines(pattern: &str) -> Result<Regex, regex::Error> {
    compiled(pattern, true)
}

/// A pattern that the whole of a text is held against, line breaks included.
///
/// # Errors
/// As [`of_lines`].
pub fn of_all(pattern: &str) -> Result<Regex, regex::Error> {
    compiled(&format!("^(?:{pattern})$"), false)
}

fn compiled(source: &str, multi_line: bool) -> Result<Regex, regex::Error> {
    static KNOWN: LazyLock<Mutex<HashMap<(String, bool), Regex>>> = LazyLock::new(Mutex::default);
    let key = (source.to_owned(), multi_line);
    if let Some(regex) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(regex.clone());
    }
    // Not under the lock: a large one takes its time, and the others need not wait for it.
    let regex = RegexBuilder::new(source).multi_line(multi_line).build()?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= KEPT {
        known.clear();
    }
    known.insert(key, regex.clone());
    Ok(regex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_lines_and_of_all_is_kept_apart() {
        for _ in 0..2 {
            assert!(of_lines("^b$").expect("a pattern").is_match("a\nb\n"));
            assert!(!of_all("b").expect("a pattern").is_match("a\nb\n"));
            assert!(of_lines("(").is_err());
        }
    }
}
