//! Looking through an output file of any size for lines that have some words: a little at a time, from a place onwards
//! or backwards, so that whoever looks can stop, show how far it came, or ask for something else.

use super::{LINE, Source};
use crate::feed::{OutputPiece, OutputReader, PIECE_BYTES};
use crate::ui::search::{Search, Way};

/// How much is read at once, in bytes: as much as there is in one answer. A longer line is looked at in parts of this
/// size, each as a line.
const PIECE: usize = PIECE_BYTES;

/// How much is looked through before there is an answer, in bytes.
pub const BUDGET: u64 = 1024 * 1024;

/// What to look through.
#[derive(Debug, Clone)]
pub struct Scan {
    pub source: Source,
    /// A line has all of these.
    pub sieve: Vec<Search>,
    /// Down: from the line that this byte lies in. Up: the lines before this byte, which begins one or is the end.
    pub from: u64,
    pub way: Way,
    /// The file's length as far as known.
    pub total: u64,
    /// Once so many lines are found it is enough; `None` counts them and keeps none.
    pub enough: Option<usize>,
}

/// A line that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it begins in the file.
    pub at: u64,
    pub bytes: Vec<u8>,
    pub stderr: bool,
}

/// What a [`Scan`] saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scanned {
    /// The whole lines from here ...
    pub from: u64,
    /// ... to here were looked at.
    pub to: u64,
    /// Those that were found, in the file's order; empty where they are only counted.
    pub lines: Vec<Found>,
    pub hits: u64,
    /// The last line of the file, while it has no end; it lies after `to`.
    pub tail: Option<Found>,
    /// The file ends here: its length; up: it was looked through to its beginning.
    pub end: Option<u64>,
}

impl Scan {
    /// Looks, until it is enough.
    pub async fn run(self, reader: &OutputReader) -> Scanned {
        match self.way {
            Way::Down => self.down(reader).await,
            Way::Up => self.up(reader).await,
        }
    }

    async fn down(&self, reader: &OutputReader) -> Scanned {
        let mut at = self.line_start(reader, self.from).await;
        let mut seen = Scanned { from: at, to: at, ..Scanned::default() };
        loop {
            let piece = self.read(reader, at, PIECE).await;
            let last = piece.bytes.is_empty() || at + piece.bytes.len() as u64 >= piece.total;
            let cut = piece.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let (body, next) = match cut {
                0 if last => (0, at),
                0 => (piece.bytes.len(), at + (piece.bytes.len() - self.overlap(piece.bytes.len())) as u64),
                cut => (cut, at + cut as u64),
            };
            self.sieve(&piece, 0..body, &mut seen);
            (at, seen.to) = (next, next);
            if last {
                let mut rest = Scanned::default();
                self.sieve(&piece, body..piece.bytes.len(), &mut rest);
                seen.tail = rest.lines.pop().or((rest.hits > 0).then(|| self.found(&piece, body..body)));
                // What was told of and is not there is not waited for.
                seen.end = Some(piece.total.max(at).max(self.total));
                return seen;
            }
            if self.is_enough(&seen) {
                return seen;
            }
        }
    }

    async fn up(&self, reader: &OutputReader) -> Scanned {
        let mut to = self.from;
        let mut seen = Scanned { from: to, to, ..Scanned::default() };
        while to > 0 {
            let from = to.saturating_sub(PIECE as u64);
            let piece = self.read(reader, from, usize::try_from(to - from).unwrap_or(PIECE)).await;
            let len = piece.bytes.len();
            if len == 0 {
                // What is not there any more is not looked for.
                to = 0;
                break;
            }
            let first = piece.bytes.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
            let cut = if from == 0 { 0 } else { first.filter(|cut| *cut < len).unwrap_or(0) };
            let mut above = Scanned::default();
            self.sieve(&piece, cut..len, &mut above);
            seen.hits += above.hits;
            above.lines.append(&mut seen.lines);
            seen.lines = above.lines;
            let is_part = from > 0 && cut == 0;
            to = from + if is_part { self.overlap(len) } else { cut } as u64;
            seen.from = to;
            if self.is_enough(&seen) {
                break;
            }
        }
        seen.from = to;
        seen.end = (to == 0).then_some(0);
        seen
    }

    fn is_enough(&self, seen: &Scanned) -> bool {
        seen.to - seen.from >= BUDGET || self.enough.is_some_and(|enough| seen.lines.len() >= enough)
    }

    async fn read(&self, reader: &OutputReader, offset: u64, len: usize) -> OutputPiece {
        reader.read(self.source.step.clone(), self.source.attempt, offset, len).await
    }

    /// Where the line begins that this byte lies in, as far back as a part of a long line goes: further back lies what
    /// came before the part, which was looked at already.
    async fn line_start(&self, reader: &OutputReader, at: u64) -> u64 {
        let part = (PIECE - self.overlap(PIECE)) as u64;
        let from = at.saturating_sub(part);
        let len = usize::try_from(at - from).unwrap_or(PIECE);
        if len == 0 {
            return at;
        }
        let piece = self.read(reader, from, len).await;
        let end = piece.bytes.iter().rposition(|byte| *byte == b'\n');
        match end {
            Some(end) => from + end as u64 + 1,
            None if from == 0 && at < part => 0,
            None => at,
        }
    }

    /// How much of a part of a long line belongs to the next part too, so that no words are cut apart.
    fn overlap(&self, part: usize) -> usize {
        let longest = self.sieve.iter().map(|search| search.words.len()).max().unwrap_or(0);
        longest.min(part / 2)
    }

    /// Takes the lines of a part of a piece that have all the words.
    fn sieve(&self, piece: &OutputPiece, part: std::ops::Range<usize>, seen: &mut Scanned) {
        let Some((first, others)) = self.sieve.split_first() else { return };
        let body = &piece.bytes[part.clone()];
        let mut at = 0;
        while let Some((from, to)) = first.next_in(body, at) {
            let begin = body[..from].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let end = body[to..].iter().position(|byte| *byte == b'\n').map_or(body.len(), |end| to + end);
            let line = &body[begin..end];
            if others.iter().all(|search| search.next_in(line, 0).is_some()) {
                seen.hits += 1;
                if self.enough.is_some() {
                    seen.lines.push(self.found(piece, part.start + begin..part.start + end));
                }
            }
            at = end + 1;
            if at > body.len() {
                break;
            }
        }
    }

    fn found(&self, piece: &OutputPiece, line: std::ops::Range<usize>) -> Found {
        let at = piece.offset + line.start as u64;
        let bytes = &piece.bytes[line];
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let stderr = piece.stderr.iter().any(|(start, end)| *start <= at && at < *end);
        Found { at, bytes: bytes[..bytes.len().min(LINE)].to_vec(), stderr }
    }
}
