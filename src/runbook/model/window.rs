//! The change window: when the work may be done.

use chrono::{DateTime, Utc};

/// The time that was granted for the cutover. It is shown and warned about, and locks nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeWindow {
    /// Before it nothing should be touched; `None`: it is open already.
    pub opens: Option<DateTime<Utc>>,
    /// By then everything should be done, or undone; `None`: it stays open.
    pub closes: Option<DateTime<Utc>>,
}

impl ChangeWindow {
    /// From when until when: `from 2026-11-21 02:00Z until 2026-11-21 04:00Z`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let moment = |word: &str, at: &DateTime<Utc>| format!("{word} {}", at.format("%Y-%m-%d %H:%MZ"));
        let ends = [
            self.opens.as_ref().map(|at| moment("from", at)),
            self.closes.as_ref().map(|at| moment("until", at)),
        ];
        ends.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}
