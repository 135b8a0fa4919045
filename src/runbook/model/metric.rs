//! A number over time: where it is read, what is made of it, and what it must be.

use std::time::Duration;

use super::{Command, HttpTarget, Pattern, Template};
use crate::runbook::id::CheckId;
use crate::runbook::series::Series;

/// A metric, and what it must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    pub source: MetricSource,
    pub reading: Reading,
    pub expect: MetricExpect,
}

/// Where a number comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricSource {
    Http {
        target: Box<HttpTarget>,
        reader: Reader,
    },
    Command {
        command: Command,
        reader: Reader,
    },
    File {
        path: Template,
        reader: Reader,
    },
    /// An instant query of a Prometheus server.
    Prometheus {
        url: Template,
        query: Template,
    },
    /// How long the looks of another check take, in milliseconds.
    Latency(CheckId),
    /// A figure of the processes that a `process` check finds.
    Process {
        check: CheckId,
        field: ProcessField,
    },
    Host(HostField),
}

impl MetricSource {
    /// The key that the runbook writes for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Http { .. } => "http",
            Self::Command { .. } => "command",
            Self::File { .. } => "file",
            Self::Prometheus { .. } => "prometheus",
            Self::Latency(_) => "latency",
            Self::Process { .. } => "process",
            Self::Host(_) => "host",
        }
    }

    /// What its numbers count, where that is known without being told.
    #[must_use]
    pub fn measure(&self) -> Measure {
        match self {
            Self::Latency(_) => Measure::Milliseconds,
            Self::Process { field: ProcessField::Rss, .. }
            | Self::Host(HostField::MemoryAvailable | HostField::DiskFree) => Measure::Bytes,
            Self::Process { field: ProcessField::Cpu, .. } => Measure::Percent,
            _ => Measure::Number,
        }
    }
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Number,
    Bytes,
    Milliseconds,
    /// Of one core.
    Percent,
}

/// How the number is found in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Reader {
    pub pick: Pick,
    /// What it is divided by, found in the same text in the same way.
    pub of: Option<Pick>,
}

/// One number in a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Pick {
    /// Group 1 of the one match.
    Regex(Pattern),
    /// What a JSON pointer finds.
    Json(String),
    /// The one series of this name that has these labels, in Prometheus text.
    Series(Series),
    /// How often a pattern matches.
    Count(Pattern),
}

/// A figure of processes; of several, their sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessField {
    /// Bytes.
    Rss,
    /// Per cent of one core.
    Cpu,
    Threads,
    OpenFiles,
}

impl ProcessField {
    /// The word that the runbook writes for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rss => "rss",
            Self::Cpu => "cpu",
            Self::Threads => "threads",
            Self::OpenFiles => "open_files",
        }
    }
}

/// A figure of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostField {
    /// The load of the last minute.
    Load,
    /// Bytes that programs may still ask for.
    MemoryAvailable,
    /// Bytes that are free where the runbook lies.
    DiskFree,
}

impl HostField {
    /// The word that the runbook writes for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::MemoryAvailable => "memory_available",
            Self::DiskFree => "disk_free",
        }
    }
}

/// What is made of the numbers as they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reading {
    /// Nothing.
    #[default]
    Value,
    /// How fast a counter rises, per second.
    Rate,
    /// How far a counter has risen since the first look in this stage.
    Delta,
}

impl Reading {
    /// The word that the runbook writes for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Rate => "rate",
            Self::Delta => "delta",
        }
    }
}

/// What a number must be. Without any limit it must only be there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricExpect {
    pub max: Option<f64>,
    pub min: Option<f64>,
    /// How far back it is looked; without it only the newest number counts.
    pub window: Option<Duration>,
    /// What is made of the numbers in the window; see [`MetricExpect::aggregate`].
    pub aggregate: Option<Aggregate>,
    /// So many numbers there must be at least; 1 and more.
    pub min_samples: u32,
    pub vs: Option<Vs>,
}

impl MetricExpect {
    /// What is made of the numbers: the mean of a window, and of nothing but the newest that one.
    #[must_use]
    pub fn aggregate(&self) -> Aggregate {
        self.aggregate.unwrap_or(if self.window.is_some() { Aggregate::Mean } else { Aggregate::Last })
    }
}

/// One number made of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    Last,
    Mean,
    Min,
    Max,
    P50,
    P95,
    P99,
    /// How far it rises in this time, by the straight line that fits best.
    Slope(Duration),
}

impl Aggregate {
    /// The word that the runbook writes for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Slope(_) => "slope",
        }
    }
}

/// A comparison with what a `baseline` step measured of the old system: at most `times` × old + `plus`, at least
/// `times` × old − `minus`.
#[derive(Debug, Clone, PartialEq)]
pub struct Vs {
    pub baseline: String,
    /// The check of the old system.
    pub check: CheckId,
    /// `(max_times, plus)`.
    pub upper: Option<(f64, f64)>,
    /// `(min_times, minus)`.
    pub lower: Option<(f64, f64)>,
}

impl Vs {
    /// The least and the most that the new number may be, where the old one is `old`.
    #[must_use]
    pub fn bounds(&self, old: f64) -> (Option<f64>, Option<f64>) {
        (
            self.lower.map(|(times, minus)| times * old - minus),
            self.upper.map(|(times, plus)| times * old + plus),
        )
    }
}
