//! What a step's attempt wrote, as it lies in its folder: `output.log`, and `output.idx`, which says which stream wrote
//! which part of it, and when. One line of text a record, `UP_MS OFFSET STREAM`: from OFFSET on, until the next record,
//! the bytes are of STREAM (`o` stdout, `e` stderr, `-` gonogo's own words about a cut and the mixed tail after them) and
//! were written at UP_MS, milliseconds since boot. A stream that goes on within 100 ms of its record gets no new one.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::runbook::StepId;

/// Names of what an attempt's folder holds of its output.
pub const LOG: &str = "output.log";
pub const INDEX: &str = "output.idx";

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

/// A piece of an output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins.
    pub offset: u64,
    pub bytes: Vec<u8>,
    /// The bytes of the whole output.
    pub total: u64,
    /// Ranges `(start, end)` of the output that came over stderr and touch this piece.
    pub stderr: Vec<(u64, u64)>,
}

/// The folder of an attempt in a session's folder.
#[must_use]
pub fn folder(session_dir: &Path, step: &StepId, attempt: u32) -> PathBuf {
    session_dir.join(format!("steps/{step}.{attempt}"))
}

/// The bytes that an attempt's output has by now; 0 where there is none.
#[must_use]
pub fn length(dir: &Path) -> u64 {
    std::fs::symlink_metadata(dir.join(LOG)).ok().filter(std::fs::Metadata::is_file).map_or(0, |m| m.len())
}

/// The records of an attempt's index by now, in order; for the eye: none where it cannot be read.
#[must_use]
pub fn entries(dir: &Path) -> Vec<Entry> {
    index(dir).unwrap_or_default().lines().filter_map(Entry::parse).collect()
}

/// The records of an attempt's index that is closed: of each of the output's `total` bytes they say who wrote it.
///
/// # Errors
/// What the system says, or that they do not.
pub fn whole_index(dir: &Path, total: u64) -> io::Result<Vec<Entry>> {
    let text = index(dir)?;
    let entries: Option<Vec<Entry>> = text.split_terminator('\n').map(Entry::parse).collect();
    let whole = |entries: &Vec<Entry>| {
        let ends = entries.iter().skip(1).map(|next| next.offset).chain([total]);
        entries.first().map_or(total, |first| first.offset) == 0
            && entries.iter().zip(ends).all(|(entry, end)| entry.offset < end)
            && (text.is_empty() || text.ends_with('\n'))
    };
    entries
        .filter(whole)
        .ok_or_else(|| io::Error::other("it does not say of all of it which stream wrote it"))
}

fn index(dir: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(&dir.join(INDEX))?.read_to_string(&mut text)?;
    Ok(text)
}

/// Reads up to `len` bytes from `offset` of the output's first `most` bytes, as if there were no others. A piece that
/// cannot be read is an empty one.
#[must_use]
pub fn read(dir: &Path, offset: u64, len: usize, most: u64) -> Piece {
    let Ok(mut file) = open(&dir.join(LOG)) else { return Piece::default() };
    let total = file.metadata().map_or(0, |m| m.len()).min(most);
    let offset = offset.min(total);
    let mut bytes = Vec::new();
    if file.seek(SeekFrom::Start(offset)).is_ok() {
        let _ = file.take((len as u64).min(total - offset)).read_to_end(&mut bytes);
    }
    let end = offset + bytes.len() as u64;
    Piece { offset, bytes, total, stderr: stderr_ranges(&entries(dir), offset, end, total) }
}

/// The ranges between `from` and `to` that came over stderr.
fn stderr_ranges(entries: &[Entry], from: u64, to: u64, total: u64) -> Vec<(u64, u64)> {
    let mut ranges = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        let end = entries.get(i + 1).map_or(total, |next| next.offset);
        if entry.source == Source::Err && entry.offset < to && end > from {
            ranges.push((entry.offset.max(from), end.min(to)));
        }
    }
    ranges
}

/// Opens a file that others may have put there: no link is followed, and nothing is waited for.
fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file)
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

    #[test]
    fn a_piece_ends_where_the_output_ended_then() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join(LOG), "one\nTWO\nthree\n").expect("written");
        std::fs::write(dir.path().join(INDEX), "100 0 o\n200 4 e\n300 8 o\n").expect("written");
        let piece = |offset, most| read(dir.path(), offset, 100, most);
        let whole = Piece { offset: 2, bytes: b"e\nTWO\nthree\n".to_vec(), total: 14, stderr: vec![(4, 8)] };
        assert_eq!(piece(2, u64::MAX), whole);
        assert_eq!(piece(2, 6), Piece { bytes: b"e\nTW".to_vec(), total: 6, stderr: vec![(4, 6)], ..whole });
        assert_eq!(piece(9, 4), Piece { offset: 4, total: 4, ..Piece::default() });
        assert_eq!(read(Path::new("/nowhere"), 0, 9, 9), Piece::default());
    }
}
