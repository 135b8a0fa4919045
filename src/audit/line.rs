//! One line of the log: exactly these bytes, so that anyone can check the chain with ten lines of another language.
//!
//! ```text
//! {"seq":…,"at":…,"up_ms":…,"by":…,"event":{…},"prev":"<64 hex>","hash":"<64 hex>"}
//! ```
//!
//! Compact, UTF-8, one LF. `hash` is the SHA-256 of all bytes before the last 75; `prev` is the line before's `hash`,
//! 64 zeros for the first.

use sha2::{Digest as _, Sha256};

use crate::event::Event;

/// A SHA-256 in lowercase hex.
pub type Hash = String;

/// `,"hash":"`, 64 hex digits, `"}`: what the hash does not cover.
pub const TAIL: usize = 75;
/// The longest line, its LF not counted.
pub const LONGEST: usize = 1 << 20;

const HASH_KEY: &str = ",\"hash\":\"";
const PREV_KEY: &str = ",\"prev\":\"";

/// What comes before the first line.
#[must_use]
pub fn genesis() -> Hash {
    "0".repeat(64)
}

/// Encodes an event behind `prev`: the line with its LF, and its hash.
///
/// # Errors
/// A sentence: the line would be longer than [`LONGEST`].
pub fn encode(event: &Event, prev: &str) -> Result<(Vec<u8>, Hash), String> {
    let mut line = serde_json::to_vec(event).map_err(|e| format!("event {} has no JSON: {e}", event.seq))?;
    // The event's own closing brace comes after prev and hash.
    line.pop();
    line.extend_from_slice(PREV_KEY.as_bytes());
    line.extend_from_slice(prev.as_bytes());
    line.push(b'"');
    let hash = base16ct::lower::encode_string(&Sha256::digest(&line));
    line.extend_from_slice(HASH_KEY.as_bytes());
    line.extend_from_slice(hash.as_bytes());
    line.extend_from_slice(b"\"}");
    if line.len() > LONGEST {
        return Err(format!(
            "event {} is {} bytes long; a line holds at most {LONGEST}",
            event.seq,
            line.len()
        ));
    }
    line.push(b'\n');
    Ok((line, hash))
}

/// Splits a line (without its LF) into what the hash covers, `prev` and `hash`, and checks the hash.
///
/// # Errors
/// What is wrong, as a phrase.
pub fn check(line: &[u8]) -> Result<(&str, &str), &'static str> {
    if line.len() > LONGEST {
        return Err("the line is longer than 1 MiB");
    }
    let covered = line.len().checked_sub(TAIL).ok_or("the line is too short to hold a hash")?;
    let (body, tail) = line.split_at(covered);
    let hash = tail
        .strip_prefix(HASH_KEY.as_bytes())
        .and_then(|rest| rest.strip_suffix(b"\"}"))
        .and_then(hex)
        .ok_or("the line does not end with a hash")?;
    let mut digits = [0; 64];
    if base16ct::lower::encode(&Sha256::digest(body), &mut digits) != Ok(hash.as_bytes()) {
        return Err("the hash does not fit the line");
    }
    let prev = body
        .len()
        .checked_sub(PREV_KEY.len() + 65)
        .and_then(|at| body[at..].strip_prefix(PREV_KEY.as_bytes()))
        .and_then(|rest| rest.strip_suffix(b"\""))
        .and_then(hex)
        .ok_or("the line has no hash of the line before")?;
    Ok((prev, hash))
}

fn hex(digits: &[u8]) -> Option<&str> {
    let good = digits.len() == 64 && digits.iter().all(|d| d.is_ascii_digit() || (b'a'..=b'f').contains(d));
    std::str::from_utf8(digits).ok().filter(|_| good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{By, EventKind};

    fn event() -> Event {
        let at = chrono::DateTime::from_timestamp_millis(1_795_000_000_113).expect("a date");
        Event { seq: 17, at, up_ms: 88_123_456, by: By::ENGINE, event: EventKind::Paused }
    }

    #[test]
    fn a_line_has_its_keys_in_order_and_its_hash_at_the_end() {
        let (line, hash) = encode(&event(), &genesis()).expect("short");
        let text = String::from_utf8(line).expect("UTF-8");
        let start = r#"{"seq":17,"at":"2026-11-18T11:06:40.113Z","up_ms":88123456,"by":"engine","event":{"kind":"paused"},"prev":"000"#;
        assert!(text.starts_with(start), "{text}");
        assert!(text.ends_with(&format!(",\"hash\":\"{hash}\"}}\n")), "{text}");
    }

    #[test]
    fn what_is_written_is_read_back_and_any_other_byte_is_seen() {
        let (mut line, hash) = encode(&event(), &genesis()).expect("short");
        line.pop();
        let read: Event = serde_json::from_slice(&line).expect("JSON");
        assert_eq!((read, check(&line)), (event(), Ok((genesis().as_str(), hash.as_str()))));
        for at in 0..line.len() {
            let mut changed = line.clone();
            changed[at] ^= 1;
            assert!(check(&changed).is_err(), "byte {at} was changed unseen");
        }
    }
}
