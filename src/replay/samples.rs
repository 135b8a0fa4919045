//! Where the samples of a session lie in `telemetry.jsonl`, so that what was known of a check at any moment is found
//! without reading all that came before.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::audit::telemetry::{Sampled, Samples};
use crate::history::Axis;
use crate::runbook::CheckId;
use crate::session::telemetry::{Measure, SERIES, Verdict};

/// How many lines are handed on at once.
const BATCH: usize = 1024;

/// The lines of the file, and the samples of each check.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SampleIndex {
    lines: Vec<LineAt>,
    checks: HashMap<CheckId, Of>,
}

/// A line of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineAt {
    /// Its first byte, or one before it.
    pub byte: u64,
    /// When it was written, in session time; never before the line before.
    pub t_ms: u64,
    /// The last event before it.
    pub after: u64,
}

/// The samples of a check.
#[derive(Debug, Clone, Default, PartialEq)]
struct Of {
    /// The number of each one's line, from 0.
    lines: Vec<u32>,
    /// The first sample of each run that was all good or all bad, and which.
    runs: Vec<(u32, bool)>,
    /// The first sample of each run that all saw processes or all saw none, and which.
    sights: Vec<(u32, bool)>,
}

/// What it takes to know what was known when a line had been written.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Refill {
    /// The lines to read, in order, by number and place.
    pub lines: Vec<(u32, u64)>,
    pub checks: HashMap<CheckId, Kept>,
}

/// What is to be kept of a check, beside its last samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// The first line that holds one of these.
    pub from: u32,
    pub streak: i64,
    /// One of them saw processes.
    pub saw_processes: bool,
}

impl SampleIndex {
    /// Takes the next lines.
    pub fn extend(&mut self, lines: Vec<(LineAt, Vec<Measure>)>) {
        for (line, samples) in lines {
            let Ok(number) = u32::try_from(self.lines.len()) else { return };
            for sample in samples {
                if let Measure::Sample { check, point, processes } = sample {
                    let of = self.checks.entry(check).or_default();
                    of.push(number, point.verdict == Verdict::Pass, !processes.is_empty());
                }
            }
            self.lines.push(line);
        }
    }

    /// When the last line was written.
    pub fn end_ms(&self) -> u64 {
        self.lines.last().map_or(0, |line| line.t_ms)
    }

    /// How many lines had been written at a moment.
    pub fn written_at(&self, t_ms: u64) -> usize {
        self.lines.partition_point(|line| line.t_ms <= t_ms)
    }

    /// A line.
    pub fn line(&self, number: usize) -> Option<LineAt> {
        self.lines.get(number).copied()
    }

    /// What to read to know what was known after `written` lines by an engine that was started with event `since`: one
    /// that takes over knows of no sample yet.
    pub fn refill(&self, written: usize, since: u64) -> Refill {
        let begun = self.lines.partition_point(|line| line.after < since);
        let mut refill = Refill::default();
        let mut wanted = Vec::new();
        for (check, of) in &self.checks {
            let (first, count) = (of.before(begun), of.before(written));
            let samples = &of.lines[first.min(count)..count];
            let samples = &samples[samples.len().saturating_sub(SERIES)..];
            let Some(from) = samples.first().copied() else { continue };
            refill.checks.insert(check.clone(), of.kept(from, first, count));
            wanted.extend_from_slice(samples);
        }
        wanted.sort_unstable();
        wanted.dedup();
        refill.lines = wanted.into_iter().map(|line| (line, self.lines[line as usize].byte)).collect();
        refill
    }
}

impl Of {
    fn push(&mut self, line: u32, good: bool, sees_processes: bool) {
        // Beyond 2^32 samples of one check nothing more is looked up.
        let Ok(number) = u32::try_from(self.lines.len()) else { return };
        for (runs, now) in [(&mut self.runs, good), (&mut self.sights, sees_processes)] {
            if runs.last().is_none_or(|(_, last)| *last != now) {
                runs.push((number, now));
            }
        }
        self.lines.push(line);
    }

    /// How many samples stand in the first `lines` lines.
    fn before(&self, lines: usize) -> usize {
        self.lines.partition_point(|line| (*line as usize) < lines)
    }

    /// What the samples from number `first` up to `count` amount to; there is one at least.
    fn kept(&self, from: u32, first: usize, count: usize) -> Kept {
        // The newest sample is always in a run; it may have begun before the first that counts.
        let run = |runs: &[(u32, bool)]| {
            let at = runs.partition_point(|(begins, _)| (*begins as usize) < count);
            runs.get(at.wrapping_sub(1)).map_or((first, false), |run| (run.0 as usize, run.1))
        };
        let (begins, good) = run(&self.runs);
        let long = i64::try_from(count - begins.max(first)).unwrap_or(i64::MAX);
        let (begins, sees) = run(&self.sights);
        Kept { from, streak: if good { long } else { -long }, saw_processes: sees || begins > first }
    }
}

/// Reads the file for the index.
#[derive(Debug)]
pub(super) struct Reader {
    path: PathBuf,
    /// `None` while there is no file.
    samples: Option<Samples>,
    /// A line of events that are not known yet.
    early: Option<(u64, Sampled)>,
    last_ms: u64,
    read: Vec<(LineAt, Vec<Measure>)>,
}

impl Reader {
    /// A reader of the file at `path`, which need not be there yet, or ever.
    pub fn new(path: PathBuf) -> Self {
        Self { path, samples: None, early: None, last_ms: 0, read: Vec::new() }
    }

    /// Reads on, up to the lines that were written after event `last`; whether there may be more.
    pub fn read_on(&mut self, axis: &Axis, last: u64) -> bool {
        if self.samples.is_none() {
            self.samples = Samples::open(&self.path).ok();
        }
        while self.read.len() < BATCH {
            let (byte, line) = match self.early.take() {
                Some(early) => early,
                None => {
                    let Some(samples) = &mut self.samples else { return false };
                    let byte = samples.at();
                    // A file that cannot be read on ends here: nothing is decided by samples.
                    let Ok(Some(line)) = samples.next() else { return false };
                    (byte, line)
                }
            };
            if line.after > last {
                self.early = Some((byte, line));
                return false;
            }
            self.last_ms = self.last_ms.max(axis.of_up_ms(line.up_ms, line.after).0);
            self.read.push((LineAt { byte, t_ms: self.last_ms, after: line.after }, line.samples));
        }
        true
    }

    /// What was read since the last time.
    pub fn take(&mut self) -> Vec<(LineAt, Vec<Measure>)> {
        std::mem::take(&mut self.read)
    }
}
