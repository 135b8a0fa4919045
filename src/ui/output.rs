//! A window onto a step's output file: a few pieces round what is on the screen, never the file; or the lines round it
//! that a filter keeps. It says which piece it wants next, or where to look, and takes the answer; reading is done by
//! `run/beside.rs`.

mod hunt;
mod kept;
mod scan;
mod tally;
mod wrap;

pub use hunt::{Count, Look, Looked, Went};
pub use wrap::wrapped;

use hunt::Sifted;

use crate::feed::OutputPiece;
use crate::runbook::StepId;
use crate::runbook::model::Runbook;
use crate::session::{StageStatus, State, StepState, Telemetry};

/// How much is asked for at once, in bytes.
const PIECE: usize = 64 * 1024;

/// How much is kept, in bytes.
const KEPT: usize = 4 * PIECE;

/// How much of one line is looked at, in bytes: more than any screen shows.
const LINE: usize = 16 * 1024;

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
    /// The attempt has ended: nothing comes any more.
    pub over: bool,
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
    /// How many columns a line has before it goes on below itself; `None`: it goes on to the right.
    wrap: Option<usize>,
    sifted: Sifted,
}

/// The step that the operator's eye belongs on: the one that runs, waits or failed, else the newest.
#[must_use]
pub fn step_in_hand(state: &State) -> Option<StepId> {
    let runbook: &Runbook = state.runbook.as_ref()?;
    let in_reach = |stage: &str| {
        state.active_rollback().is_some()
            || state.stages.get(stage).is_some_and(|s| s.status != StageStatus::Pending)
    };
    let rank = |step: &StepState| Some((step.status.is_open(), step.started?.up_ms));
    let ran = state.steps.iter().filter(|(id, _)| in_reach(id.stage()));
    let ran: Vec<_> = ran.filter_map(|(id, step)| Some((rank(step)?, id))).collect();
    let newest = ran.iter().map(|(rank, _)| *rank).max()?;
    let mut newest = ran.into_iter().filter(|(rank, _)| *rank == newest).map(|(_, id)| id);
    // Of those that began in the same moment the runbook's last.
    match (newest.next()?, newest.next()) {
        (only, None) => Some(only.clone()),
        (first, Some(second)) => {
            let all: Vec<&StepId> = [first, second].into_iter().chain(newest).collect();
            runbook.all_steps().map(|step| &step.id).filter(|id| all.contains(id)).last().cloned()
        }
    }
}

impl Output {
    /// Turns to `source` and learns how long its file is.
    pub fn look_at(&mut self, source: Option<Source>, state: &State, telemetry: &Telemetry) {
        if self.source != source {
            let (wrap, sifted) = (self.wrap, self.sifted.anew());
            *self = Self { source, wrap, sifted, ..Self::default() };
        }
        let Some(source) = &self.source else { return };
        let progress = telemetry.output.get(&source.step).filter(|p| p.attempt == source.attempt);
        let finished = state.step(&source.step).finish.as_ref().filter(|f| f.attempt == source.attempt);
        let finished = finished.and_then(|f| f.output.as_ref()).map(|output| output.bytes);
        let known = progress.map(|p| p.bytes).into_iter().chain(finished).max().unwrap_or(0);
        self.total = self.total.max(known);
        self.over = !state.step(&source.step).status.is_open();
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
        self.sifted = self.sifted.anew();
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

    /// How many lines are here.
    fn count_here(&self) -> usize {
        if self.is_filtered() { self.sifted.kept.len() } else { self.lines.len() }
    }

    /// Where a line that is here begins; where what is here ends, for the one after the last.
    fn begin(&self, i: usize) -> u64 {
        if self.is_filtered() {
            let kept = &self.sifted.kept;
            let end = if kept.reaches(self.total) { self.total } else { kept.upto() };
            return kept.get(i).map_or(end, |line| line.at);
        }
        self.start + self.lines.get(i).map_or(self.bytes.len(), |at| *at) as u64
    }

    /// Whether the last line of the file is here.
    fn has_end(&self) -> bool {
        if self.is_filtered() { self.sifted.kept.reaches(self.total) } else { self.end() >= self.total }
    }

    fn line(&self, i: usize) -> Line<'_> {
        if self.is_filtered() {
            let found = self.sifted.kept.get(i);
            return found.map_or(Line { bytes: b"", stderr: false }, |found| Line {
                bytes: &found.bytes,
                stderr: found.stderr,
            });
        }
        let from = self.lines[i];
        let to = self.lines.get(i + 1).copied().unwrap_or(self.bytes.len());
        let bytes = &self.bytes[from..to];
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let at = self.start + from as u64;
        let stderr = self.stderr.iter().any(|(start, end)| *start <= at && at < *end);
        Line { bytes, stderr }
    }

