//! A window onto a step's output file: a few pieces round what is on the screen, never the file. It says which piece
//! it wants next and takes the answer; reading is done by `run.rs`.

use crate::feed::OutputPiece;
use crate::runbook::StepId;
use crate::runbook::model::Runbook;
use crate::session::{StageStatus, State, Telemetry};

/// How much is asked for at once, in bytes.
pub const PIECE: usize = 64 * 1024;

/// How much is kept, in bytes.
const KEPT: usize = 4 * PIECE;

/// An attempt's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub step: StepId,
    pub attempt: u32,
}

/// A piece that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub source: Source,
    pub offset: u64,
    pub len: usize,
}

/// Where the window stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Anchor {
    /// The end of the file, wherever it is.
    #[default]
    Follow,
    /// The line that starts at this byte is the first one shown.
    At(u64),
}

/// A line of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    pub bytes: &'a [u8],
    pub stderr: bool,
}

/// The window.
#[derive(Debug, Default)]
pub struct Output {
    pub source: Option<Source>,
    pub anchor: Anchor,
    /// The file's length as far as known.
    pub total: u64,
    /// It was asked for once: a file of which nobody told the length may be there all the same.
    asked: bool,
    /// The session's time went back: the file is as long as the next look says.
    rewound: bool,
    /// The file's length when the operator scrolled away from its end.
    paused_at: u64,
    /// Of the first byte kept.
    start: u64,
    bytes: Vec<u8>,
    stderr: Vec<(u64, u64)>,
    /// Where lines start, as indices into `bytes`.
    lines: Vec<usize>,
}

/// The step that the operator's eye belongs on: the one that runs, waits or failed, else the newest.
#[must_use]
pub fn step_in_hand(state: &State) -> Option<StepId> {
    let runbook: &Runbook = state.runbook.as_ref()?;
    let in_reach = |stage: &str| {
        state.active_rollback().is_some()
            || state.stages.get(stage).is_some_and(|s| s.status != StageStatus::Pending)
    };
    runbook
        .all_steps()
        .filter(|step| in_reach(step.id.stage()))
        .filter_map(|step| {
            let now = state.step(&step.id);
            Some((now.status.is_open(), now.started?.up_ms, &step.id))
        })
        .max_by_key(|(open, started, _)| (*open, *started))
        .map(|(_, _, id)| id.clone())
}

impl Output {
    /// Turns to `source` and learns how long its file is.
    pub fn look_at(&mut self, source: Option<Source>, state: &State, telemetry: &Telemetry) {
        if self.source != source {
            *self = Self { source, ..Self::default() };
        }
        let Some(source) = &self.source else { return };
        let progress = telemetry.output.get(&source.step).filter(|p| p.attempt == source.attempt);
        let finished = state.step(&source.step).finish.as_ref().filter(|f| f.attempt == source.attempt);
        let finished = finished.and_then(|f| f.output.as_ref()).map(|output| output.bytes);
        let known = progress.map(|p| p.bytes).into_iter().chain(finished).max().unwrap_or(0);
        self.total = self.total.max(known);
        if std::mem::take(&mut self.rewound) {
            let kept = usize::try_from(self.total.saturating_sub(self.start)).unwrap_or(usize::MAX);
            self.bytes.truncate(kept);
            self.start = self.start.min(self.total);
            self.index();
        }
    }

    /// Forgets what came later than the moment that is looked at next.
    pub fn go_back(&mut self) {
        (self.total, self.asked, self.rewound) = (0, false, true);
        if matches!(self.anchor, Anchor::At(_)) {
            self.anchor = Anchor::Follow;
        }
    }

    /// The piece to read next, so that `rows` lines round the anchor are here; `None` while they are.
    #[must_use]
    pub fn wanted(&self, rows: usize) -> Option<Wanted> {
        let source = self.source.clone()?;
        let piece = |offset: u64, len: u64| {
            let len = usize::try_from(len).map_or(PIECE, |len| len.min(PIECE));
            (len > 0).then(|| Wanted { source: source.clone(), offset, len })
        };
        let end = self.end();
        let size = PIECE as u64;
        if self.total == 0 && !self.asked {
            return piece(0, size);
        }
        match self.anchor {
            Anchor::Follow if self.total > end => {
                let offset = end.max(self.total.saturating_sub(size));
                piece(offset, self.total - offset)
            }
            Anchor::Follow if self.start > 0 && self.lines.len() < rows && self.bytes.len() < KEPT => {
                let offset = self.start.saturating_sub(size);
                piece(offset, self.start - offset)
            }
            Anchor::Follow => None,
            Anchor::At(at) if at < self.start || at > end => {
                let offset = at.saturating_sub(size / 2);
                piece(offset, self.total.saturating_sub(offset))
            }
            Anchor::At(at) => {
                // Half a piece on either side is kept ready, so that scrolling does not wait.
                let first = self.line_at(at);
                let grows = self.bytes.len() < KEPT;
                if self.start > 0 && (at - self.start < size / 2 || (grows && first < rows)) {
                    let offset = self.start.saturating_sub(size);
                    piece(offset, self.start - offset)
                } else if end < self.total
                    && (end - at < size / 2 || (grows && self.lines.len() < first + rows))
                {
                    piece(end, self.total - end)
                } else {
                    None
                }
            }
        }
    }

