//! Reads a log back: all of it, as it was written, or not at all. [`Tail`] follows one that is being written.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::canon;
use super::chain::{Chain, End, Entry};
use super::line::{self, Hash};
use crate::event::{Event, EventKind};

/// A whole log.
#[derive(Debug, Clone)]
pub struct Log {
    /// Every event, the first one a `session_opened`; never empty.
    pub events: Vec<Arc<Event>>,
    /// The last event's hash.
    pub hash: Hash,
    /// The bytes of all whole lines.
    pub length: u64,
    /// Bytes behind the last whole line: what a crash tore off, or what is being written. Nobody was told of them.
    pub torn: u64,
    /// Of each event, in order.
    hashes: Vec<[u8; 32]>,
}

/// Why a log cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "{path} is empty: nothing of this session was recorded, so that nothing of it has run; start anew"
    )]
    Empty { path: PathBuf },
    #[error(
        "BROKEN: {path}, line {line}, byte {byte}: {why}. Nothing was changed: keep the file as it is, \
         and hold it against a head that somebody noted (`gonogo verify --anchor SEQ:HASH`)"
    )]
    Broken { path: PathBuf, line: u64, byte: u64, why: String },
}

impl Log {
    /// The log's head, `seq:hash8`.
    #[must_use]
    pub fn head(&self) -> String {
        format!("{}:{}", self.events.len(), &self.hash[..8])
    }

    /// The hash of event `seq`; `None` where the log does not go that far.
    #[must_use]
    pub fn hash_of(&self, seq: u64) -> Option<Hash> {
        let at = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.hashes.get(at).map(|hash| base16ct::lower::encode_string(hash))
    }
}

/// Reads the log at `path` and holds each line against the one before.
///
/// # Errors
/// [`ReadError`], a sentence.
pub fn read(path: &Path) -> Result<Log, ReadError> {
    let at = |source| ReadError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(at)?;
    let length = file.metadata().map_err(at)?.len();
    let mut chain = Chain::new();
    let (mut events, mut hashes) = (Vec::new(), Vec::new());
    let end = chain.walk(&file, length, entry, |event, chain| {
        hashes.push(chain.digest());
        events.push(event);
    });
    match end.map_err(at)? {
        End::Broken { line, byte, why } => Err(ReadError::Broken { path: path.to_owned(), line, byte, why }),
        End::Whole { .. } if events.is_empty() => Err(ReadError::Empty { path: path.to_owned() }),
        End::Whole { torn } => Ok(Log { events, hash: chain.hash(), length: chain.length, torn, hashes }),
    }
}

/// The event of a line.
pub(super) fn entry(bytes: &[u8]) -> Result<Entry<Arc<Event>>, String> {
    canon::strictly(bytes)?;
    let event: Event = serde_json::from_slice(bytes).map_err(|e| format!("it is no event: {e}"))?;
    let opens = matches!(event.event, EventKind::SessionOpened(_));
    Ok(Entry { seq: event.seq, opens, what: Arc::new(event) })
}

/// A line of the log, as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub seq: u64,
    /// Without its LF.
    pub bytes: Vec<u8>,
}

/// Follows a log as it grows, line by line.
#[derive(Debug)]
pub struct Tail {
    file: File,
    /// The byte behind the last line that was given.
    at: u64,
    /// What was read, and how much of it was given; the rest lies in the file from `at` on.
    ahead: Vec<u8>,
    given: usize,
}

/// How much is read at once.
const CHUNK: usize = 1 << 16;

impl Tail {
    /// Follows the log at `path` from byte `at` on, where a line begins.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path, at: u64) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, at, ahead: Vec::new(), given: 0 })
    }

    /// The byte behind the last line that was given: where another may go on.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// The next line, if it is whole and no later than event `last`: what was written and is not acknowledged may
    /// still be taken back.
    ///
    /// # Errors
    /// It cannot be read, or what stands there is no line of a log.
    pub fn next(&mut self, last: u64) -> io::Result<Option<Line>> {
        let mut searched = self.given;
        let end = loop {
            if let Some(end) = self.ahead[searched..].iter().position(|byte| *byte == b'\n') {
                break searched + end;
            }
            if self.ahead.len() - self.given > line::LONGEST {
                return Err(no_line("it is over 1 MiB"));
            }
            self.ahead.drain(..self.given);
            self.given = 0;
            searched = self.ahead.len();
            if self.look_ahead()? == 0 {
                self.forget();
                return Ok(None);
            }
        };
        let line = &self.ahead[self.given..end];
        let seq = number(line).ok_or_else(|| no_line("it has no number"))?;
        if seq > last {
            self.forget();
            return Ok(None);
        }
        let line = Line { seq, bytes: line.to_vec() };
        self.at += line.bytes.len() as u64 + 1;
        self.given = end + 1;
        Ok(Some(line))
    }

    /// What was looked at and not given may be another by the next look.
    fn forget(&mut self) {
        self.ahead.clear();
        self.given = 0;
    }

    /// Reads on behind what is there already; only while nothing of that was given.
    fn look_ahead(&mut self) -> io::Result<usize> {
        let known = self.ahead.len();
        self.ahead.resize(known + CHUNK, 0);
        let read = self.file.read_at(&mut self.ahead[known..], self.at + known as u64);
        self.ahead.truncate(known + read.as_ref().copied().unwrap_or(0));
        read
    }
}

fn no_line(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("this is no line of the log: {why}"))
}

/// The number at a line's beginning.
fn number(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
