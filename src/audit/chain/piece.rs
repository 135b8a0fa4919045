//! A piece of a log: the lines that begin in it, each looked at by itself.

use std::io::{self, BufRead as _};

use super::{Bytes, Entry};
use crate::audit::line;

/// How much is read at once where a line goes on behind its piece.
const CHUNK: usize = 1 << 16;

/// What a piece holds.
pub(super) struct Piece<T> {
    pub lines: Vec<Line<T>>,
    /// Why there is no line behind these, where there is none.
    pub stop: Option<Stop>,
}

/// A line that is good by itself.
pub(super) struct Line<T> {
    pub prev: [u8; 64],
    pub hash: [u8; 64],
    /// With its LF.
    pub length: u64,
    pub entry: Entry<T>,
}

/// What stands where a line should begin.
pub(super) enum Stop {
    /// So many bytes, and no LF.
    Torn(u64),
    Broken(String),
}

/// Reads the lines that begin from byte `from` on and before byte `to`, of a log that counts up to byte `end`. One
/// begins at `from` where `begins` says so, or where an LF is before it.
///
/// # Errors
/// The log cannot be read.
pub(super) fn read<T>(
    log: &(impl Bytes + ?Sized),
    from: u64,
    to: u64,
    end: u64,
    begins: bool,
    buffer: &mut Vec<u8>,
    read: &impl Fn(&[u8]) -> Result<Entry<T>, String>,
) -> io::Result<Piece<T>> {
    let mut piece = Piece { lines: Vec::new(), stop: None };
    // The byte before tells whether a line begins with the piece.
    let base = from - u64::from(!begins);
    buffer.clear();
    fill(log, base, to, buffer)?;
    let within = buffer.len();
    let mut at = 0;
    if !begins {
        let mut before = &buffer[..within.saturating_sub(1)];
        at = before.skip_until(b'\n')?;
        if at == 0 || buffer[at - 1] != b'\n' {
            return Ok(piece);
        }
    }
    while at < within {
        let mut searched = at;
        let length = loop {
            let mut rest = &buffer[searched..];
            searched += rest.skip_until(b'\n')?;
            if searched > at && buffer[searched - 1] == b'\n' {
                break searched - at;
            }
            if searched - at > line::LONGEST + 1 {
                piece.stop = Some(Stop::Broken("the line is longer than 1 MiB".to_owned()));
                return Ok(piece);
            }
            let known = base + buffer.len() as u64;
            let more = (known + CHUNK as u64).min(end);
            fill(log, known, more, buffer)?;
            if buffer.len() == searched {
                piece.stop = Some(Stop::Torn((searched - at) as u64));
                return Ok(piece);
            }
        };
        match alone(&buffer[at..at + length - 1], read) {
            Ok(line) => piece.lines.push(line),
            Err(why) => {
                piece.stop = Some(Stop::Broken(why));
                return Ok(piece);
            }
        }
        at += length;
    }
    Ok(piece)
}

/// Looks at a line by itself, without its LF. Errors are phrases.
fn alone<T>(bytes: &[u8], read: &impl Fn(&[u8]) -> Result<Entry<T>, String>) -> Result<Line<T>, String> {
    let (prev, hash) = line::check(bytes)?;
    let digits = |hex: &str| hex.as_bytes().try_into().expect("a line's hashes have 64 digits");
    Ok(Line { prev: digits(prev), hash: digits(hash), length: bytes.len() as u64 + 1, entry: read(bytes)? })
}

/// Reads on into `buffer` the bytes from `at` up to `to`, or what is there of them.
fn fill(log: &(impl Bytes + ?Sized), mut at: u64, to: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
    while at < to {
        let known = buffer.len();
        let wanted = usize::try_from(to - at).expect("a piece fits into memory");
        buffer.resize(known + wanted, 0);
        let read = log.read_at(&mut buffer[known..], at);
        buffer.truncate(known + read.as_ref().copied().unwrap_or(0));
        match read {
            Ok(0) => break,
            Ok(read) => at += read as u64,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