    /// The first line of the last screen.
    fn last_first(&self, rows: usize) -> usize {
        let count = self.count_here();
        let Some(cols) = self.wrap else { return count.saturating_sub(rows) };
        let mut left = rows;
        let lines = (0..count).rev().take(rows).take_while(|i| {
            let height = self.line(*i).height(cols);
            let fits = height <= left;
            left = left.saturating_sub(height);
            fits
        });
        // Of a line that is higher than the screen the end is shown.
        lines.last().unwrap_or(count.saturating_sub(1))
    }

    fn first_shown(&self, rows: usize) -> usize {
        match self.anchor {
            Anchor::Follow => self.last_first(rows),
            Anchor::At(at) if self.is_filtered() => {
                let first = self.sifted.kept.line_from(at);
                if first < self.count_here() { first } else { self.last_first(rows) }
            }
            Anchor::At(at) => self.line_at(at),
        }
    }

    /// The lines to show in `rows`.
    pub fn shown(&self, rows: usize) -> impl Iterator<Item = Line<'_>> {
        let first = self.first_shown(rows);
        let to = self.count_here().min(first + rows);
        (first..to).map(|i| self.line(i))
    }

    /// How many lines a page has.
    #[must_use]
    pub fn page(&self, rows: usize) -> usize {
        let Some(cols) = self.wrap else { return rows.saturating_sub(1).max(1) };
        let mut left = rows;
        let whole = self.shown(rows).take_while(|line| {
            let height = line.height(cols);
            let fits = height <= left;
            left = left.saturating_sub(height);
            fits
        });
        whole.count().saturating_sub(1).max(1)
    }

    /// Lets lines go on below themselves after so many columns, or to the right.
    pub fn wrap(&mut self, cols: Option<usize>) {
        self.wrap = cols;
    }

    /// Moves by `by` lines; going down over the end follows again.
    pub fn scroll(&mut self, by: isize, rows: usize) {
        let count = self.count_here();
        if count == 0 {
            return;
        }
        let first = self.first_shown(rows);
        let last = self.last_first(rows);
        let to = first.saturating_add_signed(by);
        if by > 0 && to >= last && self.has_end() {
            self.anchor = Anchor::Follow;
            return;
        }
        if by < 0 && first == 0 {
            return;
        }
        self.anchor_at(self.begin(to.min(count - 1)));
    }

    /// Puts the line that starts at this byte on top.
    pub fn anchor_at(&mut self, at: u64) {
        if self.anchor == Anchor::Follow {
            self.paused_at = self.total;
        }
        self.anchor = Anchor::At(at);
    }

    /// Where the first line on the screen begins.
    fn top(&self, rows: usize) -> u64 {
        match self.anchor {
            // Where it leads is not read yet.
            Anchor::At(at) if !self.is_here(at) => at,
            Anchor::Follow if self.count_here() == 0 => self.total,
            _ => self.begin(self.first_shown(rows)),
        }
    }

    fn is_here(&self, at: u64) -> bool {
        if self.is_filtered() { self.sifted.kept.covers(at) } else { self.start <= at && at < self.end() }
    }

    /// How far into the file the screen is, in hundredths; `None` while its end is followed.
    #[must_use]
    pub fn part(&self) -> Option<u64> {
        match self.anchor {
            Anchor::Follow => None,
            Anchor::At(at) => Some(self.hundredths(at)),
        }
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
mod tests;
