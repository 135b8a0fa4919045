//! Reads a log event by event, each held against the one before, and goes on where it grows.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::chain::{Bytes, Chain};
use super::reader;
use crate::event::Event;

pub use super::chain::End;

/// How far a log was read.
#[derive(Debug)]
pub struct Follow {
    chain: Chain,
}

impl Default for Follow {
    fn default() -> Self {
        Self { chain: Chain::new() }
    }
}

/// A log that is read no farther once it is enough.
struct Until<'a, F> {
    log: &'a File,
    enough: F,
}

impl<F: Fn() -> bool + Sync> Bytes for Until<'_, F> {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        if (self.enough)() { Ok(0) } else { Bytes::read_at(self.log, buffer, at) }
    }
}

impl Follow {
    /// The bytes of all good lines so far: where to read on.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.chain.length
    }

    /// The number of the last good event; 0 before the first.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.chain.seq
    }

    /// Reads on in `log` up to byte `end`, or until it is `enough`, whatever the end is said to be then. `take` gets
    /// every event that is good, and the byte behind its line.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn read_on(
        &mut self,
        log: &File,
        end: u64,
        enough: impl Fn() -> bool + Sync,
        mut take: impl FnMut(Arc<Event>, u64),
    ) -> io::Result<End> {
        self.chain.walk(&Until { log, enough }, end, reader::entry, |event, chain| take(event, chain.length))
    }
}
