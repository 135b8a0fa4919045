//! Samples and output progress: what the screen shows beside the state, bounded, and read by no decision.

use std::collections::{HashMap, VecDeque};

use crate::event::Identity;
use crate::runbook::{CheckId, StepId};

/// How many samples of a check are kept.
pub const SERIES: usize = 300;

/// What was sampled lately.
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    pub checks: HashMap<CheckId, Series>,
    /// Seen by process checks, newest look of each.
    pub processes: HashMap<CheckId, Vec<ProcessSeen>>,
    pub output: HashMap<StepId, OutputProgress>,
    pub log: LogHealth,
    /// The log's head, `seq:hash8`: what whoever keeps it can hold the log against later.
    pub head: Option<String>,
}

/// A check's last samples.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// Oldest first, at most [`SERIES`].
    pub samples: VecDeque<SamplePoint>,
    /// How many of the newest were good (positive) or bad (negative) in a row.
    pub streak: i64,
}

/// One sample as the screen needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplePoint {
    /// Boot-clock time at which it began.
    pub up_ms: u64,
    pub took_ms: u32,
    pub verdict: Verdict,
    /// As it is shown: `200`, `pid 2114`, `7.2s`.
    pub value: Option<String>,
    pub number: Option<f64>,
    /// Why it is not good; empty where it is.
    pub reason: String,
}

/// What one sample said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    /// The expectation was not met.
    Failed,
    /// It could not be observed.
    Error,
}

/// One process as a process check saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessSeen {
    pub identity: Identity,
    pub name: String,
    /// Per cent of one core; `None` before the second look.
    pub cpu: Option<f64>,
    /// Bytes.
    pub rss: u64,
    /// Milliseconds since it was started.
    pub up_ms: u64,
}

/// A running step's output, as far as its shim has written it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputProgress {
    pub attempt: u32,
    pub bytes: u64,
}

/// Whether the log can be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LogHealth {
    #[default]
    Ok,
    /// The disk is full; the sentence names the path and the free bytes.
    Full(String),
    /// Writing failed otherwise.
    Failed(String),
}

/// What the engine measures and hands on, to be folded into [`Telemetry`].
#[derive(Debug, Clone)]
pub enum Measure {
    Sample {
        check: CheckId,
        point: SamplePoint,
        processes: Vec<ProcessSeen>,
    },
    Output {
        step: StepId,
        progress: OutputProgress,
    },
    Log(LogHealth),
    /// The log's new head, `seq:hash8`.
    Head(String),
}

impl Telemetry {
    /// Folds one measure in.
    pub fn record(&mut self, measure: Measure) {
        match measure {
            Measure::Sample { check, point, processes } => {
                if !processes.is_empty() || self.processes.contains_key(&check) {
                    self.processes.insert(check.clone(), processes);
                }
                self.checks.entry(check).or_default().push(point);
            }
            Measure::Output { step, progress } => {
                self.output.insert(step, progress);
            }
            Measure::Log(health) => self.log = health,
            Measure::Head(head) => self.head = Some(head),
        }
    }
}

impl Series {
    /// Adds the newest sample and drops the oldest beyond [`SERIES`].
    pub fn push(&mut self, point: SamplePoint) {
        let good = point.verdict == Verdict::Pass;
        self.streak = match (good, self.streak > 0) {
            (true, true) => self.streak + 1,
            (true, false) => 1,
            (false, true) => -1,
            (false, false) => self.streak - 1,
        };
        if self.samples.len() == SERIES {
            self.samples.pop_front();
        }
        self.samples.push_back(point);
    }

    /// The newest sample.
    #[must_use]
    pub fn last(&self) -> Option<&SamplePoint> {
        self.samples.back()
    }

    /// The latency in milliseconds that `percent` of the kept samples did not exceed.
    #[must_use]
    pub fn latency_ms(&self, percent: usize) -> Option<u32> {
        let mut took: Vec<u32> = self.samples.iter().map(|s| s.took_ms).collect();
        took.sort_unstable();
        let rank = (took.len() * percent).div_ceil(100).max(1) - 1;
        took.get(rank).copied()
    }
}
