//! `output.idx`: which stream wrote which part of `output.log`, and when. One line of text a record,
//! `UP_MS OFFSET STREAM`: from OFFSET on, until the next record, the bytes are of STREAM (`o` stdout, `e`
//! stderr, `-` gonogo's own words about a cut and the mixed tail after them) and were written at UP_MS,
//! milliseconds since boot. A stream that goes on within 100 ms of its record gets no new one.

use std::fs::File;
use std::io::Write as _;

/// Milliseconds within which one record speaks for a stream that goes on.
const SPAN_MS: u64 = 100;

/// Who wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The command's stdout.
    Out,
    /// The command's stderr.
    Err,
    /// The shim itself: the words about a cut, and the tail of either stream after them.
    Shim,
}

/// One record of `output.idx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// When, in milliseconds since boot.
    pub up_ms: u64,
    /// The first byte in `output.log`.
    pub offset: u64,
    /// Who wrote.
    pub source: Source,
}

impl Entry {
    /// Reads one line, without its line end; `None` where it is not a record.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (up_ms, offset) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let source = match words.next()? {
            "o" => Source::Out,
            "e" => Source::Err,
            "-" => Source::Shim,
            _ => return None,
        };
        words.next().is_none().then_some(Self { up_ms, offset, source })
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let source = match self.source {
            Source::Out => 'o',
            Source::Err => 'e',
            Source::Shim => '-',
        };
        write!(f, "{} {} {source}", self.up_ms, self.offset)
    }
}

/// Writes the index. It is a help for the eye: where it cannot be written, the output still is.
pub struct Writer {
    file: File,
    last: Option<Entry>,
    waiting: String,
    due: Option<u64>,
}

impl Writer {
    /// A writer of an empty file.
    #[must_use]
    pub fn new(file: File) -> Self {
        Self { file, last: None, waiting: String::new(), due: None }
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
        let _ = self.file.write_all(self.waiting.as_bytes());
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_and_anything_else_is_none() {
        let entry = Entry { up_ms: 88_123, offset: 7, source: Source::Err };
        assert_eq!(entry.to_string(), "88123 7 e");
        assert_eq!(Entry::parse("88123 7 e"), Some(entry));
        for torn in ["", "88123", "88123 7", "88123 7 x", "88123 7 e more", "-1 7 e"] {
            assert_eq!(Entry::parse(torn), None, "{torn}");
        }
    }
}
