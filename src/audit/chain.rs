//! The walk along a log: line by line, each held against the one before. The judge and the reader go it together.

use std::io::{self, BufRead};

use super::line::{self, Hash};

/// How far a walk has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    /// The last good line's number and hash; 0 and zeros before the first.
    pub seq: u64,
    pub hash: Hash,
    /// The bytes of all good lines.
    pub length: u64,
}

/// What a line holds, told by whoever reads it.
pub(super) struct Entry<T> {
    pub seq: u64,
    /// It is a `session_opened`.
    pub opens: bool,
    pub what: T,
}

/// Where a walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Behind the last whole line; so many bytes follow without an LF.
    Whole { torn: u64 },
    /// At this line, which begins at this byte.
    Broken { line: u64, byte: u64, why: String },
}

impl Chain {
    /// Before the first line.
    pub fn new() -> Self {
        Self { seq: 0, hash: line::genesis(), length: 0 }
    }

    /// Walks along `log`. Each line whose hash fits is read by `read`, given without its LF and with its hash; where
    /// it follows the one before, `take` gets what it held, and its hash.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn walk<T>(
        &mut self,
        mut log: impl BufRead,
        read: impl Fn(&[u8]) -> Result<Entry<T>, String>,
        mut take: impl FnMut(T, &str),
    ) -> io::Result<End> {
        // One byte more than a line may have, so that a longer one is seen without being kept.
        let most = line::LONGEST as u64 + 2;
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let length = io::Read::take(&mut log, most).read_until(b'\n', &mut bytes)? as u64;
            if bytes.pop() != Some(b'\n') {
                if length == most {
                    return Ok(self.broken("the line is longer than 1 MiB"));
                }
                return Ok(End::Whole { torn: length });
            }
            match self.follow(&bytes, &read) {
                Ok((what, hash)) => {
                    take(what, hash);
                    self.seq += 1;
                    hash.clone_into(&mut self.hash);
                    self.length += length;
                }
                Err(why) => return Ok(self.broken(why)),
            }
        }
    }

    /// Holds the next line against the last. Errors are phrases.
    fn follow<'a, T>(
        &self,
        bytes: &'a [u8],
        read: impl Fn(&[u8]) -> Result<Entry<T>, String>,
    ) -> Result<(T, &'a str), String> {
        let (prev, hash) = line::check(bytes)?;
        if prev != self.hash {
            return Err("it does not follow the line before".to_owned());
        }
        let entry = read(bytes)?;
        if entry.seq != self.seq + 1 {
            return Err(format!("its number does not follow {}", self.seq));
        }
        if self.seq == 0 && !entry.opens {
            return Err("the log does not begin with session_opened".to_owned());
        }
        Ok((entry.what, hash))
    }

    /// The line behind the last good one is no line of this log.
    pub fn broken(&self, why: impl Into<String>) -> End {
        End::Broken { line: self.seq + 1, byte: self.length, why: why.into() }
    }
}
