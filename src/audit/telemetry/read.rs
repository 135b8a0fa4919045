//! Reads `telemetry.jsonl` back, and goes on where it grows.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use super::line::Line;
use crate::session::telemetry::Measure;

/// What was sampled between two lines of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// The last event before the line was written.
    pub after: u64,
    /// Boot-clock time at which it was written; the samples began and ended before it.
    pub up_ms: u64,
    /// [`Measure::Sample`]s, in the order in which they came. The boot of the processes seen is not in the file.
    pub samples: Vec<Measure>,
}

/// The samples of a session, line by line.
#[derive(Debug)]
pub struct Samples {
    lines: BufReader<File>,
    /// The byte behind the last whole line.
    at: u64,
}

impl Samples {
    /// Reads the file at `path` from its beginning.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { lines: BufReader::with_capacity(1 << 16, File::open(path)?), at: 0 })
    }

    /// The byte behind the last whole line that was read.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Goes to byte `at`, where a line begins.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn go_to(&mut self, at: u64) -> io::Result<()> {
        match i64::try_from(at).ok().zip(i64::try_from(self.at).ok()) {
            // What was read ahead is kept where it can be.
            Some((to, from)) => self.lines.seek_relative(to - from)?,
            None => drop(self.lines.seek(SeekFrom::Start(at))?),
        }
        self.at = at;
        Ok(())
    }

    /// The next line that can be read, at the end `None`; it may be asked again once the file has grown. A line that
    /// is no line of ours is passed over: nothing is decided by samples, and `verify` tells who changed them.
    ///
    /// # Errors
    /// The file cannot be read.
    #[expect(clippy::should_implement_trait, reason = "it can fail, and its end is not the last word")]
    pub fn next(&mut self) -> io::Result<Option<Sampled>> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let length = self.lines.read_until(b'\n', &mut bytes)? as u64;
            if bytes.last() != Some(&b'\n') {
                // What is being written is read again when it is whole.
                self.lines.seek(SeekFrom::Start(self.at))?;
                return Ok(None);
            }
            self.at += length;
            if let Ok(Line { after, up_ms, s }) = serde_json::from_slice(&bytes) {
                let samples = s.into_iter().map(|kept| kept.into_measure(up_ms, "")).collect();
                return Ok(Some(Sampled { after, up_ms, samples }));
            }
        }
    }
}
