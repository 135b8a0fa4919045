//! The walk along a log, each line held against the one before. The judge and the reader go it together. What a line
//! says of itself (its hash, how it is written) is looked at piece by piece on all cores; what follows what, in order.

mod piece;

use std::fs::File;
use std::io;
use std::sync::mpsc::sync_channel;
use std::thread::{self, Builder};

use super::line::Hash;
use super::progress::Progress;
use piece::{Line, Piece, Stop};

/// How much of a log one thread looks at before another is asked how the line before it ended.
const PIECE: u64 = 1 << 20;

/// How far a walk has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    /// The last good line's number; 0 before the first.
    pub seq: u64,
    /// Its hash in hex; zeros before the first.
    hash: [u8; 64],
    /// The bytes of all good lines.
    pub length: u64,
}

/// What a line holds, told by whoever reads it.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub seq: u64,
    /// It is a `session_opened`.
    pub opens: bool,
    pub what: T,
}

/// Where a walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Behind the last whole line; so many bytes follow without an LF.
    Whole { torn: u64 },
    /// At this line, which begins at this byte.
    Broken { line: u64, byte: u64, why: String },
}

/// The bytes of a log, read from anywhere by several threads.
pub(super) trait Bytes: Sync {
    /// Reads what fits from byte `at` on; 0 bytes behind the end.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
}

impl Bytes for File {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, at)
    }
}

impl Bytes for [u8] {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

/// Bytes that tell how many of them were read.
#[derive(Debug)]
pub(super) struct Counted<'a, B> {
    pub bytes: &'a B,
    pub progress: &'a Progress,
}

impl<B: Bytes> Bytes for Counted<'_, B> {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let read = self.bytes.read_at(buffer, at)?;
        self.progress.add(read as u64);
        Ok(read)
    }
}

impl Chain {
    /// Before the first line.
    pub fn new() -> Self {
        Self { seq: 0, hash: [b'0'; 64], length: 0 }
    }

    /// The last good line's hash.
    pub fn hash(&self) -> Hash {
        String::from_utf8_lossy(&self.hash).into_owned()
    }

    /// Its 32 bytes.
    pub fn digest(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        base16ct::lower::decode(self.hash, &mut bytes).expect("a line's hash is 64 lowercase hex digits");
        bytes
    }

    /// Walks on along `log`, up to byte `end`. Each line whose hash fits is read by `read`, given without its LF;
    /// where it follows the one before, `take` gets what it held, and the chain as it is with that line.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn walk<T: Send>(
        &mut self,
        log: &(impl Bytes + ?Sized),
        end: u64,
        read: impl Fn(&[u8]) -> Result<Entry<T>, String> + Sync,
        mut take: impl FnMut(T, &Self),
    ) -> io::Result<End> {
        let begin = self.length;
        let pieces = end.saturating_sub(begin).div_ceil(PIECE);
        let cut = |number: u64, buffer: &mut Vec<u8>| {
            let from = begin + number * PIECE;
            piece::read(log, from, (from + PIECE).min(end), end, number == 0, buffer, &read)
        };
        let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        let hands = cores.min(pieces);
        if hands <= 1 {
            let mut buffer = Vec::new();
            for number in 0..pieces {
                if let Some(end) = self.join(cut(number, &mut buffer)?, &mut take) {
                    return Ok(end);
                }
            }
            return Ok(End::Whole { torn: 0 });
        }
        thread::scope(|scope| {
            let mut from = Vec::new();
            for hand in 0..hands {
                // Two pieces ahead of the walk, so that memory stays flat.
                let (give, given) = sync_channel(1);
                let cut = &cut;
                Builder::new().spawn_scoped(scope, move || {
                    let (mut buffer, mut number) = (Vec::new(), hand);
                    // One that ended early asks for no more.
                    while number < pieces && give.send(cut(number, &mut buffer)).is_ok() {
                        number += hands;
                    }
                })?;
                from.push(given);
            }
            for given in from.iter().cycle() {
                let Ok(piece) = given.recv() else { break };
                if let Some(end) = self.join(piece?, &mut take) {
                    return Ok(end);
                }
            }
            Ok(End::Whole { torn: 0 })
        })
    }

    /// Holds a piece's lines against what is before them; where the walk ends in it, says how.
    fn join<T>(&mut self, piece: Piece<T>, take: &mut impl FnMut(T, &Self)) -> Option<End> {
        for line in piece.lines {
            if let Err(why) = self.follow(&line) {
                return Some(self.broken(why));
            }
            self.seq += 1;
            self.hash = line.hash;
            self.length += line.length;
            take(line.entry.what, self);
        }
        piece.stop.map(|stop| match stop {
            Stop::Torn(torn) => End::Whole { torn },
            Stop::Broken(why) => self.broken(why),
        })
    }

    /// Holds the next line against the last. Errors are phrases.
    fn follow<T>(&self, line: &Line<T>) -> Result<(), String> {
        if line.prev != self.hash {
            return Err("it does not follow the line before".to_owned());
        }
        if line.entry.seq != self.seq + 1 {
            return Err(format!("its number does not follow {}", self.seq));
        }
        if self.seq == 0 && !line.entry.opens {
            return Err("the log does not begin with session_opened".to_owned());
        }
        Ok(())
    }

    /// The line behind the last good one is no line of this log.
    pub fn broken(&self, why: impl Into<String>) -> End {
        End::Broken { line: self.seq + 1, byte: self.length, why: why.into() }
    }
}
