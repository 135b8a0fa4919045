//! Writes `output.idx`, which says which stream wrote which part of `output.log`, and when; [`outputs`](crate::audit::outputs)
//! reads it.

use std::fs::File;
use std::io::{self, Write as _};

pub use crate::audit::outputs::{Entry, Source};

/// Milliseconds within which one record speaks for a stream that goes on.
const SPAN_MS: u64 = 100;

/// Writes the index. Where it cannot be written the output still is; whoever closes it is told.
pub struct Writer {
    file: File,
    last: Option<Entry>,
    waiting: String,
    due: Option<u64>,
    error: Option<io::Error>,
}

impl Writer {
    /// A writer of an empty file.
    #[must_use]
    pub fn new(file: File) -> Self {
        Self { file, last: None, waiting: String::new(), due: None, error: None }
    }

    /// Notes that `source` writes at `offset` now.
    pub fn note(&mut self, entry: Entry) {
        let goes_on =
            |last: Entry| last.source == entry.source && entry.up_ms.saturating_sub(last.up_ms) < SPAN_MS;
        if !self.last.is_some_and(goes_on) {
            if self.waiting.is_empty() {
                self.due = Some(entry.up_ms + SPAN_MS);
            }
            self.waiting.push_str(&format!("{entry}\n"));
            self.last = Some(entry);
        }
        if self.waiting.len() > 16 * 1024 {
            self.flush();
        }
    }

    /// When the records that wait should be written, in milliseconds since boot.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        self.due.filter(|_| !self.waiting.is_empty())
    }

    /// Writes what waits.
    pub fn flush(&mut self) {
        if let Err(e) = self.file.write_all(self.waiting.as_bytes()) {
            self.error.get_or_insert(e);
        }
        self.waiting.clear();
    }

    /// Ends the index, durably: the result that follows is judged by it.
    ///
    /// # Errors
    /// What the system said first, now or earlier.
    pub fn finish(&mut self) -> io::Result<()> {
        self.flush();
        match (self.error.take(), self.last) {
            (Some(e), _) => Err(e),
            (None, Some(_)) => self.file.sync_data(),
            (None, None) => Ok(()),
        }
    }
}
