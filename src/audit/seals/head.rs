//! The text that is signed: five lines, in one form only.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};

const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

/// A log's head, as a seal names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The session's name, as its log gives it.
    pub session: String,
    pub seq: u64,
    /// All 64 digits.
    pub hash: String,
    /// When it was sealed, as whoever sealed it says, to the second.
    pub at: DateTime<Utc>,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, seq, hash, at } = self;
        let at = at.format(TIME);
        write!(f, "gonogo seal 1\nsession: {session}\nseq: {seq}\nhash: {hash}\nsealed: {at}\n")
    }
}

impl Head {
    /// Reads a seal's text; any other form than the one that is written is none.
    ///
    /// # Errors
    /// A phrase.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let head = std::str::from_utf8(text).ok().and_then(Self::of);
        let same = head.filter(|head| head.to_string().as_bytes() == text && head.is_sound());
        same.ok_or_else(|| "its text is not that of a seal".to_owned())
    }

    fn of(text: &str) -> Option<Self> {
        let mut lines = text.lines().skip(1);
        let mut next = |key: &str| lines.next()?.strip_prefix(key);
        Some(Self {
            session: next("session: ")?.to_owned(),
            seq: next("seq: ")?.parse().ok()?,
            hash: next("hash: ")?.to_owned(),
            at: NaiveDateTime::parse_from_str(next("sealed: ")?, TIME).ok()?.and_utc(),
        })
    }

    fn is_sound(&self) -> bool {
        let hex = self.hash.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        self.seq > 0 && self.hash.len() == 64 && hex && !self.session.chars().any(char::is_control)
    }
}
