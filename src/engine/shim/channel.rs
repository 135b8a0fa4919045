//! One of the command's two pipes: bytes in, redacted whole lines out. A line that is not ended waits a
//! moment for its end, so that two streams mix by lines, and then passes, so that a prompt is seen.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;

use super::index::Source;
use crate::redact::{Redactor, Stream};

/// Milliseconds that an unfinished line waits for its end.
const PARTIAL_MS: u64 = 100;

/// Bytes of an unfinished line that are worth waiting with.
const PARTIAL_MAX: usize = 64 * 1024;

/// The reading end of one pipe.
pub struct Channel {
    /// `None` when every writer has closed it.
    pub pipe: Option<File>,
    /// Which stream it is.
    pub source: Source,
    redact: Stream,
    /// Redacted bytes of a line that is not ended.
    partial: Vec<u8>,
    /// When the first of them came.
    since: u64,
}

impl Channel {
    /// A channel over a pipe.
    pub fn new(pipe: OwnedFd, source: Source, redactor: &Redactor) -> Self {
        Self {
            pipe: Some(File::from(pipe)),
            source,
            redact: redactor.stream(),
            partial: Vec::new(),
            since: 0,
        }
    }

    /// Reads what is there (it blocks where nothing is) and gives whole lines to `emit`.
    pub fn pump(&mut self, buffer: &mut [u8], up_ms: u64, emit: &mut impl FnMut(&[u8])) {
        let Some(pipe) = &mut self.pipe else { return };
        match pipe.read(buffer) {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => {
                self.pipe = None;
                self.redact.finish(&mut self.partial);
                self.flush(emit);
            }
            Ok(n) => {
                let before = self.partial.len();
                if before == 0 {
                    self.since = up_ms;
                }
                self.redact.feed(&buffer[..n], &mut self.partial);
                let lines =
                    self.partial[before..].iter().rposition(|b| *b == b'\n').map(|at| before + at + 1);
                match lines {
                    Some(end) => {
                        emit(&self.partial[..end]);
                        self.partial.drain(..end);
                        self.since = up_ms;
                    }
                    None if self.partial.len() > PARTIAL_MAX => self.flush(emit),
                    None => {}
                }
            }
        }
    }

    /// When an unfinished line has waited long enough, in milliseconds since boot.
    pub fn due(&self) -> Option<u64> {
        (!self.partial.is_empty()).then_some(self.since + PARTIAL_MS)
    }

    /// Gives the unfinished line to `emit`. What may be the beginning of a secret still waits.
    pub fn flush(&mut self, emit: &mut impl FnMut(&[u8])) {
        if !self.partial.is_empty() {
            emit(&self.partial);
            self.partial.clear();
        }
    }

    /// How many masks were set.
    pub fn masked(&self) -> u64 {
        self.redact.masked()
    }
}
