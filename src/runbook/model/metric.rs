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

    /// How far a number is from the nearest limit that the old one gives; `None` where one of them is no number.
    #[must_use]
    pub fn headroom(&self, old: f64, new: f64) -> Option<Headroom> {
        let (least, most) = self.bounds(old);
        let upper = most.map(|limit| (Side::Most, limit, limit - new, limit - old));
        let lower = least.map(|limit| (Side::Least, limit, new - limit, old - limit));
        let sides = upper.into_iter().chain(lower).filter(|(_, _, room, _)| room.is_finite());
        let (side, limit, room, whole) = sides.min_by(|one, other| one.2.total_cmp(&other.2))?;
        // Where the limit asks for more than the old system did, the way from 0 to it is the whole.
        let whole = if whole > 0.0 { whole } else { limit.abs() };
        let left = if room > 0.0 { (room / whole).min(1.0) } else { 0.0 };
        Some(Headroom { side, limit, room, left })
    }
}

/// How far a number is from a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Headroom {
    pub side: Side,
    pub limit: f64,
    /// In the number's unit; below 0 where the limit is not kept.
    pub room: f64,
    /// Which part is left of the way from the old number to the limit, from 0 to 1.
    pub left: f64,
}

/// Which of two limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Least,
    Most,
}

impl Side {
    /// The word before a limit.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Least => "min",
            Self::Most => "max",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vs(upper: Option<(f64, f64)>, lower: Option<(f64, f64)>) -> Vs {
        Vs { baseline: "old".to_owned(), check: CheckId::from("lag"), upper, lower }
    }

    #[test]
    fn headroom_is_the_way_to_the_nearer_limit() {
        let both = vs(Some((1.5, 0.0)), Some((1.0, 10.0)));
        let at = |new| both.headroom(100.0, new).expect("there are limits");
        assert_eq!(at(140.0), Headroom { side: Side::Most, limit: 150.0, room: 10.0, left: 0.2 });
        assert_eq!(at(95.0), Headroom { side: Side::Least, limit: 90.0, room: 5.0, left: 0.5 });
        assert_eq!((at(80.0).room, at(80.0).left), (-10.0, 0.0));
        assert_eq!(at(170.0).room, -20.0);
    }

    #[test]
    fn headroom_of_what_must_be_better_than_before_is_measured_from_nothing() {
        let half = vs(Some((0.5, 0.0)), None).headroom(100.0, 40.0).expect("a limit");
        assert_eq!((half.room, half.left), (10.0, 0.2));
        let same = vs(None, Some((1.0, 0.0))).headroom(0.0, 0.0).expect("a limit");
        assert_eq!((same.room, same.left), (0.0, 0.0));
    }

    #[test]
    fn what_is_no_number_has_no_headroom() {
        let rule = vs(Some((1.0, 0.0)), None);
        assert_eq!(rule.headroom(f64::NAN, 1.0), None);
        assert_eq!(rule.headroom(1.0, f64::NAN), None);
        assert_eq!(rule.headroom(1.0, f64::NEG_INFINITY), None);
    }
}
