//! What was observed: each check's rule, its health over time, and its samples as far as they were kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Health;

/// A check: its rule, and how it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    pub id: String,
    pub title: String,
    /// `false`: its `when` rules it out.
    pub applies: bool,
    /// `http`, `tcp`, `process`, `file`, `command`, `any`, …; empty where the plan cannot be read.
    pub kind: String,
    /// What it looks at, in one line.
    pub what: String,
    /// Shown and recorded, never counted.
    pub advisory: bool,
    /// Of its number.
    pub unit: Option<String>,
    pub period_ms: u64,
    /// Bad samples in a row until it fails, and good ones until it is ok.
    pub failure_threshold: u32,
    pub success_threshold: u32,
    /// The numeric limits that it holds what it sees against.
    pub limits: Vec<Limit>,
    /// The stages whose gates ask for it.
    pub gates: Vec<String>,
    /// Its health over time, where it was polled.
    pub bands: Vec<HealthBand>,
    /// How long it was so, of the time in which it was polled and observed.
    pub health_ms: HealthTimes,
    pub samples: SampleCounts,
    /// Of the numbers that it saw.
    pub number: Option<Stats>,
    /// Of how long its samples took, in milliseconds.
    pub latency_ms: Option<Stats>,
    /// The number over time.
    pub number_series: Vec<Point>,
    /// How long its samples took over time, in milliseconds.
    pub latency_series: Vec<Point>,
}

/// A numeric limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Limit {
    /// What is limited: `latency`, a JSON pointer, `count /pattern/`, `rss`, `cpu`.
    pub of: String,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// `ms`, `bytes`, `%`, or the check's own.
    pub unit: Option<String>,
    /// It limits the number that `number_series` holds.
    pub charted: bool,
}

/// A check was in one health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthBand {
    pub health: Health,
    pub from_ms: u64,
    /// `null`: until the end of the record.
    pub to_ms: Option<u64>,
    /// Why it was not ok.
    pub reason: String,
    /// What was seen when it came to this.
    pub value: Option<String>,
}

/// How long a check was in each health.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthTimes {
    pub ok: u64,
    pub failing: u64,
    pub stale: u64,
    pub pending: u64,
}

/// How many samples were kept of a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SampleCounts {
    pub total: u64,
    /// The expectation was met.
    pub passed: u64,
    /// It was not.
    pub failed: u64,
    /// It could not be observed.
    pub errors: u64,
    /// It was observed, and too little was seen yet to judge it.
    pub pending: u64,
}

/// A summary of many values. Extremes are exact; median and 95th percentile are within 0.1 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    pub min: f64,
    pub median: f64,
    pub p95: f64,
    pub max: f64,
}

/// `[t_ms, value]`: a value at a moment of session time, or `null` where a gap begins: draw no line across it. Of many
/// samples that are close to each other the least and the greatest are kept.
pub type Point = (u64, Option<f64>);

/// A check that was held against what a `baseline` step measured of the old system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Versus {
    pub check: String,
    /// The baseline, and the check of the old system: `c-runtime.latency`.
    pub baseline: String,
    /// `null`: it was not taken.
    pub old: Option<Number>,
    pub old_samples: u32,
    /// What was judged last; `null`: nothing was.
    pub new: Option<Number>,
    /// The least and the most that the new number might be.
    pub least: Option<Number>,
    pub most: Option<Number>,
    /// How far the last number was from the nearer limit; below 0 where it was not kept.
    pub headroom: Option<Number>,
    /// The smallest that it ever was.
    pub smallest_headroom: Option<Number>,
}

/// A number, and how it is shown with its unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Number {
    pub value: f64,
    pub shown: String,
}