    /// Takes a piece that was read.
    pub fn take(&mut self, source: &Source, piece: OutputPiece) {
        if self.source.as_ref() != Some(source) {
            return;
        }
        self.asked = true;
        self.total = if piece.bytes.is_empty() {
            // What is not there is not waited for.
            piece.total.max(self.end().min(self.total))
        } else {
            self.total.max(piece.total)
        };
        if piece.bytes.is_empty() {
            return;
        }
        let piece_end = piece.offset + piece.bytes.len() as u64;
        self.stderr.extend(piece.stderr);
        if piece.offset == self.end() && !self.bytes.is_empty() {
            self.bytes.extend(piece.bytes);
            let over = self.bytes.len().saturating_sub(KEPT);
            self.bytes.drain(..over);
            self.start += over as u64;
        } else if piece_end == self.start {
            let mut bytes = piece.bytes;
            bytes.append(&mut self.bytes);
            bytes.truncate(KEPT);
            self.bytes = bytes;
            self.start = piece.offset;
        } else {
            self.start = piece.offset;
            self.bytes = piece.bytes;
        }
        self.index();
    }

    fn index(&mut self) {
        let (start, end) = (self.start, self.end());
        self.stderr.retain(|(from, to)| *to > start && *from < end);
        self.stderr.sort_unstable();
        self.stderr.dedup();
        self.lines.clear();
        if self.start == 0 && !self.bytes.is_empty() {
            self.lines.push(0);
        }
        let ends = self.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        self.lines.extend(ends.map(|(at, _)| at + 1).filter(|at| *at < self.bytes.len()));
        if self.lines.is_empty() && !self.bytes.is_empty() {
            // One line that is longer than the window.
            self.lines.push(0);
        }
    }

    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// The index of the line that `at` lies in.
    fn line_at(&self, at: u64) -> usize {
        let at = usize::try_from(at.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    fn first_shown(&self, rows: usize) -> usize {
        let last = self.lines.len().saturating_sub(rows);
        match self.anchor {
            Anchor::Follow => last,
            Anchor::At(at) => self.line_at(at),
        }
    }

    /// The lines to show in `rows`.
    pub fn shown(&self, rows: usize) -> impl Iterator<Item = Line<'_>> {
        let first = self.first_shown(rows);
        let to = self.lines.len().min(first + rows);
        (first..to).map(|i| self.line(i))
    }

    fn line(&self, i: usize) -> Line<'_> {
        let from = self.lines[i];
        let to = self.lines.get(i + 1).copied().unwrap_or(self.bytes.len());
        let bytes = &self.bytes[from..to];
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let at = self.start + from as u64;
        let stderr = self.stderr.iter().any(|(start, end)| *start <= at && at < *end);
        Line { bytes, stderr }
    }

    /// Moves by `by` lines; going down over the end follows again.
    pub fn scroll(&mut self, by: isize, rows: usize) {
        if self.lines.is_empty() {
            return;
        }
        let first = self.first_shown(rows);
        let last = self.lines.len().saturating_sub(rows);
        let to = first.saturating_add_signed(by);
        if by > 0 && to >= last && self.end() >= self.total {
            self.anchor = Anchor::Follow;
            return;
        }
        if by < 0 && first == 0 {
            return;
        }
        self.anchor_at(self.start + self.lines[to.min(self.lines.len() - 1)] as u64);
    }

    /// Puts the line that starts at this byte on top.
    pub fn anchor_at(&mut self, at: u64) {
        if self.anchor == Anchor::Follow {
            self.paused_at = self.total;
        }
        self.anchor = Anchor::At(at);
    }

    /// The first byte on the screen, and the one after the last.
    #[must_use]
    pub fn span(&self, rows: usize) -> (u64, u64) {
        let first = self.first_shown(rows);
        let at = |i: usize| self.lines.get(i).map_or(self.bytes.len(), |at| *at) as u64;
        (self.start + at(first), self.start + at(first + rows))
    }

