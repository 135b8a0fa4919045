//! JSON as it is printed: what could steer a terminal, reverse a line or hide in it stands as `\u….`. Every
//! reader of JSON gets the same values, and a person sees what is there.

use std::fmt::Write as _;

use super::is_allowed;

/// The same document with an escape for whatever a terminal would not show as it is.
///
/// Outside of strings JSON is ASCII, so whatever is not allowed stands in one; a line break stands between them.
#[must_use]
pub fn visible_json(json: String) -> String {
    let hides = |c: char| c != '\n' && !is_allowed(c);
    if !json.contains(hides) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if hides(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_escaped_and_reads_back_the_same() {
        let value = serde_json::json!({ "a\u{9b}31m": "\u{1b}[2J\u{202e}\u{e0041}\u{7f}é漢🙂\n" });
        for json in [visible_json(value.to_string()), visible_json(format!("{value:#}"))] {
            assert!(json.chars().all(|c| c == '\n' || is_allowed(c)), "{json:?}");
            assert!(
                json.contains("\\u009b") && json.contains("\\udb40\\udc41") && json.contains("é漢🙂"),
                "{json}"
            );
            assert_eq!(serde_json::from_str::<serde_json::Value>(&json).expect("JSON"), value);
        }
    }
}