    /// The start of the line after the one that `at` lies in, as far as it is here.
    #[must_use]
    pub fn line_after(&self, at: u64) -> u64 {
        let next = self.lines.get(self.line_at(at) + 1).copied();
        self.start + next.unwrap_or(self.bytes.len()) as u64
    }

    /// How many lines the file has, where all of it is here.
    #[must_use]
    pub fn line_count(&self) -> Option<usize> {
        (self.start == 0 && self.end() >= self.total).then_some(self.lines.len())
    }

    /// How many bytes came since the operator scrolled away from the end; `None` while the end is followed.
    #[must_use]
    pub fn unseen(&self) -> Option<u64> {
        (self.anchor != Anchor::Follow).then(|| self.total.saturating_sub(self.paused_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lines: usize) -> Vec<u8> {
        (0..lines).flat_map(|n| format!("line {n:06}\n").into_bytes()).collect()
    }

    fn source() -> Source {
        Source { step: StepId::from("a.b"), attempt: 1 }
    }

    fn looking(total: u64) -> Output {
        Output { source: Some(source()), total, ..Output::default() }
    }

    /// Reads until nothing is wanted; returns how many pieces it took.
    fn fill(output: &mut Output, file: &[u8], rows: usize) -> usize {
        let mut pieces = 0;
        while let Some(wanted) = output.wanted(rows) {
            pieces += 1;
            assert!(pieces < 20, "wants more and more: {wanted:?}");
            let from = usize::try_from(wanted.offset).unwrap().min(file.len());
            let to = (from + wanted.len).min(file.len());
            let piece = OutputPiece {
                offset: wanted.offset,
                bytes: file[from..to].to_vec(),
                total: file.len() as u64,
                stderr: vec![(0, 12)],
            };
            output.take(&wanted.source, piece);
        }
        assert!(output.bytes.len() <= KEPT);
        pieces
    }

    fn shown(output: &Output, rows: usize) -> Vec<String> {
        output.shown(rows).map(|line| String::from_utf8_lossy(line.bytes).into_owned()).collect()
    }

    #[test]
    fn the_tail_of_a_large_file_is_followed_with_few_reads() {
        let mut all = file(1_000_000);
        let mut output = looking(all.len() as u64);
        assert_eq!(fill(&mut output, &all, 3), 1);
        assert_eq!(shown(&output, 3), ["line 999997", "line 999998", "line 999999"]);
        all.extend(b"line more\n");
        output.total = all.len() as u64;
        assert_eq!(fill(&mut output, &all, 3), 1);
        assert_eq!(shown(&output, 1), ["line more"]);
    }

    #[test]
    fn the_whole_file_is_reachable_and_memory_stays_small() {
        let all = file(100_000);
        let mut output = looking(all.len() as u64);
        fill(&mut output, &all, 10);
        let mut top = usize::MAX;
        while top > 0 {
            output.scroll(-2_000, 10);
            fill(&mut output, &all, 10);
            let now = shown(&output, 10)[0][5..].parse().unwrap();
            assert!(now < top, "goes up from {top} to {now}");
            top = now;
        }
        assert_eq!(shown(&output, 2), ["line 000000", "line 000001"]);
        assert_eq!(output.shown(2).map(|line| line.stderr).collect::<Vec<_>>(), [true, false]);
        while output.anchor != Anchor::Follow {
            output.scroll(2_000, 10);
            fill(&mut output, &all, 10);
        }
        assert_eq!(shown(&output, 1), ["line 099999"]);
    }

    #[test]
    fn what_is_looked_at_stays_while_more_comes() {
        let mut all = file(1_000);
        let mut output = looking(all.len() as u64);
        fill(&mut output, &all, 4);
        output.scroll(-100, 4);
        let before = shown(&output, 4);
        all.extend(file(50_000));
        output.total = all.len() as u64;
        fill(&mut output, &all, 4);
        assert_eq!(shown(&output, 4), before);
        assert_eq!(output.unseen(), Some(50_000 * 12));
    }

    #[test]
    fn a_line_without_end_is_shown_and_ends_no_memory() {
        let all = vec![b'x'; 3_000_000];
        let mut output = looking(all.len() as u64);
        fill(&mut output, &all, 5);
        assert_eq!(output.shown(5).count(), 1);
        output.anchor_at(1_000_000);
        fill(&mut output, &all, 5);
        assert_eq!(output.shown(5).count(), 1);
    }

    #[test]
    fn a_file_that_is_not_there_is_asked_for_once() {
        let mut output = looking(500);
        assert_eq!(fill(&mut output, b"", 5), 1);
    }
}
